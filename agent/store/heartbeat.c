/* SPDX-License-Identifier: Apache-2.0 */
#include "store/heartbeat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/text.h"

/* Two of them, this boot's and the last's, each in a sector of its own: a write is whole or not at all. */
#define SECTOR	  512
#define TEXT_SIZE 64
#define FORMAT	  "%36s %20" PRId64 "\n"
/* what reads back as written ends so; a sector of zeros, or half a line, does not */
#define LENGTH 58

enum sector { SECTOR_NOW, SECTOR_BEFORE, SECTOR_COUNT };

struct heartbeat {
	int fd, stop;
	uint64_t interval_ns;
	char boot_id[BOOT_ID_SIZE];
	pthread_t thread;
};

static void read_sector(int fd, enum sector sector, struct heartbeat_last *ret)
{
	char text[TEXT_SIZE] = "";
	struct heartbeat_last last = {0};

	if (pread(fd, text, LENGTH, sector * SECTOR) == LENGTH && text[LENGTH - 1] == '\n' &&
	    sscanf(text, "%36s %" SCNd64, last.boot_id, &last.wall_ns) == 2 && last.wall_ns > 0)
		*ret = last;
}

/* Returns 0 or a negative errno. */
static int write_sector(int fd, enum sector sector, const char *boot_id, int64_t wall_ns)
{
	char text[SECTOR] = "";
	int length = snprintf(text, TEXT_SIZE, FORMAT, boot_id, wall_ns);

	if (length != LENGTH)
		return -EINVAL;
	if (pwrite(fd, text, SECTOR, sector * SECTOR) != SECTOR)
		return errno ? -errno : -EIO;
	/* where this is not known, the kernel writes within half a minute */
	sync_file_range(fd, 0, (off_t)SECTOR_COUNT * SECTOR, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int beat(const struct heartbeat *heartbeat)
{
	return write_sector(heartbeat->fd, SECTOR_NOW, heartbeat->boot_id,
			    (int64_t)clock_boot_ns() + clock_wall_offset_ns());
}

/* A disk that fails is told by the store. */
static void *run(void *context)
{
	const struct heartbeat *heartbeat = context;
	struct pollfd stop = {.fd = heartbeat->stop, .events = POLLIN};

	while (poll(&stop, 1, (int)(heartbeat->interval_ns / NS_PER_MS)) == 0)
		beat(heartbeat);
	return NULL;
}

/* This boot's own beats, of an agent before us, don't push out those of the last boot. */
static int turn(struct heartbeat *heartbeat, struct heartbeat_last *ret_last)
{
	struct heartbeat_last now = {0}, before = {0};

	read_sector(heartbeat->fd, SECTOR_NOW, &now);
	read_sector(heartbeat->fd, SECTOR_BEFORE, &before);
	if (*now.boot_id && strcmp(now.boot_id, heartbeat->boot_id) != 0) {
		int r = write_sector(heartbeat->fd, SECTOR_BEFORE, now.boot_id, now.wall_ns);

		if (r < 0)
			return r;
		before = now;
	}
	*ret_last = before;
	return 0;
}

int heartbeat_new(struct heartbeat **ret, const char *dir, const char *boot_id,
		  uint64_t interval_ns, struct heartbeat_last *ret_last)
{
	struct heartbeat *heartbeat = calloc(1, sizeof(*heartbeat));
	struct heartbeat_last last;
	char path[4096];
	int r;

	if (!heartbeat)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/heartbeat", dir);
	TEXT_COPY(heartbeat->boot_id, boot_id);
	heartbeat->interval_ns = interval_ns;
	heartbeat->stop = -1;
	heartbeat->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (heartbeat->fd < 0)
		r = -errno;
	else
		r = turn(heartbeat, &last);
	if (r == 0)
		r = beat(heartbeat);
	if (r == 0) {
		heartbeat->stop = eventfd(0, EFD_CLOEXEC);
		r = heartbeat->stop < 0 ? -errno : 0;
	}
	if (r == 0)
		r = -pthread_create(&heartbeat->thread, NULL, run, heartbeat);
	if (r < 0) {
		if (heartbeat->stop >= 0)
			close(heartbeat->stop);
		if (heartbeat->fd >= 0)
			close(heartbeat->fd);
		free(heartbeat);
		return r;
	}
	*ret_last = last;
	*ret = heartbeat;
	return 0;
}

void heartbeat_free(struct heartbeat *heartbeat)
{
	static const uint64_t one = 1;

	if (!heartbeat)
		return;
	if (write(heartbeat->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(heartbeat->thread, NULL);
	beat(heartbeat);
	close(heartbeat->stop);
	close(heartbeat->fd);
	free(heartbeat);
}
