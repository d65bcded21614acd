// SPDX-License-Identifier: Apache-2.0
/*
 * For LD_PRELOAD: a disk whose every sync takes SLOW_SYNC_MS, and every write at an offset (SQLite's) SLOW_WRITE_MS. Each
 * puts its letter, s or w, into the file SLOW_LOG.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_the_disk(const char *name, char letter)
{
	const char *text = getenv(name), *log = getenv("SLOW_LOG");
	long ms = text ? strtol(text, NULL, 10) : 0;
	struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	int fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd >= 0) {
		if (write(fd, &letter, 1) < 0) {
			/* it is not counted */
		}
		close(fd);
	}
	nanosleep(&pause, NULL);
}

int fsync(int fd)
{
	wait_for_the_disk("SLOW_SYNC_MS", 's');
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	wait_for_the_disk("SLOW_SYNC_MS", 's');
	return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	wait_for_the_disk("SLOW_WRITE_MS", 'w');
	return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite64(fd, bytes, size, offset);
}
