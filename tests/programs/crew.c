/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that share a memory limit: `crew VERB ...`.
 *
 *	crew workers 4 3 2	four children called "worker", 30 ms one after the other, with 3 MiB each; the second one grows
 *	crew hold 20 15000	20 MiB for 15 s, then more and more
 *	crew hold 20 0 rest	20 MiB for ever
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "start.h"

#define MIB (1u << 20)

static void take(size_t bytes)
{
	char *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		_exit(8);
	memset(room, 1, bytes);
}

static void grow(void)
{
	for (;;) {
		take(MIB / 4);
		pause_ms(1);
	}
}

static void work(size_t bytes, bool grows)
{
	prctl(PR_SET_NAME, "worker");
	take(bytes);
	if (!grows)
		forever();
	pause_ms(500); /* until the others are there */
	grow();
}

static int do_workers(long count, long mib, long grows)
{
	for (long i = 1; i <= count; i++) {
		if (fork() == 0)
			work((size_t)mib * MIB, i == grows);
		pause_ms(30);
	}
	while (wait(NULL) > 0)
		;
	return forever();
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	long first = strtol(argv[2], NULL, 10), second = strtol(argv[3], NULL, 10);

	if (strcmp(argv[1], "workers") == 0 && argc == 5)
		return do_workers(first, second, strtol(argv[4], NULL, 10));
	take((size_t)first * MIB);
	pause_ms(second);
	if (argc == 4)
		grow();
	return forever();
}
