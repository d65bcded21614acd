// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What starting containers have brought in from disks, file by file.
 *
 * A request (bio) is counted when it is made: block_bio_queue runs in the task that wants the data, be it by read(2), a
 * fault or readahead for it (or in a kernel thread, later), before device mapper or RAID copy the request for what is below. Its pages are the
 * page cache's, and say which file they belong to. Not told by file, but counted: metadata, swap, direct I/O.
 * File systems without a disk make no bios: remote.bpf.c.
 */
#pragma once

#include "bpf/window.bpf.c"

#define PENDING_MAX	  1024 /* requests on their way */
#define MERGED_MAX	  64   /* of them, completed as one */
#define NAMES_MAX	  32   /* directories deep */
#define NAME_MAX	  256
#define LARGE_FILE	  (1u << 20)

#define S_IFMT		  0170000
#define S_IFREG		  0100000
#define REQ_OP_MASK	  0xffu /* REQ_OP_READ is 0 */
#define BIO_CLONED	  1	/* a bit; in place since 4.13 */
#define PG_LOCKED	  1ul	/* PG_locked is the first bit */
#define MAPPING_BITS	  3ul	/* of page->mapping: not a file's */
#define MEMCG_BITS	  3ul	/* of page->memcg_data: not the page cache's */
#define PF_KTHREAD	  0x200000
#define PF_LOCAL_THROTTLE 0x100000 /* since 5.8 */

struct pending {
	struct wire_file file;
	__u64 began_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WIRE_READS_MAX);
	__type(key, __u64); /* the container's cgroup id */
	__type(value, struct wire_reads);
} reads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, WIRE_FILES_MAX);
	__type(key, struct wire_file);
	__type(value, struct wire_file_reads);
} files SEC(".maps");

/* The same of those that may matter: a thousand small ones can't take their places before they are told. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, WIRE_LARGE_FILES_MAX);
	__type(key, struct wire_file);
	__type(value, struct wire_file_reads);
} large_files SEC(".maps");

/* By bio. One whose end nobody saw gives way in time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PENDING_MAX);
	__type(key, __u64);
	__type(value, struct pending);
} pendings SEC(".maps");

/* None is followed so far: the end of each of the node's requests is let pass at once. */
__u32 requests_followed = 0;

/* Room to put a file's names together; as probe.h's scratch. */
struct file_room {
	struct wire_file_reads reads;
	char beyond[NAME_MAX]; /* of names: the last one may begin at their end */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_room);
} file_room SEC(".maps");

static __always_inline bool has_window(const struct known *container, __u64 container_id)
{
	__u32 slot = container->window - 1;
	struct wire_window *window = bpf_map_lookup_elem(&windows, &slot);

	return window && window->container_id == container_id;
}

/* --- all that a process read, cached or not --------------------------------------------------------- */

static __always_inline bool is_accounted(void)
{
	return bpf_core_field_exists(struct task_io_accounting, rchar);
}

/* A leader stands for what its group's ended threads, and the children it has waited for, have read. */
static __always_inline __u64 read_by(struct task_struct *task)
{
	__u64 bytes = BPF_CORE_READ(task, ioac.rchar);

	if (BPF_CORE_READ(task, group_leader) == task)
		bytes += BPF_CORE_READ(task, signal, ioac.rchar);
	return bytes;
}

/* The entrypoint was executed: what the task read before was runc's. */
static __always_inline void begin_reads(struct task_struct *task, const struct known *container,
					__u64 container_id)
{
	struct wire_reads begun = {};

	if (!has_window(container, container_id))
		return;
	if (is_accounted()) {
		begun.read_before = read_by(task);
		begun.flags = WIRE_READS_BEGUN;
	}
	if (bpf_map_update_elem(&reads, &container_id, &begun, BPF_ANY))
		count_loss(WIRE_LOSS_FILES);
}

/* The last thread of its first process is at its end: nobody can ask for its counts any more. */
static __always_inline void end_reads(struct task_struct *task, __u64 container_id)
{
	struct wire_reads *begun = bpf_map_lookup_elem(&reads, &container_id);
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);

	if (!begun || !is_accounted())
		return;
	begun->read_ended = read_by(leader);
	if (leader != task)
		begun->read_ended += read_by(task);
	begun->flags |= WIRE_READS_ENDED;
}

