// SPDX-License-Identifier: Apache-2.0
#include "client/process_peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKETS_MAX 1024
#define LINES_MAX   8192 /* of all sockets in its network */
#define PORTS_MAX   16

/* include/net/tcp_states.h */
#define ESTABLISHED 0x1
#define LISTEN	    0xa

struct search {
	uint64_t inodes[SOCKETS_MAX];
	size_t count;
	unsigned int listening[PORTS_MAX];
	size_t listening_count;
	struct process_peer *found;
	bool several;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int note_sockets(const char *proc, uint32_t pid, struct search *search)
{
	char path[64], text[32];
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/fd", proc, pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, text, sizeof(text) - 1);
		uint64_t inode;

		if (length <= 0)
			continue;
		text[length] = '\0';
		if (sscanf(text, "socket:[%" SCNu64 "]", &inode) != 1)
			continue;
		if (search->count == SOCKETS_MAX)
			r = -E2BIG;
		else
			search->inodes[search->count++] = inode;
	}
	closedir(dir);
	qsort(search->inodes, search->count, sizeof(*search->inodes), compare);
	return r;
}

/* Words of 32 bits, each as this machine has them in memory. */
static bool read_address(const char *hex, char ret[static PEER_ADDRESS_SIZE])
{
	uint32_t words[4];
	size_t count = strlen(hex) / 8;

	if (count != 1 && count != 4)
		return false;
	for (size_t i = 0; i < count; i++)
		if (sscanf(hex + i * 8, "%8" SCNx32, &words[i]) != 1)
			return false;
	bool mapped = count == 4 && !words[0] && !words[1] && words[2] == htonl(0xffff);

	return inet_ntop(count == 1 || mapped ? AF_INET : AF_INET6, mapped ? &words[3] : words, ret,
			 PEER_ADDRESS_SIZE);
}

static bool is_served(const struct search *search, unsigned int port)
{
	for (size_t i = 0; i < search->listening_count; i++)
		if (search->listening[i] == port)
			return true;
	return false;
}

/* Those that listen come first (net/ipv4/tcp_ipv4.c, tcp_seq_start). */
static void note_line(struct search *search, const char *line)
{
	char remote[33];
	unsigned int local_port, port, state;
	struct process_peer peer = {0};
	uint64_t inode;

	if (sscanf(line, " %*u: %*32[0-9A-F]:%x %32[0-9A-F]:%x %x %*s %*s %*s %*u %*u %" SCNu64,
		   &local_port, remote, &port, &state, &inode) != 5 ||
	    !bsearch(&inode, search->inodes, search->count, sizeof(inode), compare))
		return;
	if (state == LISTEN && search->listening_count < PORTS_MAX)
		search->listening[search->listening_count++] = local_port;
	if (state != ESTABLISHED || is_served(search, local_port) ||
	    !read_address(remote, peer.address))
		return;
	peer.port = (uint16_t)port;
	if (!search->found->port)
		*search->found = peer;
	else if (search->found->port != peer.port ||
		 strcmp(search->found->address, peer.address) != 0)
		search->several = true;
}

static int read_table(const char *proc, uint32_t pid, const char *name, struct search *search)
{
	char path[64], line[256];
	size_t lines = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/net/%s", proc, pid, name);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!search->several && lines < LINES_MAX && fgets(line, sizeof(line), file)) {
		note_line(search, line);
		lines++;
	}
	fclose(file);
	return search->several || lines == LINES_MAX ? -E2BIG : 0;
}

int process_peer_read(const char *proc, uint32_t pid, struct process_peer *ret)
{
	struct process_peer found = {0};
	struct search search = {.found = &found};
	int r = note_sockets(proc, pid, &search);

	if (r >= 0)
		r = read_table(proc, pid, "tcp", &search);
	if (r >= 0)
		r = read_table(proc, pid, "tcp6", &search);
	if (r < 0)
		return r;
	if (!found.port)
		return -ENOENT;
	*ret = found;
	return 0;
}
