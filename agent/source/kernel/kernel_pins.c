/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_pins.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "source/kernel/kernel_layout.h"

#define ROOT	   "nodewake"
#define LINKS	   "links-"
#define NAME_SIZE  64
#define PLACE_SIZE 4096

struct kernel_pins {
	char root[PLACE_SIZE - 2 * NAME_SIZE];
	int fd; /* of root, and its lock */
	char layout[NAME_SIZE];
	uint64_t generation;
	bool adopted;
};

static bool is_bpffs(const char *dir)
{
	struct statfs file_system;

	return statfs(dir, &file_system) == 0 &&
	       (uint32_t)file_system.f_type == (uint32_t)BPF_FS_MAGIC;
}

/* Returns the locked root, or a negative errno. */
static int open_root(const char *root)
{
	cleanup_close int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	fd = -1;
	return ret;
}

int kernel_pins_open(struct kernel_pins **ret, const char *bpffs)
{
	struct kernel_pins *pins;
	int r;

	if (!is_bpffs(bpffs))
		return -ENOTSUP;
	pins = calloc(1, sizeof(*pins));
	if (!pins)
		return -ENOMEM;
	pins->generation = clock_boot_ns();
	snprintf(pins->root, sizeof(pins->root), "%s/" ROOT, bpffs);
	r = mkdir(pins->root, 0700) < 0 && errno != EEXIST ? -errno : open_root(pins->root);
	pins->fd = r;
	if (r < 0) {
		kernel_pins_free(pins);
		return r;
	}
	*ret = pins;
	return 0;
}

void kernel_pins_free(struct kernel_pins *pins)
{
	if (!pins)
		return;
	if (pins->fd >= 0)
		close(pins->fd);
	free(pins);
}

bool kernel_pins_adopted(const struct kernel_pins *pins)
{
	return pins->adopted;
}

uint64_t kernel_pins_generation(const struct kernel_pins *pins)
{
	return pins->generation;
}

/* --- what has a place ----------------------------------------------------------------------------- */

static bool is_constant(const struct bpf_map *map)
{
	return strstr(bpf_map__name(map), ".rodata");
}

/* The file system takes no dots. */
static void name_of(const struct bpf_map *map, char ret[static NAME_SIZE])
{
	const char *name = bpf_map__name(map), *dot = strchr(name, '.');

	text_copy(ret, NAME_SIZE, dot ? dot + 1 : name);
}

static bool has_links(int layout_fd);

int kernel_pins_maps(struct kernel_pins *pins, struct bpf_object *object)
{
	char place[PLACE_SIZE], name[NAME_SIZE];
	struct bpf_map *map;

	snprintf(pins->layout, sizeof(pins->layout), "%016" PRIx64, kernel_layout(object));
	if (mkdirat(pins->fd, pins->layout, 0700) < 0 && errno != EEXIST)
		return -errno;
	cleanup_close int fd = openat(pins->fd, pins->layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	pins->adopted = has_links(fd);
	bpf_object__for_each_map (map, object) {
		if (is_constant(map))
			continue;
		name_of(map, name);
		snprintf(place, sizeof(place), "%s/%s/%s", pins->root, pins->layout, name);
		int r = bpf_map__set_pin_path(map, place);

		if (r < 0)
			return r;
	}
	return 0;
}

static void links_of(const struct kernel_pins *pins, char ret[static NAME_SIZE])
{
	snprintf(ret, NAME_SIZE, LINKS "%016" PRIx64, pins->generation);
}

int kernel_pins_link(struct kernel_pins *pins, struct bpf_link *link, const char *program)
{
	char place[PLACE_SIZE], links[NAME_SIZE];

	links_of(pins, links);
	snprintf(place, sizeof(place), "%s/%s/%s", pins->root, pins->layout, links);
	if (mkdir(place, 0700) < 0 && errno != EEXIST)
		return -errno;
	text_copy(place + strlen(place), sizeof(place) - strlen(place), "/");
	text_copy(place + strlen(place), sizeof(place) - strlen(place), program);
	return bpf_link__pin(link, place);
}

/* --- what is left of others ----------------------------------------------------------------------- */

static DIR *open_at(int fd, const char *name)
{
	int dir_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dir_fd < 0 ? NULL : fdopendir(dir_fd);

	if (!dir && dir_fd >= 0)
		close(dir_fd);
	return dir;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_links(const char *name)
{
	return strncmp(name, LINKS, strlen(LINKS)) == 0;
}

static bool has_links(int layout_fd)
{
	DIR *dir = open_at(layout_fd, ".");
	const struct dirent *entry;
	bool any = false;

	while (dir && !any && (entry = readdir(dir)))
		any = is_links(entry->d_name);
	if (dir)
		closedir(dir);
	return any;
}

struct removed {
	int files, programs;
};

/* What lies below, but for what is kept. */
static void empty(int fd, const char *name, const char *kept, struct removed *removed)
{
	DIR *dir = open_at(fd, name);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (is_dots(entry->d_name) || (kept && strcmp(entry->d_name, kept) == 0))
			continue;
		if (entry->d_type == DT_DIR) {
			empty(dirfd(dir), entry->d_name, NULL, removed);
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
		} else if (unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
			removed->files++;
			removed->programs += is_links(name);
		}
	}
	if (dir)
		closedir(dir);
}

/* Of one layout: the links of all generations but ours. */
static void drop_generations(const struct kernel_pins *pins)
{
	DIR *dir = open_at(pins->fd, pins->layout);
	const struct dirent *entry;
	struct removed removed = {0};
	char links[NAME_SIZE];

	links_of(pins, links);
	while (dir && (entry = readdir(dir))) {
		if (!is_links(entry->d_name) || strcmp(entry->d_name, links) == 0)
			continue;
		empty(dirfd(dir), entry->d_name, NULL, &removed);
		unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
}

bool kernel_pins_settle(struct kernel_pins *pins)
{
	struct removed removed = {0};

	drop_generations(pins);
	empty(pins->fd, ".", pins->layout, &removed);
	return removed.files > 0;
}

void kernel_pins_abandon(struct kernel_pins *pins)
{
	struct removed removed = {0};

	empty(pins->fd, ".", NULL, &removed);
}

int kernel_pins_remove(const char *bpffs)
{
	struct removed removed = {0};
	char root[PLACE_SIZE];

	if (!is_bpffs(bpffs))
		return -ENOTSUP;
	snprintf(root, sizeof(root), "%s/" ROOT, bpffs);
	cleanup_close int fd = open_root(root);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	empty(fd, ".", NULL, &removed);
	return rmdir(root) < 0 ? -errno : removed.programs;
}
