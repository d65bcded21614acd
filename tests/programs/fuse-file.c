/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fuse-file DIR MEGABYTES`: a file system with one file, model.bin, as a file server would give it: without a
 * disk. Mounts itself on DIR and serves until it is unmounted or killed.
 * `fuse-file DIR PROGRAM MS`: model.bin is that program, and what lies behind its beginning comes so late the first time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "start.h"

#define NAME	 "model.bin"
#define FILE_ID	 2
#define READ_MAX (1u << 20)

static uint64_t size_bytes;
static int program = -1;
static long late_ms;
static char contents[READ_MAX];

static struct fuse_attr attributes_of(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == FILE_ID ? S_IFREG | 0755 : S_IFDIR | 0755,
		.size = node == FILE_ID ? size_bytes : 0,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void answer(int fd, uint64_t unique, int error, const void *body, size_t size)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + size),
		.error = -error,
		.unique = unique,
	};
	struct iovec parts[] = {{&header, sizeof(header)}, {(void *)body, size}};

	if (writev(fd, parts, size ? 2 : 1) < 0 && errno != ENOENT)
		perror("fuse-file");
}

static void serve_init(int fd, const struct fuse_in_header *in, const struct fuse_init_in *init)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.flags = FUSE_ASYNC_READ | FUSE_MAX_PAGES,
		.max_write = READ_MAX,
		.max_pages = READ_MAX / 4096,
	};

	answer(fd, in->unique, 0, &out, sizeof(out));
}

static void serve_lookup(int fd, const struct fuse_in_header *in, const char *name)
{
	struct fuse_entry_out out = {
		.nodeid = FILE_ID,
		.entry_valid = 60,
		.attr_valid = 60,
		.attr = attributes_of(FILE_ID),
	};

	if (strcmp(name, NAME) == 0)
		answer(fd, in->unique, 0, &out, sizeof(out));
	else
		answer(fd, in->unique, ENOENT, NULL, 0);
}

static void serve_read(int fd, const struct fuse_in_header *in, const struct fuse_read_in *what)
{
	uint64_t left = what->offset < size_bytes ? size_bytes - what->offset : 0;
	size_t size = what->size < left ? what->size : (size_t)left;

	if (size > READ_MAX)
		size = READ_MAX;
	if (program >= 0 && pread(program, contents, size, (off_t)what->offset) != (ssize_t)size) {
		answer(fd, in->unique, EIO, NULL, 0);
		return;
	}
	if (program >= 0 && what->offset && late_ms) {
		pause_ms(late_ms);
		late_ms = 0;
	}
	answer(fd, in->unique, 0, contents, size);
}

static void serve(int fd, const struct fuse_in_header *in)
{
	const void *body = in + 1;
	struct fuse_attr_out attributes = {.attr_valid = 60, .attr = attributes_of(in->nodeid)};
	struct fuse_open_out opened = {.open_flags = FOPEN_KEEP_CACHE};

	switch (in->opcode) {
	case FUSE_INIT:
		serve_init(fd, in, body);
		break;
	case FUSE_LOOKUP:
		serve_lookup(fd, in, body);
		break;
	case FUSE_GETATTR:
		answer(fd, in->unique, 0, &attributes, sizeof(attributes));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(fd, in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		serve_read(fd, in, body);
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		answer(fd, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in->unique, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static char request[READ_MAX + 65536];
	char options[128];
	int fd = open("/dev/fuse", O_RDWR);

	if (argc < 3 || fd < 0)
		return 2;
	size_bytes = strtoull(argv[2], NULL, 10) << 20;
	if (argc > 3) {
		program = open(argv[2], O_RDONLY);
		size_bytes = program < 0 ? 0 : (uint64_t)lseek(program, 0, SEEK_END);
		late_ms = atol(argv[3]);
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 fd);
	if (mount("fuse-file", argv[1], "fuse", MS_NODEV | MS_NOSUID, options) < 0)
		return 3;
	while (read(fd, request, sizeof(request)) > 0 || errno == EINTR || errno == ENOENT)
		serve(fd, (const struct fuse_in_header *)request);
	return 0;
}
