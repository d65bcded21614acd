/* SPDX-License-Identifier: Apache-2.0 */
/* forkexec COUNT: mean ns of fork, exec of an empty static program (itself) and wait. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	uint64_t begin = now_ns();

	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/proc/self/exe", "forkexec", (char *)NULL);
			_exit(1);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) < 0)
			return 1;
	}
	if (count)
		printf("%llu\n", (unsigned long long)((now_ns() - begin) / (uint64_t)count));
	return 0;
}
