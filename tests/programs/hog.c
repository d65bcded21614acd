/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verb for each way to run out of memory: `hog VERB [ARGUMENT ...]`.
 *
 *	hog go PROGRAM ...		that program, once the file /stamps/go is there
 *	hog children 3 eat		in a new child each time, three times, whatever they come to; then it pauses
 *	hog follow eat			in a child, and ends with 7 when that was killed
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "start.h"

#define MIB (1u << 20)

static int run(char **argv);

static long number(char **argv, int index, long otherwise)
{
	for (int i = 0; i <= index; i++)
		if (!argv[i])
			return otherwise;
	return strtol(argv[index], NULL, 10);
}

static void take(size_t bytes)
{
	char *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		_exit(8);
	memset(room, 1, bytes);
}

/* go PROGRAM ... */
static int do_go(char **argv)
{
	while (access("/stamps/go", F_OK) != 0)
		pause_ms(20);
	execv(argv[0], argv);
	return 127;
}

/* eat [MS]: a MiB each time, that long apart */
static int do_eat(char **argv)
{
	for (;;) {
		take(MIB);
		pause_ms(number(argv, 0, 0));
	}
	return 9; /* never: gcc wants it */
}

static void *eat(void *argument)
{
	for (;;)
		take(MIB);
	return argument;
}

/* thread: the first one waits for it */
static int do_thread(char **argv)
{
	pthread_t thread;

	(void)argv;
	pthread_create(&thread, NULL, eat, NULL);
	pthread_join(thread, NULL);
	return 9;
}

/* shared: memory that belongs to no process alone and goes with it */
static int do_shared(char **argv)
{
	static char block[MIB];
	int fd = memfd_create("shared", 0);

	(void)argv;
	memset(block, 1, sizeof(block));
	while (write(fd, block, sizeof(block)) == sizeof(block))
		;
	return 8;
}

/* file PATH: of a tmpfs; it stays when the process is gone */
static int do_file(char **argv)
{
	static char block[MIB];
	int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC, 0600);

	memset(block, 1, sizeof(block));
	while (write(fd, block, sizeof(block)) == sizeof(block))
		;
	return 8;
}

static pid_t spawn(char **argv)
{
	pid_t child = fork();

	if (child == 0)
		_exit(run(argv));
	return child;
}

/* children COUNT VERB ...: COUNT 0: for ever */
static int do_children(char **argv)
{
	long count = number(argv, 0, 1);

	for (long i = 0; !count || i < count; i++)
		waitpid(spawn(argv + 1), NULL, 0);
	return forever();
}

/* follow VERB ...: what a supervisor does that ends with its worker */
static int do_follow(char **argv)
{
	int status = 0;

	waitpid(spawn(argv), &status, 0);
	return WIFSIGNALED(status) ? 7 : 8;
}

/*
 * large-and-small MIB: a child that has so much and sleeps, and one that takes a little again and again, until
 * the large one is dead.
 */
static int do_large_and_small(char **argv)
{
	int alive[2], full[2];
	char byte;

	if (pipe(alive) || pipe(full))
		return 9;
	if (fork() == 0) {
		prctl(PR_SET_NAME, "large");
		close(alive[0]);
		take((size_t)number(argv, 0, 12) * MIB);
		close(full[1]);
		return forever();
	}
	close(full[1]);
	close(alive[1]);
	if (read(full[0], &byte, 1) == 0 && fork() == 0) {
		struct pollfd end = {.fd = alive[0]};

		prctl(PR_SET_NAME, "small");
		while (poll(&end, 1, 5) == 0)
			take(MIB / 8);
		return forever();
	}
	return forever();
}

/* name NAME VERB ... */
static int do_name(char **argv)
{
	prctl(PR_SET_NAME, argv[0]);
	return run(argv + 1);
}

static int do_pause(char **argv)
{
	(void)argv;
	return forever();
}

static int run(char **argv)
{
	static const struct {
		const char *verb;
		int (*run)(char **argv);
	} verbs[] = {
		{"go", do_go},	       {"eat", do_eat},
		{"thread", do_thread}, {"shared", do_shared},
		{"file", do_file},     {"children", do_children},
		{"follow", do_follow}, {"large-and-small", do_large_and_small},
		{"name", do_name},     {"pause", do_pause},
	};

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
