/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_core.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define PATTERN_PATH "/proc/sys/kernel/core_pattern"
#define PID_PATH     "/proc/sys/kernel/core_uses_pid"
#define PATTERN_SIZE 129 /* CORENAME_MAX_SIZE and its NUL */
#define VALUE_SIZE   32

/* %e: a slash in a name would lead elsewhere, and so would a name of dots (cn_esc_printf). */
static void safe_name(const char *comm, char ret[static VALUE_SIZE])
{
	text_copy(ret, VALUE_SIZE, comm);
	if (strcmp(ret, ".") == 0 || strcmp(ret, "..") == 0)
		*ret = '!';
	for (char *at = ret; *at; at++)
		if (*at == '/')
			*at = '!';
}

/* False for what is not known. */
static bool value_of(char what, const struct event_exit *exit, int64_t wall_s,
		     char ret[static VALUE_SIZE])
{
	switch (what) {
	case '%':
		snprintf(ret, VALUE_SIZE, "%%");
		return true;
	case 'P':
		snprintf(ret, VALUE_SIZE, "%" PRIu32, exit->who.pid);
		return true;
	case 'p':
		snprintf(ret, VALUE_SIZE, "%" PRIu32, exit->namespace_pid);
		return exit->namespace_pid;
	case 's':
		snprintf(ret, VALUE_SIZE, "%" PRId32, exit->signal);
		return true;
	case 't':
		snprintf(ret, VALUE_SIZE, "%" PRId64, wall_s);
		return true;
	case 'e':
		safe_name(exit->comm, ret);
		return true;
	default:
		return false;
	}
}

void kernel_core_path(const char *pattern, bool uses_pid, const struct event_exit *exit,
		      int64_t wall_s, char ret[static FILE_SIZE])
{
	bool pid_used = false;
	size_t used = 0;

	if (*pattern == '|') {
		text_copy_n(ret, FILE_SIZE, pattern, strcspn(pattern, " "));
		return;
	}
	ret[0] = '\0';
	for (const char *at = pattern; *at && used < FILE_SIZE - 1; at++) {
		char value[VALUE_SIZE] = {*at, '\0'};

		if (*at == '%') {
			if (!*++at)
				break;
			pid_used |= *at == 'p';
			if (!value_of(*at, exit, wall_s, value))
				snprintf(value, sizeof(value), "%%%c", *at);
		}
		text_copy(ret + used, FILE_SIZE - used, value);
		used += strlen(ret + used);
	}
	if (uses_pid && !pid_used && exit->namespace_pid)
		snprintf(ret + used, FILE_SIZE - used, ".%" PRIu32, exit->namespace_pid);
}

static bool read_line(const char *path, char ret[static PATTERN_SIZE])
{
	FILE *file = fopen(path, "re");
	bool read = file && fgets(ret, PATTERN_SIZE, file);

	if (file)
		fclose(file);
	if (read)
		ret[strcspn(ret, "\n")] = '\0';
	return read;
}

void kernel_core_tell(const struct event *exit, event_fn on_event, void *context)
{
	char pattern[PATTERN_SIZE], uses_pid[PATTERN_SIZE] = "0";
	struct event event = {.type = EVENT_CORE, .boot_ns = exit->boot_ns};

	if (!exit->exit.core_dumped || !*exit->exit.container_id ||
	    !read_line(PATTERN_PATH, pattern))
		return;
	read_line(PID_PATH, uses_pid);
	event.core.pid = exit->exit.who.pid;
	TEXT_COPY(event.core.container_id, exit->exit.container_id);
	kernel_core_path(pattern, *uses_pid != '0', &exit->exit,
			 ((int64_t)exit->boot_ns + clock_wall_offset_ns()) / (int64_t)NS_PER_SECOND,
			 event.core.path);
	on_event(context, &event);
}
