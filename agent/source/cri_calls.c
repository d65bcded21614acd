/* SPDX-License-Identifier: Apache-2.0 */
#include "source/cri_calls.h"

#include <string.h>

#include "base/text.h"

/*
 * Looked at: containerd 1.6.20, 1.7.24 and 2.1.9 (Debian's binaries, run), pkg/cri/server/instrumented_service.go and
 * internal/cri/instrument/instrumented_service.go, and logs of 2022 to 2026. Level: all are told without debug.
 */
const struct cri_call_rule cri_call_rules[] = {
	{CRI_RUN_POD_SANDBOX, "RunPodSandbox for ", "", " returns sandbox id ", true,
	 " failed, error"},
	/* "... for container &ContainerMetadata{...}" begins, "... for &ContainerMetadata{...}" returns */
	{CRI_CREATE_CONTAINER, "CreateContainer within sandbox ", "container ",
	 " returns container id ", true, " failed"},
	{CRI_START_CONTAINER, "StartContainer for ", "", " returns successfully", false, " failed"},
};

const size_t cri_call_rule_count = sizeof(cri_call_rules) / sizeof(*cri_call_rules);

/* What a line says of a call. */
struct said {
	bool ended;
	char text[CRI_CALL_TEXT_SIZE]; /* what it is for */
	char id[ID_SIZE];	       /* "": it has made or started nothing */
};

static bool take_tail(const char *text, size_t *length, const char *tail)
{
	size_t size = strlen(tail);

	if (*length < size || memcmp(text + *length - size, tail, size) != 0)
		return false;
	*length -= size;
	return true;
}

/* Takes an id in quotes, which are escaped inside a quoted message, from the end. */
static bool take_id(const char *text, size_t *length, char ret_id[static ID_SIZE])
{
	size_t end = *length, begin;

	if (!end || text[--end] != '"')
		return false;
	end -= end && text[end - 1] == '\\';
	begin = end;
	while (begin && text[begin - 1] != '"')
		begin--;
	if (!begin || begin == end || end - begin >= ID_SIZE ||
	    !text_is_hex(text + begin, end - begin))
		return false;
	text_copy_n(ret_id, ID_SIZE, text + begin, end - begin);
	begin--;
	*length = begin - (begin && text[begin - 1] == '\\');
	return true;
}

/* Both lines say the same without what the begin says besides. */
static void drop_extra(struct said *said, const char *extra)
{
	char *at = *extra ? strstr(said->text, extra) : NULL;

	if (at)
		memmove(at, at + strlen(extra), strlen(at + strlen(extra)) + 1);
}

static bool read_line(const struct cri_call_rule *rule, const struct log_line *line,
		      struct said *ret)
{
	const char *text = line->message + strlen(rule->prefix);
	size_t length = line->length - strlen(rule->prefix), whole = length;

	*ret = (struct said){0};
	if (rule->makes && take_id(text, &length, ret->id) &&
	    take_tail(text, &length, rule->returns)) {
		ret->ended = true;
	} else {
		length = whole;
		*ret->id = '\0';
		ret->ended = take_tail(text, &length, rule->fails) ||
			     (!rule->makes && take_tail(text, &length, rule->returns));
	}
	if (!length || length >= sizeof(ret->text))
		return false;
	text_copy_n(ret->text, sizeof(ret->text), text, length);
	/* one that could not be started was tried to */
	if (ret->ended && !rule->makes)
		take_id(text, &length, ret->id);
	if (!ret->ended)
		drop_extra(ret, rule->extra);
	return true;
}

/* The last that began: an earlier one was left open by a crash, or goes on and makes this one fail. */
static struct cri_call_open *find(struct cri_calls *calls, enum cri_method method, const char *text)
{
	for (uint32_t i = calls->count; i > 0; i--)
		if (calls->open[i - 1].method == method &&
		    strcmp(calls->open[i - 1].text, text) == 0)
			return &calls->open[i - 1];
	return NULL;
}

static void drop(struct cri_calls *calls, struct cri_call_open *open)
{
	struct cri_call_open *end = calls->open + calls->count--;

	memmove(open, open + 1, (size_t)((char *)end - (char *)(open + 1)));
}

static void begin(struct cri_calls *calls, enum cri_method method, const char *text,
		  uint64_t boot_ns)
{
	struct cri_call_open *open = find(calls, method, text);

	if (open && open->began_ns == boot_ns) /* the same line, read again */
		return;
	if (calls->count == CRI_CALLS_OPEN_MAX) {
		drop(calls, calls->open);
		calls->evicted++;
	}
	open = &calls->open[calls->count++];
	open->method = method;
	open->began_ns = boot_ns;
	TEXT_COPY(open->text, text);
}

static bool end(struct cri_calls *calls, enum cri_method method, const struct said *said,
		uint64_t boot_ns, struct event *ret)
{
	struct cri_call_open *open = find(calls, method, said->text);
	uint64_t began_ns;

	if (!open)
		return false;
	began_ns = open->began_ns;
	drop(calls, open);
	if (!*said->id || boot_ns <= began_ns)
		return false;
	*ret = (struct event){
		.type = EVENT_CRI_CALL,
		.flags = EVENT_RECONSTRUCTED,
		.boot_ns = boot_ns,
		.cri_call = {.method = method, .began_ns = began_ns},
	};
	TEXT_COPY(ret->cri_call.container_id, said->id);
	return true;
}

bool cri_calls_line(struct cri_calls *calls, const struct log_line *line, uint64_t boot_ns,
		    uint64_t before_ns, struct event *ret)
{
	const struct cri_call_rule *rule = cri_call_rules;
	struct said said;

	if (!boot_ns || (boot_ns >= before_ns && !calls->count))
		return false;
	while (rule < cri_call_rules + cri_call_rule_count && !log_line_begins(line, rule->prefix))
		rule++;
	if (rule == cri_call_rules + cri_call_rule_count || !read_line(rule, line, &said))
		return false;
	if (said.ended)
		return end(calls, rule->method, &said, boot_ns, ret);
	if (boot_ns < before_ns)
		begin(calls, rule->method, said.text, boot_ns);
	return false;
}
