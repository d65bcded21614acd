// SPDX-License-Identifier: Apache-2.0
#include "model/failed_start.h"

#include <string.h>

#include "base/text.h"

/* A failure by the words that make it out, and the name that it is about by what stands around it. */
struct wording {
	const char *says, *also; /* both have to be there; NULL: nothing else */
	enum start_failure kind;
	const char *before;
	const char *end; /* characters that end the name; NULL: there is no name */
};

/*
 * The first that fits is taken. runc's words changed between 1.0, 1.1 and 1.2, Go's for a directory in 1.20; those of
 * runc's init after `runc create` has returned are in the container's log, as are the loaders'.
 */
static const struct wording wordings[] = {
	/* glibc's and musl's dynamic loaders */
	{"error while loading shared libraries: ", NULL, FAILURE_LIBRARY,
	 "error while loading shared libraries: ", ":"},
	{"Error loading shared library ", NULL, FAILURE_LIBRARY, "Error loading shared library ",
	 ":"},
	{"Error relocating ", "symbol not found", FAILURE_LIBRARY, "Error relocating ", ":"},
	{": version `", "' not found (required by ", FAILURE_LIBRARY, ": version `", "'"},

	{"read-only file system", "to rootfs at \"", FAILURE_READ_ONLY, "to rootfs at \"", "\""},
	{"read-only file system", "mkdir ", FAILURE_READ_ONLY, "mkdir ", ":"},
	{"read-only file system", NULL, FAILURE_READ_ONLY, NULL, NULL},
	{"Read-only file system", NULL, FAILURE_READ_ONLY, "`", "`"}, /* crun */

	{"error mounting ", "to rootfs at \"", FAILURE_MOUNT, "to rootfs at \"", "\""},
	{"error mounting ", NULL, FAILURE_MOUNT, "error mounting \"", "\""},
	{"failed to fulfil mount request", NULL, FAILURE_MOUNT, "open ", ":"},
	{"failed to generate container ", "failed to stat \"", FAILURE_MOUNT, "failed to stat \"",
	 "\""},
	{"failed to mount ", NULL, FAILURE_MOUNT, "failed to mount ", ": "},
	{"mount `", "to `", FAILURE_MOUNT, "to `", "`"}, /* crun */

	{"chdir to cwd (", NULL, FAILURE_WORKING_DIR, "chdir to cwd (\"", "\""},
	{"cannot chdir", NULL, FAILURE_WORKING_DIR, "cannot chdir to `", "`"},
	{"container init: mkdir ", NULL, FAILURE_WORKING_DIR, "mkdir ", ":"},
	{"cwd must be an absolute path", NULL, FAILURE_WORKING_DIR, NULL, NULL},
	{"Cwd must be an absolute path", NULL, FAILURE_WORKING_DIR, NULL, NULL},

	{"unable to find user ", NULL, FAILURE_USER, "unable to find user ", ":"},
	{"unable to find group ", NULL, FAILURE_USER, "unable to find group ", ":"},
	{"no users found", NULL, FAILURE_USER, NULL, NULL},
	{"no groups found", NULL, FAILURE_USER, NULL, NULL},
	{"no matching entries in passwd file", NULL, FAILURE_USER, NULL, NULL},
	{"/etc/passwd: no such file or directory", NULL, FAILURE_USER, NULL, NULL},
	{"setup user", NULL, FAILURE_USER, NULL, NULL},

	{"unable to set memory limit", NULL, FAILURE_CGROUP, NULL, NULL},
	{"container init was OOM-killed", NULL, FAILURE_CGROUP, NULL, NULL},
	{"cgroup", NULL, FAILURE_CGROUP, NULL, NULL},

	{"exec format error", "exec user process", FAILURE_FORMAT, NULL, NULL},
	{"exec format error", "exec /", FAILURE_FORMAT, "exec ", ":"},
	{"Exec format error", NULL, FAILURE_FORMAT, "exec of '", "'"},
	/* found before, and not there for execve: what it names in its first line, or as its ELF interpreter */
	{"no such file or directory", "exec user process", FAILURE_INTERPRETER, NULL, NULL},
	{"no such file or directory", "exec /", FAILURE_INTERPRETER, "exec ", ":"},
	{"permission denied", "exec user process", FAILURE_PERMISSION, NULL, NULL},
	{"permission denied", "exec /", FAILURE_PERMISSION, "exec ", ":"},

	{"executable file not found in $PATH", NULL, FAILURE_NOT_FOUND, "exec: \"", "\""},
	{"executable file not found in `$PATH`", NULL, FAILURE_NOT_FOUND, "executable file `", "`"},
	{"executable file `", "not found", FAILURE_NOT_FOUND, "executable file `", "`"},
	{"no such file or directory", "exec: \"", FAILURE_NOT_FOUND, "exec: \"", "\""},
	{"not a directory", "exec: \"", FAILURE_NOT_FOUND, "exec: \"", "\""},
	{"is a directory", "exec: \"", FAILURE_DIRECTORY, "exec: \"", "\""},
	{"permission denied", "exec: \"", FAILURE_PERMISSION, "exec: \"", "\""},
	{"open executable: Permission denied", NULL, FAILURE_PERMISSION, NULL, NULL},
	{"no command specified", NULL, FAILURE_NOT_FOUND, NULL, NULL},
};

/* Layers that say no more than that something failed, from the outside in. */
static const char *inner(const char *text)
{
	static const char *const layers[] = {
		"failed to create containerd task: ",
		"failed to start containerd task ",
		"failed to create shim task: ",
		"failed to create shim: ",
		"OCI runtime create failed: ",
		"OCI runtime start failed: ",
		"runc create failed: ",
		"runc start failed: ",
		"unable to start container process: ",
		"container_linux.go",
		"starting container process caused: ",
		"error during container init: ",
	};

	for (size_t i = 0; i < sizeof(layers) / sizeof(*layers); i++) {
		const char *found = strstr(text, layers[i]);
		const char *end = found ? strstr(found, ": ") : NULL;

		if (end)
			text = end + 2;
	}
	return text;
}

static void copy_inner(const char *message, char ret[CAUSE_SIZE])
{
	static const char unknown[] = ": unknown"; /* a gRPC code's name */
	const char *text = inner(message);
	size_t length = strlen(text), tail = sizeof(unknown) - 1;

	if (length > tail && strcmp(text + length - tail, unknown) == 0)
		length -= tail;
	text_copy_n(ret, CAUSE_SIZE, text, length);
}

static void copy_name(const struct wording *wording, const char *text, char ret[FILE_SIZE])
{
	const char *from = wording->end ? strstr(text, wording->before) : NULL;

	if (!from)
		return;
	from += strlen(wording->before);
	text_copy_n(ret, FILE_SIZE, from, strcspn(from, wording->end));
}

bool failed_start_read(const char *text, struct failed_start *ret)
{
	for (size_t i = 0; i < sizeof(wordings) / sizeof(*wordings); i++) {
		const struct wording *wording = &wordings[i];
		struct failed_start failed = {.kind = wording->kind};

		if (!strstr(text, wording->says) || (wording->also && !strstr(text, wording->also)))
			continue;
		copy_name(wording, text, failed.what);
		copy_inner(text, failed.text);
		*ret = failed;
		return true;
	}
	return false;
}

void failed_start_of_message(const char *message, struct failed_start *ret)
{
	struct failed_start failed = {.kind = FAILURE_OTHER};

	if (!failed_start_read(message, &failed))
		copy_inner(message, failed.text);
	*ret = failed;
}
