/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verb for each way to die: `die VERB [ARGUMENT ...]`. Some verbs come before another one and lead to it:
 *
 *	die after 500 segv-read		half a second later
 *	die child bus			in a child; then ends with 0
 *	die each 1000 0 abort		in a new child each second, for ever; else as often as it says, then pauses
 *	die listen 8080 core fpe	listens, lifts the core limit, divides by zero
 *
 * As pid 1 of its namespace a process is safe from the signals that it sends itself, not from faults.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fault.h"
#include "start.h"

static int run(char **argv);

/* exit CODE */
static int do_exit(char **argv)
{
	return (int)number(argv, 0, 0);
}

/* raise SIGNAL [CODE]: if that is in vain, it ends with the code */
static int do_raise(char **argv)
{
	raise((int)number(argv, 0, SIGTERM));
	return (int)number(argv, 1, 0);
}

/* file-size: SIGXFSZ */
static int do_file_size(char **argv)
{
	struct rlimit limit = {1, 1};
	int fd = memfd_create("large", 0);

	(void)argv;
	setrlimit(RLIMIT_FSIZE, &limit);
	return write(fd, "1", 1) == 1 && write(fd, "2", 1) == 1 ? 8 : 9;
}

/* pipe: writes where nobody reads */
static int do_pipe(char **argv)
{
	int ends[2];

	(void)argv;
	if (pipe(ends))
		return 9;
	close(ends[0]);
	return write(ends[1], "x", 1) == 1 ? 8 : 9;
}

/* alarm: a timer that nobody expects */
static int do_alarm(char **argv)
{
	(void)argv;
	ualarm(1000, 0);
	return forever();
}

/* memory: more and more, until it is killed */
static int do_memory(char **argv)
{
	(void)argv;
	for (;;) {
		char *room = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (room == MAP_FAILED)
			return 9;
		memset(room, 1, 1 << 20);
	}
}

/* deaf: to SIGTERM */
static int do_deaf(char **argv)
{
	(void)argv;
	signal(SIGTERM, SIG_IGN);
	return forever();
}

static volatile sig_atomic_t asked;

static void on_term(int signal)
{
	(void)signal;
	asked = 1;
}

/* polite [CODE [MS]]: ends with it when it is asked to, that much later */
static int do_polite(char **argv)
{
	struct sigaction action = {.sa_handler = on_term};

	sigaction(SIGTERM, &action, NULL);
	while (!asked)
		pause_ms(10);
	pause_ms(number(argv, 1, 0));
	return (int)number(argv, 0, 0);
}

static int do_sleep(char **argv)
{
	(void)argv;
	signal(SIGTERM, SIG_DFL);
	return forever();
}

/* exec PROGRAM [ARGUMENT ...] */
static int do_exec(char **argv)
{
	execv(argv[0], argv);
	return errno == ENOENT ? 127 : 126;
}

/* after MS VERB ... */
static int do_after(char **argv)
{
	pause_ms(number(argv, 0, 0));
	return run(argv + 1);
}

/* core VERB ...: with a core, where the kernel's pattern says */
static int do_core(char **argv)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_CORE, &limit);
	prctl(PR_SET_DUMPABLE, 1);
	return run(argv);
}

/* name NAME VERB ... */
static int do_name(char **argv)
{
	prctl(PR_SET_NAME, argv[0]);
	return run(argv + 1);
}

/* listen PORT VERB ... */
static int do_listen(char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)number(argv, 0, 8080))};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		return 9;
	stamp("listen", boot_ns());
	return run(argv + 1);
}

static pid_t spawn(char **argv)
{
	pid_t child = fork();

	if (child == 0)
		_exit(run(argv));
	return child;
}

/* child VERB ...: it waits for it, and ends with 0 */
static int do_child(char **argv)
{
	waitpid(spawn(argv), NULL, 0);
	return 0;
}

