// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "store/store_private.h"

/* Damaged files are evidence for a bug report, but no reason to fill a disk. */
#define SET_ASIDE_MAX 4

char *store_file_path(const char *dir)
{
	char *path;

	return asprintf(&path, "%s/nodewake.db", dir) < 0 ? NULL : path;
}

/* Only what is made here gets mode 0700: an existing directory may be somebody else's, like /tmp. */
static int make_directories(const char *dir)
{
	cleanup_free char *path = strdup(dir);

	if (!path)
		return -ENOMEM;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST && errno != EROFS)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int store_file_prepare(const char *dir, char ret_why[static STORE_WHY_SIZE])
{
	struct stat status;
	int r = make_directories(dir);

	if (stat(dir, &status) == 0 && S_ISDIR(status.st_mode))
		return 0;
	if (r == 0)
		r = -ENOTDIR;
	snprintf(ret_why, STORE_WHY_SIZE,
		 "cannot make the state directory %.150s (%s): choose another with --state-dir",
		 dir, strerrordesc_np(-r));
	return r;
}

int store_file_create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* Never opened if it exists: closing it would drop the locks of this process's connection. */
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	close(fd);
	return 0;
}

int store_file_set_aside(const char *path)
{
	char aside[4096 + 16], log[sizeof(aside) + 8], aside_log[sizeof(aside) + 8];
	struct stat status;
	int n = 1;

	if (strlen(path) >= 4096)
		return -ENAMETOOLONG;
	do
		snprintf(aside, sizeof(aside), "%s.damaged-%d", path, n);
	while (lstat(aside, &status) == 0 && n++ < SET_ASIDE_MAX);

	/* The log goes first: a new file must never meet the log of the damaged one. */
	snprintf(log, sizeof(log), "%s-wal", path);
	snprintf(aside_log, sizeof(aside_log), "%s-wal", aside);
	if (rename(log, aside_log) < 0 && errno != ENOENT)
		return -errno;
	snprintf(log, sizeof(log), "%s-shm", path);
	if (unlink(log) < 0 && errno != ENOENT)
		return -errno;
	return rename(path, aside) < 0 ? -errno : 0;
}

static uint64_t log_bytes(const char *path)
{
	cleanup_free char *log = NULL;
	struct stat status;

	if (asprintf(&log, "%s-wal", path) < 0) {
		log = NULL;
		return 0;
	}
	return stat(log, &status) == 0 ? (uint64_t)status.st_size : 0;
}

bool store_file_has_log(const char *path)
{
	return log_bytes(path) > 0;
}

uint64_t store_file_bytes(const char *path)
{
	struct stat status;

	return (stat(path, &status) == 0 ? (uint64_t)status.st_size : 0) + log_bytes(path);
}
