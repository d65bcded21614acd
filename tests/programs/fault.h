/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of die.c that the processor, the C library or a seccomp filter answers with a signal. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static long number(char **argv, int index, long otherwise)
{
	for (int i = 0; i <= index; i++)
		if (!argv[i])
			return otherwise;
	return strtol(argv[index], NULL, 0);
}

/* segv-read [ADDRESS] */
static int do_segv_read(char **argv)
{
	return *(volatile char *)number(argv, 0, 0);
}

/* segv-write [ADDRESS] */
static int do_segv_write(char **argv)
{
	*(volatile char *)number(argv, 0, 0) = 1;
	return 9;
}

/* a write to a page that may only be read: SEGV_ACCERR */
static int do_segv_access(char **argv)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argv;
	*(volatile char *)page = 1;
	return 9;
}

/* segv-exec [ADDRESS]: a call to there */
static int do_segv_exec(char **argv)
{
	void (*nowhere)(void) = (void (*)(void))number(argv, 0, 0x1000);

	nowhere();
	return 9;
}

static void *read_nothing(void *address)
{
	*(volatile char *)address = 1;
	return NULL;
}

/* segv-thread: not its first one */
static int do_segv_thread(char **argv)
{
	pthread_t thread;

	pthread_create(&thread, NULL, read_nothing, (void *)number(argv, 0, 0));
	pthread_join(thread, NULL);
	return 9;
}

static volatile sig_atomic_t deep;

static int dive(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	if (deep)
		return frame[0];
	return dive(depth + 1) + frame[0];
}

/* stack: it overflows */
static int do_stack(char **argv)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	(void)argv;
	setrlimit(RLIMIT_STACK, &limit);
	return dive(0);
}

/* bus: beyond the end of a mapped file */
static int do_bus(char **argv)
{
	int fd = memfd_create("empty", 0);
	volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	(void)argv;
	return *page;
}

static int do_fpe(char **argv)
{
	volatile int one = 1, zero = 0;

	(void)argv;
#ifdef __x86_64__
	return one / zero;
#else
	return raise(SIGFPE) + one + zero;
#endif
}

static int do_ill(char **argv)
{
	(void)argv;
	__builtin_trap();
}

static int do_trap(char **argv)
{
	(void)argv;
#ifdef __x86_64__
	__asm__ volatile("int3");
#else
	__asm__ volatile("brk #0");
#endif
	return 9;
}

static int do_abort(char **argv)
{
	(void)argv;
	abort();
}

static void on_fault(int signal)
{
	(void)signal;
	abort();
}

/* handled: it catches its own fault, and aborts, as many runtimes do */
static int do_handled(char **argv)
{
	signal(SIGSEGV, on_fault);
	return do_segv_read(argv);
}

/* Forbids getppid(2). */
static void filter(uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* sys: a filter kills it */
static int do_sys(char **argv)
{
	(void)argv;
	filter(SECCOMP_RET_KILL_PROCESS);
	return (int)syscall(__NR_getppid) ? 9 : 8;
}

/* sys-trap: a filter sends it SIGSYS */
static int do_sys_trap(char **argv)
{
	(void)argv;
	filter(SECCOMP_RET_TRAP);
	return (int)syscall(__NR_getppid) ? 9 : 8;
}

/* sys-strict: strict mode allows read, write, exit and sigreturn; the kernel's answer is SIGKILL */
static int do_sys_strict(char **argv)
{
	(void)argv;
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	return (int)syscall(__NR_getppid) ? 9 : 8;
}
