/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mounts.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define MOUNTS_MAX 256
#define LAYERS_MAX 512
/* A layer is recognised by the end of its path: what is before it depends on who looks. */
#define LAYER_WORDS 3

struct mount {
	uint32_t device;
	char *root;  /* what of the file system is mounted, "/" all */
	char *point; /* where */
};

struct layer {
	uint32_t device; /* the overlay's */
	char *end;	 /* the last words of the directory's path, without slashes around them */
};

struct mounts {
	struct mount mounts[MOUNTS_MAX];
	struct layer layers[LAYERS_MAX];
	size_t mount_count, layer_count;
};

void mounts_free(struct mounts *mounts)
{
	if (!mounts)
		return;
	for (size_t i = 0; i < mounts->mount_count; i++) {
		free(mounts->mounts[i].root);
		free(mounts->mounts[i].point);
	}
	for (size_t i = 0; i < mounts->layer_count; i++)
		free(mounts->layers[i].end);
	free(mounts);
}

/* Spaces and the like are written as \040. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		unsigned int code;

		if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1 && code < 256) {
			*to++ = (char)code;
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

static void add_layer(struct mounts *mounts, uint32_t device, char *path)
{
	char *end = path + strlen(path);
	int words = 0;

	unescape(path);
	while (end > path && !(*end == '/' && ++words == LAYER_WORDS))
		end--;
	while (*end == '/')
		end++;
	if (!*end || mounts->layer_count == LAYERS_MAX)
		return;
	end = strdup(end);
	if (end)
		mounts->layers[mounts->layer_count++] = (struct layer){device, end};
}

/* lowerdir=A:B,upperdir=C,workdir=D; lowerdir+=A,lowerdir+=B with the new mount API. */
static void add_layers(struct mounts *mounts, uint32_t device, char *options)
{
	char *option, *path;

	while ((option = strsep(&options, ","))) {
		char *value = strchr(option, '=');

		if (!value ||
		    (strncmp(option, "lowerdir", 8) != 0 && strncmp(option, "datadir", 7) != 0 &&
		     strncmp(option, "upperdir", 8) != 0))
			continue;
		value++;
		while ((path = strsep(&value, ":")))
			add_layer(mounts, device, path);
	}
}

/* "36 35 98:0 ROOT POINT rw,noatime master:1 - TYPE SOURCE OPTIONS" */
static void add_line(struct mounts *mounts, char *line)
{
	char *words[5], *separator = strstr(line, " - "), *type, *options;
	uint32_t major, minor;
	struct mount mount;

	if (!separator || mounts->mount_count == MOUNTS_MAX)
		return;
	*separator = '\0';
	for (int i = 0; i < 5; i++)
		if (!(words[i] = strsep(&line, " ")))
			return;
	if (sscanf(words[2], "%" SCNu32 ":%" SCNu32, &major, &minor) != 2)
		return;
	unescape(words[3]);
	unescape(words[4]);
	mount = (struct mount){major << 20 | minor, strdup(words[3]), strdup(words[4])};
	if (!mount.root || !mount.point) {
		free(mount.root);
		free(mount.point);
		return;
	}
	mounts->mounts[mounts->mount_count++] = mount;
	options = separator + 3;
	type = strsep(&options, " ");
	strsep(&options, " ");
	if (options && strcmp(type, "overlay") == 0)
		add_layers(mounts, mount.device, options);
}

int mounts_read(struct mounts **ret, const char *proc, uint32_t pid)
{
	char path[PATH_MAX];
	cleanup_free char *line = NULL;
	size_t size = 0;
	ssize_t length;

	snprintf(path, sizeof(path), "%s/%" PRIu32 "/mountinfo", proc, pid);
	cleanup_fclose FILE *file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	struct mounts *mounts = calloc(1, sizeof(*mounts));

	if (!mounts)
		return -ENOMEM;
	while ((length = getline(&line, &size, file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		add_line(mounts, line);
	}
	if (!mounts->mount_count) { /* it ended meanwhile */
		mounts_free(mounts);
		return -ESRCH;
	}
	*ret = mounts;
	return 0;
}

/* What of path is below the directory: NULL if it is not, else "" or "/…". */
static const char *below(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	if (strncmp(path, directory, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

/* The same, wherever in path the words are: after the last time they come. */
static const char *below_words(const char *path, const char *words)
{
	size_t length = strlen(words);
	const char *found = NULL;

	for (const char *at = path; (at = strstr(at, words)); at++)
		if ((at == path || at[-1] == '/') && at[length] == '/')
			found = at + length;
	return found;
}

/* The mount that shows it, by the longest root: of two that show the same, the first. */
static const struct mount *mount_of(const struct mounts *mounts, uint32_t device, const char *path,
				    const char **ret_rest)
{
	const struct mount *best = NULL;

	for (size_t i = 0; i < mounts->mount_count; i++) {
		const struct mount *mount = &mounts->mounts[i];
		const char *rest = mount->device == device ? below(path, mount->root) : NULL;

		if (!rest || (best && strlen(mount->root) <= strlen(best->root)))
			continue;
		best = mount;
		*ret_rest = rest;
	}
	return best;
}

int mounts_path(const struct mounts *mounts, uint32_t device, const char *path, char *ret_path,
		size_t size)
{
	const char *rest = NULL, *in_overlay;
	const struct mount *mount = *path == '/' ? mount_of(mounts, device, path, &rest) : NULL;
	char joined[2 * PATH_MAX];

	for (size_t i = 0; i < mounts->layer_count; i++) {
		const struct layer *layer = &mounts->layers[i];
		const struct mount *overlay;
		const char *shown;

		in_overlay = below_words(path, layer->end);
		if (!in_overlay || (mount && in_overlay <= rest))
			continue;
		overlay = mount_of(mounts, layer->device, in_overlay, &shown);
		if (overlay) {
			mount = overlay;
			rest = shown;
		}
	}
	if (!mount)
		return -ENOENT;
	snprintf(joined, sizeof(joined), "%s%s",
		 strcmp(mount->point, "/") == 0 && *rest ? "" : mount->point, rest);
	text_copy_tail(ret_path, size, joined);
	return 0;
}