/* child-code CODE VERB ...: the same, with another end: a shell's or supervisor's way */
static int do_child_code(char **argv)
{
	waitpid(spawn(argv + 1), NULL, 0);
	return (int)number(argv, 0, 0);
}

/* each MS COUNT VERB ...: in a new child each time; COUNT 0: for ever */
static int do_each(char **argv)
{
	long count = number(argv, 1, 0);

	for (long i = 0; !count || i < count; i++) {
		pause_ms(number(argv, 0, 1000));
		waitpid(spawn(argv + 2), NULL, 0);
	}
	return forever();
}

/* worker VERB ...: in a child that is waited for, and nothing more when it is dead */
static int do_worker(char **argv)
{
	waitpid(spawn(argv), NULL, 0);
	return forever();
}

/* stop-workers MS SIGNAL: it sends it to a worker of its own, again and again: what a supervisor does */
static int do_stop_workers(char **argv)
{
	pid_t child;

	do {
		child = spawn((char *[]){"sleep", NULL});
		pause_ms(number(argv, 0, 1000));
		kill(child, (int)number(argv, 1, SIGTERM));
	} while (waitpid(child, NULL, 0) == child);
	return 9;
}

/* murder SIGNAL: one worker kills another, whose parent goes on */
static int do_murder(char **argv)
{
	pid_t victim = spawn((char *[]){"sleep", NULL});

	if (fork() == 0) {
		pause_ms(100);
		kill(victim, (int)number(argv, 0, SIGKILL));
		_exit(0);
	}
	return forever();
}

/* kill-init SIGNAL: a child sends it to pid 1, which has a handler that changes nothing */
static int do_kill_init(char **argv)
{
	pid_t parent = getpid();

	if (fork() == 0) {
		pause_ms(100);
		kill(parent, (int)number(argv, 0, SIGTERM));
		_exit(0);
	}
	return do_polite((char *[]){"143", NULL});
}

/* leave CODE: it ends while a child of it still runs */
static int do_leave(char **argv)
{
	spawn((char *[]){"sleep", NULL});
	pause_ms(100);
	return (int)number(argv, 0, 0);
}

/* say TEXT VERB ...: on stderr first */
static int do_say(char **argv)
{
	dprintf(2, "%s\n", argv[0]);
	return run(argv + 1);
}

static const struct {
	const char *verb;
	int (*run)(char **argv);
} verbs[] = {
	{"exit", do_exit},
	{"segv-read", do_segv_read},
	{"segv-write", do_segv_write},
	{"segv-access", do_segv_access},
	{"segv-exec", do_segv_exec},
	{"segv-thread", do_segv_thread},
	{"stack", do_stack},
	{"bus", do_bus},
	{"fpe", do_fpe},
	{"ill", do_ill},
	{"trap", do_trap},
	{"abort", do_abort},
	{"handled", do_handled},
	{"sys", do_sys},
	{"sys-trap", do_sys_trap},
	{"sys-strict", do_sys_strict},
	{"raise", do_raise},
	{"file-size", do_file_size},
	{"pipe", do_pipe},
	{"alarm", do_alarm},
	{"memory", do_memory},
	{"deaf", do_deaf},
	{"polite", do_polite},
	{"sleep", do_sleep},
	{"exec", do_exec},
	{"after", do_after},
	{"core", do_core},
	{"name", do_name},
	{"listen", do_listen},
	{"child", do_child},
	{"child-code", do_child_code},
	{"each", do_each},
	{"worker", do_worker},
	{"stop-workers", do_stop_workers},
	{"murder", do_murder},
	{"kill-init", do_kill_init},
	{"leave", do_leave},
	{"say", do_say},
};

static int run(char **argv)
{
	for (size_t i = 0; argv[0] && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[0], verbs[i].verb) == 0)
			return verbs[i].run(argv + 1);
	return 2;
}

int main(int argc, char **argv)
{
	(void)argc;
	return run(argv + 1);
}
