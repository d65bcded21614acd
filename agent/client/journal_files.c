/* SPDX-License-Identifier: Apache-2.0 */
/* Where journald keeps its files: DIR/MACHINE-ID/system*.journal, or .journal~ where a crash left one open. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "client/journal.h"

static const char *const places[] = {"var/log/journal", "run/log/journal"};

#define MACHINES_MAX 16

static bool is_system_file(const char *name)
{
	size_t length = strlen(name);

	if (length && name[length - 1] == '~')
		length--;
	return strncmp(name, "system", 6) == 0 && length > 8 &&
	       strncmp(name + length - 8, ".journal", 8) == 0;
}

static void keep(struct journal_files *files, const char *path, int64_t modified_wall_ns)
{
	size_t at = files->count;

	if (files->count == JOURNAL_FILES_MAX) {
		files->left_out++;
		at--;
		if (files->files[at].modified_wall_ns >= modified_wall_ns)
			return;
	} else {
		files->count++;
	}
	while (at && files->files[at - 1].modified_wall_ns < modified_wall_ns) {
		files->files[at] = files->files[at - 1];
		at--;
	}
	files->files[at].modified_wall_ns = modified_wall_ns;
	TEXT_COPY(files->files[at].path, path);
}

static void list_machine(struct journal_files *files, const char *dir)
{
	DIR *open_dir = opendir(dir);

	if (!open_dir)
		return;
	for (struct dirent *entry; (entry = readdir(open_dir));) {
		char path[JOURNAL_PATH_SIZE];
		struct stat found;

		if (!is_system_file(entry->d_name) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >=
			    (int)sizeof(path) ||
		    fstatat(dirfd(open_dir), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(found.st_mode))
			continue;
		keep(files, path,
		     found.st_mtim.tv_sec * (int64_t)NS_PER_SECOND + found.st_mtim.tv_nsec);
	}
	closedir(open_dir);
}

static void list_place(struct journal_files *files, const char *dir)
{
	DIR *open_dir = opendir(dir);
	int machines = 0;

	if (!open_dir)
		return;
	for (struct dirent *entry; machines < MACHINES_MAX && (entry = readdir(open_dir));) {
		char path[JOURNAL_PATH_SIZE];

		if (strlen(entry->d_name) != 32 || !text_is_hex(entry->d_name, 32) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		machines++;
		list_machine(files, path);
	}
	closedir(open_dir);
}

int journal_files_list(struct journal_files *ret, const char *root)
{
	ret->count = 0;
	ret->left_out = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char dir[JOURNAL_PATH_SIZE];

		if (snprintf(dir, sizeof(dir), "%s/%s", root, places[i]) < (int)sizeof(dir))
			list_place(ret, dir);
	}
	return ret->count ? 0 : -ENOENT;
}
