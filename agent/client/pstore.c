/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define RECORDS_MAX  256 /* looked at in all; a panic in EFI variables has a dozen or two */
#define RECORD_BYTES 65536
#define PATH_SIZE    512

struct search {
	int64_t after_wall_ns; /* of the record's time */
	unsigned int left;
	bool any; /* a record that a panic left */
	int64_t best_wall_ns;
	char *line;
	size_t size;
};

/* "<0>[   12.345678] Kernel panic - not syncing: ..." from a record's text. */
static bool find_panic(const char *text, char *ret_line, size_t size)
{
	const char *found = strstr(text, "Kernel panic - not syncing");

	if (!found)
		return false;
	text_copy_n(ret_line, size, found, strcspn(found, "\n"));
	return true;
}

static void look_at(struct search *search, const char *path)
{
	char line[256];
	struct stat found;
	ssize_t length;
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	cleanup_free char *text = fd < 0 ? NULL : malloc(RECORD_BYTES + 1);

	if (!text || fstat(fd, &found) < 0 || !S_ISREG(found.st_mode))
		return;
	int64_t wall_ns = found.st_mtim.tv_sec * (int64_t)NS_PER_SECOND + found.st_mtim.tv_nsec;

	if (wall_ns < search->after_wall_ns)
		return;
	length = read(fd, text, RECORD_BYTES);
	if (length <= 0)
		return;
	text[length] = '\0';
	/* pstore's own heading; an oops that the machine survived leaves records too */
	search->any |= strncmp(text, "Panic#", 6) == 0;
	if (wall_ns >= search->best_wall_ns && find_panic(text, line, sizeof(line))) {
		search->best_wall_ns = wall_ns;
		text_copy(search->line, search->size, line);
	}
}

/* Directories by number of the time, and in those by number of the record. */
static void walk(struct search *search, const char *dir, int depth)
{
	DIR *open_dir = opendir(dir);

	if (!open_dir)
		return;
	for (struct dirent *entry; search->left && (entry = readdir(open_dir));) {
		char path[PATH_SIZE];

		if (*entry->d_name == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		search->left--;
		if (strncmp(entry->d_name, "dmesg", 5) == 0)
			look_at(search, path);
		else if (depth > 0)
			walk(search, path, depth - 1);
	}
	closedir(open_dir);
}

int pstore_panic(const char *root, int64_t after_wall_ns, int64_t moved_wall_ns, char *ret_line,
		 size_t size)
{
	static const struct {
		const char *dir;
		int depth;
	} places[] = {{"sys/fs/pstore", 0}, {"var/lib/systemd/pstore", 2}};
	char line[256] = "", path[PATH_SIZE];
	struct search search = {.left = RECORDS_MAX, .line = line, .size = sizeof(line)};

	for (int i = 0; i < 2; i++) {
		search.after_wall_ns = i ? moved_wall_ns : after_wall_ns;
		snprintf(path, sizeof(path), "%s/%s", root, places[i].dir);
		walk(&search, path, places[i].depth);
	}
	if (!*line && !search.any)
		return -ENOENT;
	text_copy(ret_line, size, *line ? line : "Kernel panic");
	return 0;
}

bool watchdog_was_reset(const char *root)
{
	char dir[PATH_SIZE];
	bool reset = false;
	int left = 16;

	snprintf(dir, sizeof(dir), "%s/sys/class/watchdog", root);
	DIR *open_dir = opendir(dir);

	if (!open_dir)
		return false;
	for (struct dirent *entry; left-- && (entry = readdir(open_dir));) {
		char path[PATH_SIZE + 300];
		unsigned int status = 0;

		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s/bootstatus", dir, entry->d_name);
		cleanup_fclose FILE *file = fopen(path, "re");

		if (file && fscanf(file, "%u", &status) == 1)
			reset |= (status & WDIOF_CARDRESET) != 0;
	}
	closedir(open_dir);
	return reset;
}
