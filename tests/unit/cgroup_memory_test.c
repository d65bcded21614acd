// SPDX-License-Identifier: Apache-2.0
/* A cgroup's memory from files as kernels wrote them, its processes, and what the OOM killer weighs them by. */
#include "client/cgroup_memory.h"

#include <errno.h>

#include "client/process_badness.h"
#include "unit/file_tree.h"

/* Linux 6.18, v1, CRI's limit of 24 MiB for memory and swap, right after a kill; the lines that are read, and others */
static const struct tree_file v1[] = {
	{"memory.usage_in_bytes", "12894208\n"},
	{"memory.max_usage_in_bytes", "25165824\n"},
	{"memory.limit_in_bytes", "25165824\n"},
	{"memory.memsw.limit_in_bytes", "25165824\n"},
	{"memory.memsw.failcnt", "7\n"},
	{"memory.failcnt", "0\n"},
	{"memory.kmem.usage_in_bytes", "393216\n"},
	{"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"},
	{"memory.stat", "cache 4096\nrss 8192\nshmem 0\nmapped_file 0\ninactive_file 4096\n"
			"hierarchical_memory_limit 25165824\nhierarchical_memsw_limit 25165824\n"
			"total_cache 1056768\ntotal_rss 10104832\ntotal_rss_huge 0\n"
			"total_shmem 1048576\ntotal_swap 16384\ntotal_swapcached 0\n"
			"total_inactive_anon 0\ntotal_inactive_file 8192\n"},
	{NULL, NULL},
};

/* Linux 6.1, v2 */
static const struct tree_file v2[] = {
	{"memory.current", "6656000\n"},
	{"memory.peak", "25165824\n"},
	{"memory.max", "25165824\n"},
	{"memory.events", "low 0\nhigh 0\nmax 36\noom 1\noom_kill 1\noom_group_kill 0\n"},
	{"memory.swap.current", "0\n"},
	{"memory.swap.max", "max\n"},
	{"memory.pressure", "some avg10=0.18 avg60=0.03 avg300=0.00 total=35153\n"
			    "full avg10=0.18 avg60=0.03 avg300=0.00 total=35153\n"},
	{"memory.stat",
	 "anon 6373376\nfile 0\nkernel 237568\nkernel_stack 32768\npagetables 94208\n"
	 "percpu 0\nsock 0\nshmem 0\nfile_mapped 0\ninactive_anon 6369280\n"
	 "inactive_file 0\nslab_unreclaimable 43848\nslab 43848\n"},
	{NULL, NULL},
};

/* Linux 5.10, v2: no memory.peak, no sum of what the kernel has */
static const struct tree_file v2_old[] = {
	{"memory.current", "6619136\n"},
	{"memory.max", "max\n"},
	{"memory.events", "low 0\nhigh 0\nmax 36\noom 1\noom_kill 1\n"},
	{"memory.swap.current", "8192\n"},
	{"memory.swap.max", "0\n"},
	{"memory.pressure", "some avg10=12.36 avg60=0.06 avg300=0.01 total=42115\n"
			    "full avg10=0.00 avg60=0.00 avg300=0.00 total=5092\n"},
	{"memory.stat", "anon 6352896\nfile 20480\nkernel_stack 49152\npercpu 16\nsock 0\n"
			"shmem 4096\ninactive_file 4096\nslab 64\n"},
	{NULL, NULL},
};

