/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mount_of.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Data of which all containers' files are a part: the runtime's and the kubelet's. */
static const char *const shared[] = {"/var/lib/containerd", "/var/lib/rancher", "/var/lib/kubelet"};

/* "8:1\n" of /sys/class/block/sda1/dev, without the newline; "" if there is no such device. */
static void read_number(const char *root, const char *device, char ret[static 32])
{
	char path[PATH_MAX];

	*ret = '\0';
	if (strchr(device, '/'))
		return;
	snprintf(path, sizeof(path), "%s/sys/class/block/%s/dev", root, device);
	cleanup_fclose FILE *file = fopen(path, "re");

	if (file && fgets(ret, 32, file))
		ret[strcspn(ret, "\n")] = '\0';
}

/* The device itself, or a partition of it: sda and sda1, nvme0n1 and nvme0n1p2. */
static bool is_part(const char *name, const char *device)
{
	size_t length = strlen(device);

	if (strncmp(name, device, length) != 0)
		return false;
	name += length;
	if (*name == 'p' && isdigit((unsigned char)device[length - 1]))
		name++;
	else if (*name && isdigit((unsigned char)device[length - 1]))
		return false;
	return strspn(name, "0123456789") == strlen(name);
}

static bool lies_below(const char *path, const char *mount)
{
	size_t length = strlen(mount);

	return strcmp(mount, "/") == 0 ||
	       (strncmp(path, mount, length) == 0 && (path[length] == '/' || path[length] == '\0'));
}

static int rank(const char *mount)
{
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (lies_below(shared[i], mount))
			return 3;
	return strstr(mount, "/pods/") ? 2 : 1;
}

/* Blanks and the like are octal in mountinfo. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 3;
		} else {
			*to++ = *text;
		}
	*to = '\0';
}

/* "36 35 98:0 /root /mount options ... - ext3 /dev/sda1 options": of the device, or false. */
static bool of_device(char *line, const char *number, const char *device, char **ret_mount)
{
	char *rest = line, *source = strstr(line, " - ");
	const char *have = NULL;

	if (!source)
		return false;
	source += 3;
	*ret_mount = NULL;
	for (int field = 1; field <= 5; field++) {
		char *word = strsep(&rest, " ");

		if (!word || !rest)
			return false;
		have = field == 3 ? word : have;
		*ret_mount = word;
	}
	strsep(&source, " ");
	char *name = source ? strsep(&source, " ") : NULL;

	if (!name)
		return false;
	return (*number && strcmp(have, number) == 0) ||
	       (strncmp(name, "/dev/", 5) == 0 && is_part(name + 5, device));
}

int mount_of_device(const char *root, const char *device, char *ret_mount, size_t size)
{
	char path[PATH_MAX], number[32], *line = NULL;
	size_t length = 0;
	int best = 0;

	if (!*device)
		return -ENOENT;
	read_number(root, device, number);
	snprintf(path, sizeof(path), "%s/proc/1/mountinfo", root);
	cleanup_fclose FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	while (getline(&line, &length, file) > 0) {
		char *mount;

		if (!of_device(line, number, device, &mount) || rank(mount) <= best)
			continue;
		best = rank(mount);
		unescape(mount);
		text_copy(ret_mount, size, mount);
	}
	free(line);
	return best ? 0 : -ENOENT;
}
