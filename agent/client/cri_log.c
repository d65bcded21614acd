/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cri_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PATH_SIZE 1024
/* POD-DIRECTORY, CONTAINER and ATTEMPT.log. What is above, an administrator may have linked to another disk. */
#define OWN_PARTS 3

/* Where the part begins that is not trusted; NULL if the path has not that many. */
static char *own_parts(char *path)
{
	char *at = path + strlen(path);

	for (int parts = 0; at > path; at--)
		if (at[-1] == '/' && ++parts == OWN_PARTS)
			return at;
	return NULL;
}

static bool is_upward(const char *name)
{
	return !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int open_log(const char *path)
{
	char copy[PATH_SIZE], *name, *rest;
	int fd;

	if (*path != '/' || strlen(path) >= sizeof(copy))
		return -EINVAL;
	text_copy(copy, sizeof(copy), path);
	rest = own_parts(copy);
	if (!rest)
		return -EINVAL;
	name = rest;
	rest[-1] = '\0';
	fd = open(*copy ? copy : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rest = name;
	while (fd >= 0 && (name = strsep(&rest, "/"))) {
		/* not to wait, should it be a FIFO */
		int flags = rest ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK | O_NOCTTY;
		int next = is_upward(name) ? (errno = EINVAL, -1)
					   : openat(fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
		int error = errno;

		close(fd);
		errno = error;
		fd = next;
	}
	return fd < 0 ? -errno : fd;
}

int cri_log_end(const char *path, char ret_block[static CRI_LOG_BLOCK], size_t *ret_length,
		bool *ret_cut)
{
	struct stat found;
	cleanup_close int fd = open_log(path);
	off_t from;
	ssize_t length;

	if (fd < 0)
		return fd;
	if (fstat(fd, &found) < 0)
		return -errno;
	/* a second name may be another file's first */
	if (!S_ISREG(found.st_mode) || found.st_nlink > 1)
		return -EINVAL;
	from = found.st_size > CRI_LOG_BLOCK ? found.st_size - CRI_LOG_BLOCK : 0;
	length = pread(fd, ret_block, CRI_LOG_BLOCK, from);
	if (length < 0)
		return -errno;
	*ret_length = (size_t)length;
	*ret_cut = from > 0;
	return 0;
}
