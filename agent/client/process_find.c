/* SPDX-License-Identifier: Apache-2.0 */
#include "client/process_find.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/cgroup.h"

DEFINE_CLEANUP(DIR *, closedir)

int process_walk(const char *proc, process_visit_fn visit, void *context)
{
	cleanup_with(closedirp) DIR *dir = opendir(proc);

	if (!dir)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		char path[PATH_MAX], comm[32], *end;
		unsigned long pid = strtoul(entry->d_name, &end, 10);

		if (end == entry->d_name || *end || pid > UINT32_MAX)
			continue;
		snprintf(path, sizeof(path), "%s/%lu/comm", proc, pid);
		cleanup_fclose FILE *file = fopen(path, "re");

		if (!file || !fgets(comm, sizeof(comm), file))
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		visit(context, (uint32_t)pid, comm);
	}
	return 0;
}

/* A path of the unified hierarchy, or of systemd's own on v1; NULL for another line. */
static char *cgroup_of_line(char *line)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return NULL;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	return !controllers[1] || strcmp(controllers + 1, "name=systemd") == 0 ? path : NULL;
}

/* The innermost: a user's services are inside of that user's manager's. False if it is a container's path. */
static bool unit_of_path(char *path, char *ret_unit, size_t size)
{
	char *rest = NULL, id[80];

	for (char *part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		size_t length = strlen(part);

		if (cgroup_name_container(part, id, sizeof(id)) ||
		    strncmp(part, "kubepods", 8) == 0)
			return false;
		if (length > 8 && strcmp(part + length - 8, ".service") == 0)
			text_copy(ret_unit, size, part);
	}
	return true;
}

int process_unit_read(const char *proc, uint32_t pid, char *ret_unit, size_t size)
{
	char file_path[PATH_MAX], line[4096], unit[256] = "";

	snprintf(file_path, sizeof(file_path), "%s/%" PRIu32 "/cgroup", proc, pid);
	cleanup_fclose FILE *file = fopen(file_path, "re");

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (fgets(line, sizeof(line), file)) {
		char *path = cgroup_of_line(line);

		if (path && !unit_of_path(path, unit, sizeof(unit)))
			return -ENOENT;
	}
	text_copy(ret_unit, size, unit);
	return 0;
}

int process_container_read(const char *proc, uint32_t pid, char *ret_id, size_t size)
{
	char file_path[PATH_MAX], line[4096], id[80] = "";

	snprintf(file_path, sizeof(file_path), "%s/%" PRIu32 "/cgroup", proc, pid);
	cleanup_fclose FILE *file = fopen(file_path, "re");

	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!*id && fgets(line, sizeof(line), file)) {
		char *path = strchr(line, '/'), *rest = NULL;

		for (char *part = path ? strtok_r(path, "/\n", &rest) : NULL; part && !*id;
		     part = strtok_r(NULL, "/\n", &rest))
			if (!cgroup_name_container(part, id, sizeof(id)))
				*id = '\0';
	}
	text_copy(ret_id, size, id);
	return 0;
}

int process_of_socket(const char *path, uint32_t *ret_pid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	/* 0: it lives in a pid namespace that is not ours */
	if (peer.pid <= 0)
		return -ESRCH;
	*ret_pid = (uint32_t)peer.pid;
	return 0;
}
