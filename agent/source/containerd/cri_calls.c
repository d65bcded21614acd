/* SPDX-License-Identifier: Apache-2.0 */
#include "source/containerd/cri_calls.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * Looked at: containerd 1.6.20, 1.7.24 and 2.1.9 (Debian's binaries, run), pkg/cri/server/instrumented_service.go and
 * internal/cri/instrument/instrumented_service.go, and logs of 2022 to 2026. Level: all are told without debug.
 *
 * How many bytes a pull read is in a line of its own since 1.7: true there, 0 or a part of it in 2.1.9. Not taken.
 */
const struct cri_call_rule cri_call_rules[] = {
	{CRI_RUN_POD_SANDBOX, "RunPodSandbox for ", "", " returns sandbox id ", true, false,
	 " failed, error"},
	/* "... for container &ContainerMetadata{...}" begins, "... for &ContainerMetadata{...}" returns */
	{CRI_CREATE_CONTAINER, "CreateContainer within sandbox ", "container ",
	 " returns container id ", true, false, " failed"},
	{CRI_START_CONTAINER, "StartContainer for ", "", " returns successfully", false, false,
	 " failed"},
	{CRI_PULL_IMAGE, "PullImage ", "", " returns image reference ", true, true, " failed"},
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

static bool is_id(const char *text, size_t length, bool image)
{
	size_t prefix = image ? strlen("sha256:") : 0;

	return length > prefix && length < (image ? DIGEST_SIZE : ID_SIZE) &&
	       memcmp(text, "sha256:", prefix) == 0 && text_is_hex(text + prefix, length - prefix);
}

/* Takes an id in quotes, which are escaped inside a quoted message, from the end. */
static bool take_id(const char *text, size_t *length, bool image, char ret_id[static ID_SIZE])
{
	size_t end = *length, begin;

	if (!end || text[--end] != '"')
		return false;
	end -= end && text[end - 1] == '\\';
	begin = end;
	while (begin && text[begin - 1] != '"')
		begin--;
	if (!begin || !is_id(text + begin, end - begin, image))
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
	if (rule->makes && take_id(text, &length, rule->image, ret->id) &&
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
		take_id(text, &length, false, ret->id);
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

static void lose(struct cri_calls *calls, uint64_t boot_ns)
{
	if (!calls->lost.count++)
		calls->lost.from_ns = calls->open->began_ns;
	calls->lost.to_ns = boot_ns;
	drop(calls, calls->open);
}

static void begin(struct cri_calls *calls, enum cri_method method, const char *text,
		  uint64_t boot_ns)
{
	struct cri_call_open *open = find(calls, method, text);

	if (open && open->began_ns == boot_ns) /* the same line, read again */
		return;
	if (calls->count == CRI_CALLS_OPEN_MAX)
		lose(calls, boot_ns);
	open = &calls->open[calls->count++];
	open->method = method;
	open->began_ns = boot_ns;
	TEXT_COPY(open->text, text);
}

/* "localhost/a", "r.io/a", "r:5000/a"; else the name is Docker Hub's. */
static bool has_host(const char *name, size_t length)
{
	return name[length] == '/' && (memchr(name, '.', length) || memchr(name, ':', length) ||
				       strncmp(name, "localhost/", length + 1) == 0);
}

/*
 * An image as the kubelet asks for it, in quotes, by the name that containerd keeps it under: "redis:7" is
 * "docker.io/library/redis:7", and of "r.io/a:1@sha256:..." the tag is dropped.
 */
static bool image_name(const char *text, char ret_name[static IMAGE_SIZE])
{
	static const char hub[] = "docker.io/";
	size_t quote = text[0] == '\\' ? 2 : 1, length = strlen(text), host;
	char name[CRI_CALL_TEXT_SIZE];
	const char *rest = name, *at, *tag;

	if (length <= 2 * quote || text[quote - 1] != '"' || text[length - 1] != '"')
		return false;
	text_copy_n(name, sizeof(name), text + quote, length - 2 * quote);
	host = strcspn(name, "/");
	if (has_host(name, host))
		rest += host + 1;
	at = strchr(rest, '@');
	tag = strchr(rest, ':');
	length = tag && (!at || tag < at) ? (size_t)(tag - rest) : strcspn(rest, "@");
	bool in_hub = rest == name || strncmp(name, hub, strlen(hub)) == 0;

	snprintf(ret_name, IMAGE_SIZE, "%.*s%s%.*s%s",
		 in_hub ? (int)strlen(hub) : (int)(rest - name), in_hub ? hub : name,
		 in_hub && !strchr(rest, '/') ? "library/" : "", (int)length, rest,
		 at    ? at
		 : tag ? tag
		       : ":latest");
	return true;
}

static bool end(struct cri_calls *calls, const struct cri_call_rule *rule, const struct said *said,
		uint64_t boot_ns, struct event *ret)
{
	struct cri_call_open *open = find(calls, rule->method, said->text);
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
		.cri_call = {.method = rule->method, .began_ns = began_ns},
	};
	if (!rule->image) {
		TEXT_COPY(ret->cri_call.container_id, said->id);
		return true;
	}
	TEXT_COPY(ret->cri_call.image_id, said->id);
	return image_name(said->text, ret->cri_call.image);
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
		return end(calls, rule, &said, boot_ns, ret);
	if (boot_ns < before_ns)
		begin(calls, rule->method, said.text, boot_ns);
	return false;
}