/* --- whose file it is ----------------------------------------------------------------------------- */

/*
 * A tail page of a folio says which one is its head; since 7.1 it may be the mask that leads there, which is
 * greater than any page's address ("mm: rework compound_head() for power-of-2 sizeof(struct page)").
 */
static __always_inline struct page *head_of(struct page *page)
{
	unsigned long info, address = (unsigned long)page;

	if (bpf_core_field_exists(struct page, compound_head))
		info = BPF_CORE_READ(page, compound_head);
	else
		info = BPF_CORE_READ((struct page___info *)page, compound_info);
	if (!(info & 1))
		return page;
	info &= ~1ul;
	return (struct page *)(info > address ? info & address : info);
}

static __always_inline unsigned long page_flags(struct page *page)
{
	struct page___number *number = (void *)page;

	if (bpf_core_field_exists(struct page___number, flags))
		return BPF_CORE_READ(number, flags);
	return BPF_CORE_READ(page, flags.f);
}

/*
 * The page cache keeps a page locked while it is filled. One that is not is a buffer of direct I/O: were it mapped from
 * a file, or shared memory, that file is not the one that is read.
 */
static __always_inline struct inode *inode_of(struct bio *bio)
{
	struct page *page = BPF_CORE_READ(bio, bi_io_vec, bv_page);
	struct address_space *mapping;
	struct inode *inode;

	if (!page)
		return NULL;
	page = head_of(page);
	if (!(page_flags(page) & PG_LOCKED))
		return NULL;
	mapping = BPF_CORE_READ(page, mapping);
	if (!mapping || (unsigned long)mapping & MAPPING_BITS)
		return NULL;
	inode = BPF_CORE_READ(mapping, host);
	if (!inode || (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return NULL;
	return inode;
}

static __always_inline struct dentry *dentry_of(struct inode *inode)
{
	struct hlist_node *node = BPF_CORE_READ(inode, i_dentry.first);
	unsigned long offset;

	if (bpf_core_field_exists(struct dentry, d_u.d_alias))
		offset = bpf_core_field_offset(struct dentry, d_u.d_alias);
	else
		offset = bpf_core_field_offset(struct dentry___unnamed, d_alias);
	return node ? (struct dentry *)((char *)node - offset) : NULL;
}

/* Its path on its own file system, from the leaf upwards. */
static __always_inline void read_names(struct wire_file_reads *reads, struct inode *inode)
{
	struct dentry *dentry = dentry_of(inode), *parent;
	__u64 used = 0;

	for (int i = 0; i < NAMES_MAX && dentry; i++) {
		parent = BPF_CORE_READ(dentry, d_parent);
		reads->names_whole = parent == dentry;
		if (parent == dentry || used >= WIRE_FILE_NAMES)
			break;
		long size = bpf_probe_read_kernel_str(reads->names + used, NAME_MAX,
						      BPF_CORE_READ(dentry, d_name.name));

		if (size <= 0 || size > NAME_MAX)
			break;
		used += size;
		asm volatile("" : "+r"(used));
		dentry = parent;
	}
	reads->names_size = used;
}

static __always_inline __u32 disk_of(struct bio *bio)
{
	struct bio___disk *old = (void *)bio;

	if (bpf_core_field_exists(struct bio, bi_bdev))
		return BPF_CORE_READ(bio, bi_bdev, bd_dev);
	return ((__u32)BPF_CORE_READ(old, bi_disk, major) << 20) +
	       BPF_CORE_READ(old, bi_disk, first_minor) + BPF_CORE_READ(old, bi_partno);
}

static __always_inline struct wire_file_reads *find_reads(const struct wire_file *file)
{
	struct wire_file_reads *found = bpf_map_lookup_elem(&large_files, file);

	return found ? found : bpf_map_lookup_elem(&files, file);
}

static __always_inline struct wire_file_reads *make_reads(const struct wire_file *file,
							  struct inode *inode, struct bio *bio,
							  __u64 now_ns)
{
	__u32 zero = 0;
	struct file_room *room = bpf_map_lookup_elem(&file_room, &zero);

	if (!room)
		return NULL;
	__builtin_memset(&room->reads, 0, sizeof(room->reads));
	room->reads.first_ns = room->reads.last_ns = now_ns;
	room->reads.size = BPF_CORE_READ(inode, i_size);
	room->reads.magic = BPF_CORE_READ(inode, i_sb, s_magic);
	if (bio)
		room->reads.disk = disk_of(bio);
	read_names(&room->reads, inode);
	if (room->reads.size >= LARGE_FILE) /* or another CPU has */
		bpf_map_update_elem(&large_files, file, &room->reads, BPF_NOEXIST);
	else
		bpf_map_update_elem(&files, file, &room->reads, BPF_NOEXIST);
	return find_reads(file);
}

/* The container of this cgroup, where its window is open; 0: none. `task`: who reads, where it is one of its own. */
static __always_inline __u64 starting_container(__u64 id, struct task_struct *task)
{
	struct known *entry;

	if (!is_watched(id))
		return 0;
	entry = find_known(id);
	if (!entry)
		return 0;
	id = entry->container_id;
	struct known *container = find_known(id);

	if (!container || !has_window(container, id) || (task && is_session(container, task)))
		return 0;
	return id;
}

/* With the charges' own cgroups of each node, is_root, a page's charge is one of those, whatever it is. */
static __always_inline struct mem_cgroup *charged_to(unsigned long charged)
{
	if (bpf_core_field_exists(struct obj_cgroup, is_root))
		return BPF_CORE_READ((struct obj_cgroup *)charged, memcg);
	return (struct mem_cgroup *)charged;
}

/*
 * A kernel thread asks for others: what a limit on reading has held back, for one. The pages are charged to whom they
 * are for.
 */
static __always_inline __u64 charged_cgroup(struct bio *bio)
{
	struct page *page = BPF_CORE_READ(bio, bi_io_vec, bv_page);
	unsigned long charged;

	if (!page || !bpf_core_field_exists(struct page, memcg_data))
		return 0;
	charged = BPF_CORE_READ(head_of(page), memcg_data);
	if (charged & MEMCG_BITS)
		return 0;
	return cgroup_id_of(BPF_CORE_READ(charged_to(charged), css.cgroup));
}

static __always_inline __u64 container_of_request(struct bio *bio)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	unsigned int flags = BPF_CORE_READ(task, flags);

	if (flags & PF_LOCAL_THROTTLE)
		return 0; /* a loop device's worker: what it reads was counted as the loop's own request */
	if (flags & PF_KTHREAD)
		return starting_container(charged_cgroup(bio), NULL);
	return starting_container(cgroup_id_of(deciding_cgroup(task)), task);
}

/* --- the requests ----------------------------------------------------------------------------------- */

static __always_inline void count_file(struct bio *bio, __u64 container_id, __u32 bytes)
{
	__u64 now_ns = bpf_ktime_get_boot_ns(), key = (__u64)bio;
	struct inode *inode = inode_of(bio);
	struct wire_file_reads *found;

	if (!inode)
		return;
	struct pending pending = {
		.file = {.container_id = container_id,
			 .inode = BPF_CORE_READ(inode, i_ino),
			 .device = BPF_CORE_READ(inode, i_sb, s_dev),
			 .generation = BPF_CORE_READ(inode, i_generation)},
		.began_ns = now_ns,
	};

	found = find_reads(&pending.file);
	if (!found)
		found = make_reads(&pending.file, inode, bio, now_ns);
	if (!found) {
		count_loss(WIRE_LOSS_FILES);
		return;
	}
	__sync_fetch_and_add(&found->bytes, bytes);
	__sync_fetch_and_add(&found->requests, 1);
	requests_followed = 1;
	bpf_map_update_elem(&pendings, &key, &pending, BPF_ANY);
}

static __always_inline struct wire_reads *reads_of(__u64 container_id)
{
	struct wire_reads *found = bpf_map_lookup_elem(&reads, &container_id), none = {};

	if (found)
		return found;
	bpf_map_update_elem(&reads, &container_id, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&reads, &container_id);
}

static __always_inline void count_request(struct bio *bio)
{
	__u64 container_id = container_of_request(bio);
	__u32 bytes = bio->bi_iter.bi_size;
	struct wire_reads *all;

	if (!container_id || !bytes)
		return;
	all = reads_of(container_id);
	if (!all) {
		count_loss(WIRE_LOSS_FILES);
		return;
	}
	__sync_fetch_and_add(&all->disk_bytes, bytes);
	__sync_fetch_and_add(&all->requests, 1);
	count_file(bio, container_id, bytes);
}

/* The queue was its first argument before 5.11 (e8a676d61c07); bi_bdev came with 5.12: 5.11 itself is refused. */
SEC("tp_btf/block_bio_queue")
int watch_bio_queue(__u64 *ctx)
{
	struct bio *bio;

	if (bpf_core_field_exists(struct bio, bi_bdev)) {
		bio = (struct bio *)ctx[0];
		asm volatile(
			""
			: "+r"(bio)); /* else the two become one load, whose address no verifier likes */
	} else {
		bio = (struct bio *)ctx[1];
	}
	if (bio->bi_opf & REQ_OP_MASK || bio->bi_flags & (1u << BIO_CLONED))
		return 0;
	count_request(bio);
	return 0;
}

/* In the order in which requests end, what is new of each one's time is what lies after the last end. */
static __always_inline void count_time(struct wire_file_reads *found, __u64 from_ns, __u64 now_ns)
{
	__u64 last_ns = found->last_ns;

	__sync_fetch_and_add(&found->latency_ns, now_ns - from_ns);
	__sync_fetch_and_add(&found->completed, 1);
	if (from_ns < last_ns)
		from_ns = last_ns;
	if (now_ns <= from_ns)
		return;
	__sync_fetch_and_add(&found->busy_ns, now_ns - from_ns);
	found->last_ns = now_ns;
}

/* One that the block layer has split ends with its last part. */
VERIFIED_ONCE int end_request(__u64 bio)
{
	__u64 key = bio;
	struct pending *pending = bpf_map_lookup_elem(&pendings, &key);
	struct wire_file_reads *found;

	if (!pending)
		return 0;
	found = find_reads(&pending->file);
	if (found)
		count_time(found, pending->began_ns, bpf_ktime_get_boot_ns());
	bpf_map_delete_elem(&pendings, &key);
	return 0;
}

/* Of devices that take bios as they are: device mapper, RAID, zram. */
SEC("tp_btf/block_bio_complete")
int watch_bio_complete(__u64 *ctx)
{
	__u64 bio = 0;

	if (!requests_followed)
		return 0;
	bpf_probe_read_kernel(&bio, sizeof(bio), &ctx[1]); /* as a number, not as a pointer */
	end_request(bio);
	return 0;
}

/* Of the others, whose bios may have been merged; blk_update_request() traces them in no other way. */
SEC("tp_btf/block_rq_complete")
int BPF_PROG(watch_rq_complete, struct request *request, int error, unsigned int bytes)
{
	struct bio *bio;

	if (!requests_followed)
		return 0;
	bio = BPF_CORE_READ(request, bio);
	if (!bio || BPF_CORE_READ(bio, bi_opf) & REQ_OP_MASK)
		return 0;
	for (int i = 0; i < MERGED_MAX && bio; i++) {
		__u32 size = BPF_CORE_READ(bio, bi_iter.bi_size);

		if (size > bytes)
			break;
		bytes -= size;
		end_request((__u64)bio);
		bio = BPF_CORE_READ(bio, bi_next);
	}
	return 0;
}

/* Asked for by the agent when a start is over: /proc/PID/io would take the right to trace it. */
SEC("iter/task")
int read_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct wire_thread_read told = {};

	if (!task || !is_accounted())
		return 0;
	told.container_id = starting_container(cgroup_id_of(deciding_cgroup(task)), task);
	if (!told.container_id)
		return 0;
	told.bytes = read_by(task);
	bpf_seq_write(ctx->meta->seq, &told, sizeof(told));
	return 0;
}
