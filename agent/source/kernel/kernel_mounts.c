/* SPDX-License-Identifier: Apache-2.0 */
#include "source/kernel/kernel_mounts.h"

#include <string.h>

#include "base/text.h"

/* Between two slashes behind *at, which moves on; false: there is nothing. */
static bool take_part(const char **at, const char *end, char *ret, size_t size)
{
	const char *stop = memchr(*at, '/', (size_t)(end - *at));
	size_t length = (size_t)((stop ? stop : end) - *at);

	if (!length)
		return false;
	text_copy_n(ret, size, *at, length);
	*at = stop ? stop + 1 : end;
	return true;
}

/* ".../pods/UID/volumes/PLUGIN/NAME", or volume-subpaths/NAME/CONTAINER/0: the kubelet's own layout. */
static bool read_directory(const char *text, size_t length, struct event_work *ret)
{
	static const char before[] = "/pods/";
	const char *end = text + length, *at = memmem(text, length, before, strlen(before));
	char uid[POD_UID_SIZE], what[NAME_SIZE], plugin[NAME_SIZE];
	struct event_work work = {.kind = WORK_VOLUME};

	if (!at)
		return false;
	at += strlen(before);
	if (!take_part(&at, end, uid, sizeof(uid)) || !take_part(&at, end, what, sizeof(what)))
		return false;
	if (strcmp(what, "volumes") == 0 ? !take_part(&at, end, plugin, sizeof(plugin))
					 : strcmp(what, "volume-subpaths") != 0)
		return false;
	if (!take_part(&at, end, work.name, sizeof(work.name)))
		return false;
	TEXT_COPY(work.pod_uid, uid);
	*ret = work;
	return true;
}

/* The directory is the last argument that is one of these. */
static bool read_arguments(const char *texts, size_t size, struct event_work *ret)
{
	bool found = false;

	for (size_t at = 0, length; at < size; at += length + 1) {
		length = strnlen(texts + at, size - at);
		found |= read_directory(texts + at, length, ret);
	}
	return found;
}

static struct kernel_mount *find(struct kernel_mounts *mounts, uint32_t pid)
{
	for (size_t i = 0; i < KERNEL_MOUNTS_MAX; i++)
		if (mounts->all[i].pid == pid)
			return &mounts->all[i];
	return NULL;
}

static void begin(struct kernel_mounts *mounts, const struct wire_header *header,
		  const struct event_work *work)
{
	struct kernel_mount *mount = find(mounts, header->pid);

	if (!mount)
		mount = find(mounts, 0);
	if (!mount) {
		mount = &mounts->all[mounts->next++ % KERNEL_MOUNTS_MAX];
		mounts->lost++;
	}
	mount->pid = header->pid;
	mount->work = *work;
	mount->work.began_ns = header->boot_ns;
}

static void end(struct kernel_mounts *mounts, const struct wire_header *header, struct event *ret)
{
	struct kernel_mount *mount = header->pid ? find(mounts, header->pid) : NULL;

	if (!mount)
		return;
	*ret = (struct event){.type = EVENT_WORK, .boot_ns = header->boot_ns, .work = mount->work};
	mount->pid = 0;
}

bool kernel_mounts_take(struct kernel_mounts *mounts, const void *record, size_t size,
			struct event *ret)
{
	const size_t fixed = offsetof(struct wire_exec_helper, texts);
	const char *texts = (const char *)record + fixed;
	struct wire_header header;
	struct event_work work;
	uint32_t sizes[2];

	ret->type = EVENT_NONE;
	if (size < sizeof(header))
		return false;
	memcpy(&header, record, sizeof(header));
	if (header.role != WIRE_ROLE_MOUNT)
		return false;
	if (header.type == WIRE_EXIT_HELPER)
		end(mounts, &header, ret);
	if (header.type != WIRE_EXEC_HELPER || size < fixed)
		return true;
	memcpy(sizes, (const char *)record + offsetof(struct wire_exec_helper, head_size),
	       sizeof(sizes));
	/* the tail of many arguments lies behind a whole head */
	size_t tail_at = sizes[1] ? WIRE_ARGS_HEAD : 0;

	if (sizes[0] > size - fixed || (sizes[1] && size - fixed < tail_at + sizes[1]))
		return true;
	if (read_arguments(texts, sizes[0], &work) ||
	    (sizes[1] && read_arguments(texts + tail_at, sizes[1], &work)))
		begin(mounts, &header, &work);
	return true;
}
