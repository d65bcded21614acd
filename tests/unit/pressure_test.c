// SPDX-License-Identifier: Apache-2.0
/* PSI, disks and memory, as kernels write them. */
#include "client/pressure.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void psi_lines(void **state)
{
	uint64_t some = 1, full = 2;

	(void)state;
	assert_true(pressure_parse("some avg10=8.21 avg60=3.96 avg300=8.68 total=169687924\n"
				   "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
				   &some, &full));
	assert_int_equal(some, 169687924000);
	assert_int_equal(full, 7000);
	/* before 5.13 the CPU has no full line */
	assert_true(
		pressure_parse("some avg10=0.00 avg60=0.00 avg300=0.00 total=3\n", &some, &full));
	assert_int_equal(some, 3000);
	assert_int_equal(full, 7000);
	assert_false(pressure_parse("", &some, &full));
	assert_false(pressure_parse("some avg10=0.00\nfull total=9\n", &some, &full));
	assert_false(pressure_parse("some total=x\n", &some, &full));
	assert_int_equal(some, 3000);
}

static void disk_lines(void **state)
{
	struct pressure_disk disk = {.name = "old"};

	(void)state;
	/* 5.5 and newer, 4.18, and older */
	assert_true(pressure_disk_parse(" 254       0 vda 264970 31629 13161138 73173 113412 91389 "
					"22782424 70745 0 31300 150297 65328 27 11886056 5800 "
					"16920 577\n",
					&disk));
	assert_string_equal(disk.name, "vda");
	assert_int_equal(disk.requests, 264970 + 113412 + 65328 + 16920);
	assert_int_equal(disk.busy_ns, 31300000000);
	assert_int_equal(disk.queue_ns, 150297000000);
	assert_true(pressure_disk_parse("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", &disk));
	assert_int_equal(disk.requests, 1 + 5 + 12);
	assert_true(pressure_disk_parse("8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n", &disk));
	assert_int_equal(disk.requests, 6);
	assert_int_equal(disk.busy_ns, 10000000);
	assert_false(pressure_disk_parse("8 0 sda 1 2 3\n", &disk));
	assert_false(pressure_disk_parse("\n", &disk));
	assert_string_equal(disk.name, "sda");
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_dir(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void whole_disks_busiest_first(void **state)
{
	char dir[] = "/tmp/pressure-test-XXXXXX", command[64];
	struct pressure_disk disks[3];
	uint64_t total = 0, available = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_dir(dir, "class");
	make_dir(dir, "class/block");
	make_dir(dir, "class/block/sda1");
	put(dir, "class/block/sda1/partition", "1\n");
	put(dir, "diskstats",
	    "7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n"
	    "8 0 sda 1 0 0 0 0 0 0 0 0 50 9\n"
	    "8 1 sda1 1 0 0 0 0 0 0 0 0 50 9\n"
	    "8 16 sdb 1 0 0 0 0 0 0 0 0 70 9\n"
	    "253 0 dm-0 1 0 0 0 0 0 0 0 0 50 9\n"
	    "8 32 sdc 1 0 0 0 0 0 0 0 0 90 9\n");
	assert_int_equal(pressure_disks(dir, dir, disks, 3), 3);
	assert_string_equal(disks[0].name, "sdc");
	assert_string_equal(disks[1].name, "sdb");
	assert_string_equal(disks[2].name, "sda");
	put(dir, "meminfo", "MemTotal:       16000 kB\nMemFree: 1 kB\nMemAvailable:    4000 kB\n");
	assert_int_equal(pressure_memory(dir, &total, &available), 0);
	assert_int_equal(total, 16000 * 1024);
	assert_int_equal(available, 4000 * 1024);
	put(dir, "meminfo", "MemTotal:       16000 kB\n"); /* before 3.14 */
	assert_int_equal(pressure_memory(dir, &total, &available), -EBADMSG);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(pressure_disks(dir, dir, disks, 3), 0);
}

static void both_names_of_the_files(void **state)
{
	char dir[] = "/tmp/pressure-test-XXXXXX", command[64];
	struct pressure_psi psi = {.io_full_ns = 5};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(pressure_read(dir, true, &psi), -ENOENT);
	put(dir, "cpu.pressure", "some total=1\nfull total=2\n");
	put(dir, "io.pressure", "some total=3\nfull total=4\n");
	assert_int_equal(pressure_read(dir, true, &psi), -ENOENT);
	assert_int_equal(psi.io_full_ns, 5);
	put(dir, "memory.pressure", "some total=5\nfull total=6\n");
	assert_int_equal(pressure_read(dir, true, &psi), 0);
	assert_int_equal(psi.cpu_some_ns, 1000);
	assert_int_equal(psi.io_some_ns, 3000);
	assert_int_equal(psi.io_full_ns, 4000);
	assert_int_equal(psi.memory_some_ns, 5000);
	assert_int_equal(psi.memory_full_ns, 6000);
	assert_int_equal(pressure_read(dir, false, &psi), -ENOENT);
	put(dir, "cpu.pressure", "");
	assert_int_equal(pressure_read(dir, true, &psi), -EBADMSG);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(psi_lines),
		cmocka_unit_test(disk_lines),
		cmocka_unit_test(whole_disks_busiest_first),
		cmocka_unit_test(both_names_of_the_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
