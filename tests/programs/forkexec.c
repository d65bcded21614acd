/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forkexec COUNT: mean ns of fork, exec of an empty static program (itself) and wait.
 * forkexec --rate RATE SECONDS: so many a second, by as many processes as there are CPUs; how many it made, and the seconds.
 * By its path, as programs are executed; /proc/self/exe is what runtimes call themselves by, and not like others.
 */
#include <stdint.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[4096];

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec at = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* One process's share; posix_spawn is the cheapest way. Returns how many it made. */
static uint64_t spawn_at(double rate, uint64_t from_ns, uint64_t to_ns)
{
	char *words[] = {"forkexec", NULL}, *no_environment[] = {NULL};
	uint64_t made = 0;

	for (; now_ns() < to_ns; made++) {
		pid_t pid;

		sleep_until(from_ns + (uint64_t)((double)made * 1e9 / rate));
		if (posix_spawn(&pid, path, NULL, NULL, words, no_environment) != 0 ||
		    waitpid(pid, NULL, 0) < 0)
			exit(1);
	}
	return made;
}

static int storm(double rate, double seconds)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t *made = mmap(NULL, (size_t)cpus * sizeof(*made), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t begin = now_ns(), total = 0;

	if (made == MAP_FAILED)
		return 1;
	for (long i = 0; i < cpus; i++)
		if (fork() == 0) {
			made[i] = spawn_at(rate / (double)cpus, begin,
					   begin + (uint64_t)(seconds * 1e9));
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	for (long i = 0; i < cpus; i++)
		total += made[i];
	printf("%llu %.3f\n", (unsigned long long)total, (double)(now_ns() - begin) / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return 1;
	if (argc == 4 && strcmp(argv[1], "--rate") == 0)
		return storm(strtod(argv[2], NULL), strtod(argv[3], NULL));

	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	uint64_t begin = now_ns();

	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl(path, "forkexec", (char *)NULL);
			_exit(1);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			return 1;
	}
	if (count)
		printf("%llu\n", (unsigned long long)((now_ns() - begin) / (uint64_t)count));
	return 0;
}
