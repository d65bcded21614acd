// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What starting containers have brought in from file systems without a disk of their own: file servers and FUSE.
 *
 * They make no bios. What is left to see is that a page enters the page cache, in the task that reads or writes. A page that
 * lies within the file is taken to be read: one that is written anew is beyond its end until then. Pages of other
 * file systems, by far the most, are sorted out by the number of their kind.
 */
#include "bpf/file.bpf.c"

const volatile __u32 page_bytes = 4096;

static __always_inline bool has_no_disk(unsigned long magic)
{
	switch (magic) {
	case WIRE_MAGIC_NFS:
	case WIRE_MAGIC_FUSE:
	case WIRE_MAGIC_9P:
	case WIRE_MAGIC_CEPH:
	case WIRE_MAGIC_CIFS:
	case WIRE_MAGIC_SMB2:
		return true;
	}
	return false;
}

/* The order of a large folio is in the flags of its second page (since 6.2; before, these file systems had none). */
static __always_inline __u64 folio_bytes(struct page *page)
{
	unsigned long flags = page_flags(page), head = bpf_core_enum_value(enum pageflags, PG_head);
	__u64 order = 0;

	if (flags >> head & 1)
		order = page_flags((void *)page + bpf_core_type_size(struct page)) & 0xff;
	return (__u64)page_bytes << (order & 0xf);
}

static __always_inline __u64 page_index(struct page *page)
{
	struct page___renamed *renamed = (void *)page;

	if (bpf_core_field_exists(struct page___renamed, __folio_index))
		return BPF_CORE_READ(renamed, __folio_index);
	return BPF_CORE_READ(page, index);
}

/* How much of the file it holds. */
static __always_inline __u64 bytes_in(struct page *page, struct inode *inode)
{
	__u64 begin = page_index(page) * page_bytes, end = begin + folio_bytes(page);
	__u64 size = inode->i_size;

	if (begin >= size)
		return 0;
	return (end < size ? end : size) - begin;
}

static __always_inline void count_page(struct page *page, struct inode *inode)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 container_id = starting_container(cgroup_id_of(deciding_cgroup(task)), task);
	__u64 now_ns = bpf_ktime_get_boot_ns(), bytes;
	struct wire_file_reads *found;
	struct wire_reads *all;

	if (!container_id)
		return;
	struct wire_file file = {
		.container_id = container_id,
		.inode = inode->i_ino,
		.device = inode->i_sb->s_dev,
		.generation = inode->i_generation,
	};

	bytes = bytes_in(page, inode);
	all = bytes ? reads_of(container_id) : NULL;
	found = all ? find_reads(&file) : NULL;
	if (all && !found)
		found = make_reads(&file, inode, NULL, now_ns);
	if (bytes && !found)
		count_loss(WIRE_LOSS_FILES);
	if (!found)
		return;
	__sync_fetch_and_add(&all->disk_bytes, bytes);
	__sync_fetch_and_add(&found->bytes, bytes);
	found->last_ns = now_ns;
}

/* Its argument is a page before 5.16, then a folio; what is read of both is in the same places. */
SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(watch_page_cache, struct page *page)
{
	struct inode *inode = page->mapping->host;

	if (inode && has_no_disk(inode->i_sb->s_magic) &&
	    (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFREG)
		count_page(page, inode);
	return 0;
}
