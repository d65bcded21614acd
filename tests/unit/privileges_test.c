// SPDX-License-Identifier: Apache-2.0
/* What a process can no longer do; each time in a child of its own. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/privileges.h"
#include "base/syscalls.h"

/* Returns what it says, 0 to 127, at the end of a child that may do no more than that leaves. */
static int in_child(int (*says)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(says());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int fails(int result)
{
	return result < 0 && errno == EPERM;
}

/* A bit for each call that was refused. */
static int what_is_refused(void)
{
	char *const words[] = {(char *)"/bin/true", NULL};
	const struct timespec now = {.tv_sec = 1};

	if (syscalls_forbid() < 0)
		return 0;
	return fails(execv(words[0], words)) | fails(mount("none", "/mnt", "tmpfs", 0, NULL)) << 1 |
	       fails(unshare(CLONE_NEWNS)) << 2 | fails(chroot("/")) << 3 |
	       fails((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL)) << 4 |
	       fails(clock_settime(CLOCK_REALTIME, &now)) << 5;
}

static void forbidden_calls(void **state)
{
	(void)state;
	assert_int_equal(in_child(what_is_refused), 0x3f);
}

/* Files, threads' and sockets' calls are as before. */
static int what_still_works(void)
{
	FILE *file;
	char byte;
	int ends[2];

	if (syscalls_forbid() < 0)
		return 0;
	file = fopen("/proc/self/stat", "re");
	return file && fread(&byte, 1, 1, file) == 1 && pipe(ends) == 0 &&
	       write(ends[1], &byte, 1) == 1 && getpid() > 0;
}

static void the_rest_works(void **state)
{
	(void)state;
	assert_int_equal(in_child(what_still_works), 1);
}

static uint64_t effective(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long set = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &set) == 1)
			break;
	if (file)
		fclose(file);
	return set;
}

#define BIT(capability) (UINT64_C(1) << (capability))

static int what_is_kept(void)
{
	uint64_t before = effective(), kept;

	if (privileges_drop() < 0)
		return 1;
	kept = BIT(CAP_BPF) | BIT(CAP_PERFMON) | BIT(CAP_SYSLOG) | BIT(CAP_SYS_PTRACE) |
	       BIT(CAP_DAC_READ_SEARCH);
	if ((before & (BIT(CAP_BPF) | BIT(CAP_PERFMON))) != (BIT(CAP_BPF) | BIT(CAP_PERFMON)))
		kept |= BIT(CAP_SYS_ADMIN);
	if (effective() != (before & kept))
		return 2;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
}

static void capabilities(void **state)
{
	(void)state;
	assert_int_equal(in_child(what_is_kept), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls),
		cmocka_unit_test(the_rest_works),
		cmocka_unit_test(capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
