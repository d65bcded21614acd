/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cgroup.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

#define ID_LENGTH 64

bool cgroup_memory_on_v1(void)
{
	cleanup_fclose FILE *file = fopen("/proc/cgroups", "re");
	char line[256], name[64];
	int hierarchy;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %d", name, &hierarchy) == 2 && strcmp(name, "memory") == 0)
			return hierarchy != 0;
	return false;
}

int cgroup_deciding_dir(const char *root, bool memory_on_v1, char *ret_dir, size_t size)
{
	struct stat unified;
	char dir[4096];
	int length = snprintf(dir, sizeof(dir), "%s/unified", root);
	bool hybrid = length < (int)sizeof(dir) && stat(dir, &unified) == 0;

	length = snprintf(ret_dir, size, "%s%s", root,
			  memory_on_v1 ? "/memory"
			  : hybrid     ? "/unified"
				       : "");
	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

bool cgroup_name_container(const char *name, char *ret_id, size_t size)
{
	static const char *const prefixes[] = {"cri-containerd-", "docker-", "crio-"};
	const char *id = name;
	const char *end = "";

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
			id = name + strlen(prefixes[i]);
			end = ".scope";
		}
	if (strnlen(id, ID_LENGTH) != ID_LENGTH || !text_is_hex(id, ID_LENGTH) ||
	    strcmp(id + ID_LENGTH, end) != 0)
		return false;
	text_copy_n(ret_id, size, id, ID_LENGTH);
	return true;
}

void cgroup_path_pod_uid(const char *path, char *ret_uid, size_t size)
{
	*ret_uid = '\0';
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		size_t length = strcspn(part, "/");
		const char *slice = length > 6 ? memmem(part + length - 6, 6, ".slice", 6) : NULL;
		const char *uid = NULL;

		if (strncmp(part, "pod", 3) == 0 && !slice)
			uid = part + 3;
		for (size_t i = 0; slice && i + 4 < length; i++)
			if (strncmp(part + i, "-pod", 4) == 0)
				uid = part + i + 4;
		if (!uid)
			continue;
		text_copy_n(ret_uid, size, uid, (size_t)((slice ? slice : part + length) - uid));
		for (char *c = ret_uid; slice && *c; c++)
			if (*c == '_')
				*c = '-';
		return;
	}
}

int cgroup_walk_containers(const char *dir, cgroup_walk_fn visit, void *context)
{
	char *const roots[] = {(char *)dir, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	struct cgroup_found found = {0};
	char id[ID_LENGTH + 1];
	int level = 0; /* the outer container's, 0: outside of any */

	if (!walk)
		return -errno;
	for (FTSENT *entry; (entry = fts_read(walk));) {
		if (entry->fts_info != FTS_D)
			continue;
		if (level && entry->fts_level <= level)
			level = 0;
		found.id = entry->fts_statp->st_ino;
		if (!level) {
			if (!cgroup_name_container(entry->fts_name, id, sizeof(id)))
				continue;
			found.container_id = found.id;
			level = entry->fts_level;
		}
		found.full_path = entry->fts_path;
		found.path = entry->fts_path + strlen(dir);
		visit(context, &found);
	}
	fts_close(walk);
	return 0;
}