static void files_of_v1(void **state)
{
	char *dir = tree_make(v1);
	struct cgroup_memory memory;
	uint64_t limit = 0;

	(void)state;
	assert_int_equal(cgroup_memory_read(dir, NULL, true, &memory), 0);
	assert_int_equal(memory.usage_bytes, 12894208);
	assert_int_equal(memory.limit_bytes, 25165824);
	assert_int_equal(memory.peak_bytes, 25165824);
	assert_int_equal(memory.anon_bytes, 10104832); /* with those below it */
	assert_int_equal(memory.file_bytes, 1056768);
	assert_int_equal(memory.shmem_bytes, 1048576);
	assert_int_equal(memory.kernel_bytes, 393216);
	assert_int_equal(memory.swap_bytes, 16384);
	assert_true(memory.swap_forbidden);
	assert_int_equal(memory.limit_hits, 7);
	assert_int_equal(memory.kills, 1);
	assert_int_equal(cgroup_memory_working_set(&memory), 12894208 - 8192);
	assert_int_equal(cgroup_memory_limit(dir, true, &limit), 0);
	assert_int_equal(limit, 25165824);
	tree_write(dir, "memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(cgroup_memory_limit(dir, true, &limit), 0);
	assert_int_equal(limit, 0);
	tree_remove(dir);
}

static void files_of_v2(void **state)
{
	char *dir = tree_make(v2);
	struct cgroup_memory memory;

	(void)state;
	assert_int_equal(cgroup_memory_read(dir, NULL, false, &memory), 0);
	assert_int_equal(memory.usage_bytes, 6656000);
	assert_int_equal(memory.limit_bytes, 25165824);
	assert_int_equal(memory.peak_bytes, 25165824);
	assert_int_equal(memory.anon_bytes, 6373376);
	assert_int_equal(memory.kernel_bytes, 237568);
	assert_int_equal(memory.swap_limit_bytes, 0);
	assert_false(memory.swap_forbidden);
	assert_int_equal(memory.limit_hits, 36);
	assert_int_equal(memory.kills, 1);
	assert_int_equal(memory.stalled10, 2);
	assert_int_equal(memory.stalled60, 0);
	tree_remove(dir);
}

static void files_of_an_old_v2(void **state)
{
	char *dir = tree_make(v2_old);
	struct cgroup_memory memory;

	(void)state;
	assert_int_equal(cgroup_memory_read(dir, NULL, false, &memory), 0);
	assert_int_equal(memory.limit_bytes, 0);
	assert_int_equal(memory.peak_bytes, 0);
	assert_int_equal(memory.kernel_bytes, 49152 + 16 + 64);
	assert_int_equal(memory.swap_bytes, 8192);
	assert_true(memory.swap_forbidden);
	assert_int_equal(memory.stalled10, 124);
	assert_int_equal(memory.stalled60, 1);
	tree_remove(dir);
}

static void gone_or_rubbish(void **state)
{
	char *dir = tree_make(v2);
	struct cgroup_memory memory = {.anon_bytes = 5};
	uint64_t value = 3;

	(void)state;
	assert_int_equal(cgroup_memory_usage("/nowhere", false, &value), -ENOENT);
	assert_int_equal(cgroup_memory_read("/nowhere", NULL, true, &memory), -ENOENT);
	tree_write(dir, "memory.current", "many\n");
	assert_int_equal(cgroup_memory_usage(dir, false, &value), -EBADMSG);
	assert_int_equal(value, 3);
	assert_int_equal(memory.anon_bytes, 5);
	cgroup_memory_parse_stat("anonymous 7\nanon\nanon x\n", false, &memory);
	assert_int_equal(memory.anon_bytes, 5);
	assert_false(cgroup_memory_parse_pressure("full avg10=1.00\n", &memory));
	memory = (struct cgroup_memory){.usage_bytes = 1, .inactive_file_bytes = 2};
	assert_int_equal(cgroup_memory_working_set(&memory), 0);
	tree_remove(dir);
}

static void processes(void **state)
{
	static const struct tree_file files[] = {
		{"cgroup.procs", "1\n2\n"},
		{"inner/cgroup.procs", "3\n"},
		{"inner/deeper/cgroup.procs", "4\n5\n"},
		{NULL, NULL},
	};
	char *dir = tree_make(files);
	uint32_t pids[4] = {0}, sum = 0;

	(void)state;
	assert_int_equal(cgroup_processes(dir, pids, 3), 5);
	assert_int_equal(pids[3], 0);
	assert_int_equal(cgroup_processes(dir, pids, 0), 5);
	assert_int_equal(cgroup_processes(dir, pids, 4), 5);
	for (int i = 0; i < 4; i++)
		sum += pids[i];
	assert_true(sum >= 10);
	tree_remove(dir);
}

#define STAT(pid, comm) \
#pid " (" comm  \
	     ") S 40 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 500 1 1 18446744073709551615"

static void badness(void **state)
{
	static const struct tree_file files[] = {
		{"41/stat", STAT(41, "a) R (b")},
		{"41/status", "Name:\ta\nVmPeak:\t9000 kB\nVmRSS:\t    4416 kB\nRssAnon:\t4096 kB\n"
			      "VmPTE:\t      44 kB\nVmSwap:\t     100 kB\nThreads:\t1\n"},
		{"41/oom_score_adj", "-3\n"},
		{"41/oom_score", "667\n"},
		{"41/cgroup", "9:name=systemd:/x\n4:memory:/pod/c:1\n0::/y\n"},
		{"42/stat", STAT(42, "zombie")},
		{"42/status", "Name:\tzombie\nState:\tZ (zombie)\nThreads:\t1\n"},
		{"42/oom_score_adj", "0\n"},
		{NULL, NULL},
	};
	char *dir = tree_make(files);
	struct process_badness process;
	char path[64];
	int32_t score;

	(void)state;
	assert_int_equal(process_badness_read(dir, 41, &process), 0);
	assert_string_equal(process.comm, "a) R (b");
	assert_int_equal(process.parent_pid, 40);
	assert_int_equal(process.start_ns, 5000000000);
	assert_int_equal(process.rss_kb, 4416);
	/* 24 MiB are 24576 kB: 24 for each point */
	assert_int_equal(process_badness_kb(&process, 24576), 4416 + 44 + 100 - 3 * 24);
	assert_int_equal(process_oom_score(dir, 41, &score), 0);
	assert_int_equal(score, 667);
	assert_int_equal(process_cgroup(dir, 41, true, path, sizeof(path)), 0);
	assert_string_equal(path, "/pod/c:1");
	assert_int_equal(process_cgroup(dir, 41, false, path, sizeof(path)), 0);
	assert_string_equal(path, "/y");
	assert_int_equal(process_badness_read(dir, 42, &process), -ESRCH);
	assert_int_equal(process_badness_read(dir, 43, &process), -ESRCH);
	tree_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_v1),	      cmocka_unit_test(files_of_v2),
		cmocka_unit_test(files_of_an_old_v2), cmocka_unit_test(gone_or_rubbish),
		cmocka_unit_test(processes),	      cmocka_unit_test(badness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
