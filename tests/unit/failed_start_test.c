/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as containerd 1.6, 1.7 and 2 quote them from runc 1.0 to 1.3 and crun, and lines of containers' logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/failed_start.h"

#define TASK   "failed to create containerd task: failed to create shim task: "
#define OCI    "OCI runtime create failed: "
#define RUNC   OCI "runc create failed: unable to start container process: "
#define INIT   RUNC "error during container init: "
#define BUNDLE "/run/containerd/io.containerd.runtime.v2.task/k8s.io/901c/rootfs"

static void messages(void **state)
{
	static const struct {
		const char *message;
		enum start_failure kind;
		const char *what, *text;
	} cases[] = {
		/* seen with containerd 1.6.20 and runc 1.1.5 */
		{TASK RUNC "exec: \"/nowhere\": stat /nowhere: no such file or directory: unknown",
		 FAILURE_NOT_FOUND, "/nowhere",
		 "exec: \"/nowhere\": stat /nowhere: no such file or directory"},
		{TASK RUNC "exec: \"nowhere\": executable file not found in $PATH: unknown",
		 FAILURE_NOT_FOUND, "nowhere",
		 "exec: \"nowhere\": executable file not found in $PATH"},
		{TASK RUNC "exec: \"/die/x\": stat /die/x: not a directory: unknown",
		 FAILURE_NOT_FOUND, "/die/x", "exec: \"/die/x\": stat /die/x: not a directory"},
		{TASK RUNC "exec: \"/forbidden\": permission denied: unknown", FAILURE_PERMISSION,
		 "/forbidden", "exec: \"/forbidden\": permission denied"},
		{TASK INIT "mkdir /die: not a directory: unknown", FAILURE_WORKING_DIR, "/die",
		 "mkdir /die: not a directory"},
		{TASK INIT "error mounting \"/etc/hostname\" to rootfs at \"/folder\": mount "
			   "/etc/hostname:/folder (via /proc/self/fd/6), flags: 0x5000: not a "
			   "directory: unknown",
		 FAILURE_MOUNT, "/folder", NULL},
		{TASK INIT
		 "error mounting \"/etc/hostname\" to rootfs at \"/folder/new\": open " BUNDLE
		 "/folder/new: read-only file system: unknown",
		 FAILURE_READ_ONLY, "/folder/new", NULL},
		{TASK INIT "error mounting \"/etc\" to rootfs at \"/proc/sys\": \"" BUNDLE
			   "/proc/sys\" cannot be mounted because it is inside /proc: unknown",
		 FAILURE_MOUNT, "/proc/sys", NULL},
		{TASK INIT
		 "error setting cgroup config for procHooks process: unable to set memory "
		 "limit to 4096 (current usage: 2383872, peak usage: 2400256): unknown",
		 FAILURE_CGROUP, "", NULL},
		{"failed to create containerd container: mount callback failed on "
		 "/var/lib/containerd/tmpmounts/containerd-mount3096739242: open "
		 "/var/lib/containerd/tmpmounts/containerd-mount3096739242/etc/passwd: no such "
		 "file or "
		 "directory",
		 FAILURE_USER, "", NULL},
		/* others' words */
		{TASK INIT "exec: \"/nowhere\": stat /nowhere: no such file or directory: unknown",
		 FAILURE_NOT_FOUND, "/nowhere", NULL}, /* runc 1.2 */
		{TASK INIT "exec: \"/folder\": is a directory: unknown", FAILURE_DIRECTORY,
		 "/folder", NULL}, /* Go 1.20 */
		{TASK INIT "exec /foreign: exec format error: unknown", FAILURE_FORMAT, "/foreign",
		 NULL},
		{"failed to create containerd task: " OCI
		 "container_linux.go:380: starting container "
		 "process caused: exec: \"/app\": stat /app: no such file or directory: unknown",
		 FAILURE_NOT_FOUND, "/app", "exec: \"/app\": stat /app: no such file or directory"},
		{TASK INIT "chdir to cwd (\"/work\") set in config.json failed: permission denied: "
			   "unknown",
		 FAILURE_WORKING_DIR, "/work", NULL},
		{TASK INIT "mkdir /new: read-only file system: unknown", FAILURE_READ_ONLY, "/new",
		 NULL},
		{TASK RUNC "unable to find user web: no matching entries in passwd file: unknown",
		 FAILURE_USER, "web", NULL},
		{"failed to create containerd container: no users found", FAILURE_USER, "", NULL},
		{TASK RUNC "container init was OOM-killed (memory limit too low?): unknown",
		 FAILURE_CGROUP, "", NULL},
		{"failed to generate container \"901c\" spec: failed to generate spec: failed to "
		 "stat "
		 "\"/data/models\": stat /data/models: no such file or directory",
		 FAILURE_MOUNT, "/data/models", NULL},
		{TASK OCI
		 "executable file `/nowhere` not found: No such file or directory: unknown",
		 FAILURE_NOT_FOUND, "/nowhere", NULL}, /* crun */
		{TASK OCI "open executable: Permission denied: unknown", FAILURE_PERMISSION, "",
		 NULL},
		{TASK OCI "mount `/data` to `srv/data`: Not a directory: unknown", FAILURE_MOUNT,
		 "srv/data", NULL},
		{TASK "something else: unknown", FAILURE_OTHER, "", "something else"},
		{"", FAILURE_OTHER, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct failed_start failed;

		failed_start_of_message(cases[i].message, &failed);
		if (failed.kind != cases[i].kind)
			fail_msg("%s: %d", cases[i].message, failed.kind);
		assert_string_equal(failed.what, cases[i].what);
		if (cases[i].text)
			assert_string_equal(failed.text, cases[i].text);
	}
}

static void log_lines(void **state)
{
	static const struct {
		const char *line;
		enum start_failure kind;
		const char *what;
	} cases[] = {
		{"exec /script: no such file or directory", FAILURE_INTERPRETER, "/script"},
		{"exec /foreign: exec format error", FAILURE_FORMAT, "/foreign"},
		{"exec /text: permission denied", FAILURE_PERMISSION, "/text"},
		{"standard_init_linux.go:228: exec user process caused: no such file or directory",
		 FAILURE_INTERPRETER, ""},
		{"standard_init_linux.go:228: exec user process caused: exec format error",
		 FAILURE_FORMAT, ""},
		{"/app: error while loading shared libraries: libpq.so.5: cannot open shared "
		 "object "
		 "file: No such file or directory",
		 FAILURE_LIBRARY, "libpq.so.5"},
		{"Error loading shared library libpq.so.5: No such file or directory (needed by "
		 "/app)",
		 FAILURE_LIBRARY, "libpq.so.5"},
		{"Error relocating /app: __res_init: symbol not found", FAILURE_LIBRARY, "/app"},
		{"/app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required "
		 "by "
		 "/app)",
		 FAILURE_LIBRARY, "GLIBC_2.38"},
	};
	static const char *const others[] = {
		"",
		"panic: no such file or directory",
		"listening on port 8080",
		"can't open /etc/web.conf: permission denied",
	};
	struct failed_start failed;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!failed_start_read(cases[i].line, &failed) || failed.kind != cases[i].kind)
			fail_msg("%s", cases[i].line);
		assert_string_equal(failed.what, cases[i].what);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (failed_start_read(others[i], &failed))
			fail_msg("%s", others[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(log_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
