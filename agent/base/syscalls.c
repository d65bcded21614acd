/* SPDX-License-Identifier: Apache-2.0 */
#include "base/syscalls.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>

static const char *const forbidden[] = {
	/* other programs */
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
	"process_madvise", "kcmp",
	/* the kernel */
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"iopl", "ioperm", "userfaultfd", "perf_event_open", "io_uring_setup", "modify_ldt",
	/* the machine */
	"clock_settime", "settimeofday", "stime", "clock_adjtime", "adjtimex", "sethostname",
	"setdomainname", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd",
	/* file systems and namespaces */
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
	"fsconfig", "fsmount", "fspick", "mount_setattr", "setns", "unshare", "mknod", "mknodat",
	"open_by_handle_at",
	/* who it is */
	"setuid", "setuid32", "setgid", "setgid32", "setreuid", "setregid", "setresuid",
	"setresgid", "setgroups", "setfsuid", "setfsgid", "personality", "add_key", "request_key",
	"keyctl"};

static int forbid(scmp_filter_ctx filter, const char *name)
{
	int call = seccomp_syscall_resolve_name(name);
	int r;

	/* this architecture, or this library, has none of that name */
	if (call == __NR_SCMP_ERROR || call < 0)
		return 0;
	r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
	return r == -EEXIST ? 0 : r;
}

int syscalls_forbid(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < sizeof(forbidden) / sizeof(*forbidden); i++)
		r = forbid(filter, forbidden[i]);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
