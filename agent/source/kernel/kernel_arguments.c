/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_arguments.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* The strings of an argument vector or environment, one after the other. */
struct strings {
	const char *next, *end;
};

static const char *next_string(struct strings *strings, size_t *ret_length)
{
	const char *text = strings->next;

	if (text >= strings->end)
		return NULL;
	*ret_length = strnlen(text, (size_t)(strings->end - text));
	strings->next = text + *ret_length + 1;
	return text;
}

static bool equals(const char *text, size_t length, const char *word)
{
	return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool is_verb(enum process_role role, const char *text, size_t length)
{
	static const char *const runtime[] = {"create", "start", "run",	  "kill",   "delete",
					      "exec",	"state", "pause", "resume", "update"};

	if (role == ROLE_SHIM)
		return equals(text, length, "start") || equals(text, length, "delete");
	for (size_t i = 0; i < sizeof(runtime) / sizeof(*runtime); i++)
		if (equals(text, length, runtime[i]))
			return true;
	return false;
}

/* The id is the last argument, but for `runc kill ID SIGNAL`. */
static void read_runtime_id(const char *last, size_t length, const char *before,
			    size_t before_length, struct event_exec *exec)
{
	bool kill = strcmp(exec->verb, "kill") == 0 && !equals(before, before_length, "kill");

	if (!*exec->verb)
		return;
	text_copy_n(exec->container_id, sizeof(exec->container_id), kill ? before : last,
		    kill ? before_length : length);
}

void kernel_arguments(const char *texts, size_t size, struct event_exec *exec)
{
	struct strings strings = {texts, texts + size};
	const char *text, *before = "";
	size_t length, before_length = 0;

	while ((text = next_string(&strings, &length))) {
		if (!*exec->verb && is_verb(exec->role, text, length))
			text_copy_n(exec->verb, sizeof(exec->verb), text, length);
		if (exec->role == ROLE_SHIM && equals(before, before_length, "-id"))
			text_copy_n(exec->container_id, sizeof(exec->container_id), text, length);
		if (exec->role == ROLE_RUNTIME) /* the last one stays */
			read_runtime_id(text, length, before, before_length, exec);
		before = text;
		before_length = length;
	}
}

static void read_pair(const char *text, size_t length, const char *name, char *to, size_t size)
{
	size_t name_length = strlen(name);

	if (length > name_length && memcmp(text, name, name_length) == 0)
		text_copy_n(to, size, text + name_length, length - name_length);
}

void kernel_environment(const char *texts, size_t size, struct event_exec *exec)
{
	struct strings strings = {texts, texts + size};
	const char *text;
	size_t length;

	while ((text = next_string(&strings, &length))) {
		read_pair(text, length, "CNI_COMMAND=", exec->verb, sizeof(exec->verb));
		read_pair(text, length, "CNI_CONTAINERID=", exec->container_id,
			  sizeof(exec->container_id));
		if (length <= 9 || memcmp(text, "CNI_ARGS=", 9) != 0)
			continue;
		for (const char *pair = text + 9, *end = text + length; pair < end;) {
			const char *stop = memchr(pair, ';', (size_t)(end - pair));
			size_t pair_length = (size_t)((stop ? stop : end) - pair);

			read_pair(pair, pair_length, "K8S_POD_NAME=", exec->pod, sizeof(exec->pod));
			read_pair(pair, pair_length, "K8S_POD_NAMESPACE=", exec->pod_namespace,
				  sizeof(exec->pod_namespace));
			pair += pair_length + 1;
		}
	}
}
