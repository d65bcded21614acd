// SPDX-License-Identifier: Apache-2.0
/* Memory, disks and what processes wait for: lines of the kernel, garbage, and where a finding turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/health/health_pressure.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

static void psi_lines(void **state)
{
	struct health_psi psi;

	(void)state;
	assert_true(health_psi_parse("some avg10=12.34 avg60=5.00 avg300=1.00 total=1234\n"
				     "full avg10=1.50 avg60=0.25 avg300=0.00 total=12\n",
				     &psi));
	assert_true(psi.seen);
	assert_float_equal(psi.some10, 12.34, 0.001);
	assert_float_equal(psi.some60, 5, 0.001);
	assert_float_equal(psi.full60, 0.25, 0.001);
	/* the CPU's before Linux 5.13 */
	assert_true(health_psi_parse("some avg10=0.00 avg60=99.99 avg300=1.00 total=1\n", &psi));
	assert_float_equal(psi.some60, 99.99, 0.001);
	assert_float_equal(psi.full60, 0, 0.001);
}

static void psi_garbage(void **state)
{
	static const char *const texts[] = {
		"",
		"some",
		"some avg10=",
		"some avg10=1.0 avg60=x",
		"some avg10=nan avg60=nan",
		"some avg10=-1 avg60=2",
		"some avg10=1 avg60=1e9",
		"full avg10=1.0 avg60=2.0 avg300=0 total=0\n",
	};
	struct health_psi psi = {.some60 = 42};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(health_psi_parse(texts[i], &psi));
	assert_float_equal(psi.some60, 42, 0.001);
}

static void meminfo(void **state)
{
	static const char *const garbage[] = {
		"",
		"MemTotal: many kB\nMemAvailable: 1 kB\n",
		"MemTotal: 0 kB\nMemAvailable: 0 kB\n",
		"MemTotal: 10 kB\nMemAvailable: 20 kB\n",
		"MemTotal: 99999999999999999999 kB\nMemAvailable: 20 kB\n",
		"MemTotal: 1024 kB\n",
	};
	uint64_t total = 1, available = 2;

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		assert_false(health_meminfo_parse(garbage[i], &total, &available));
	assert_int_equal(total, 1);
	assert_int_equal(available, 2);
	assert_true(health_meminfo_parse("MemTotal:       16384 kB\nMemFree:  1 kB\n"
					 "MemAvailable:    4096 kB\n",
					 &total, &available));
	assert_int_equal(total, 16 * MIB);
	assert_int_equal(available, 4 * MIB);
}

/* One finding, of this grade; what is not ok comes with advice. */
static const struct health_finding *only(const struct health_report *report, enum grade grade)
{
	assert_int_equal(report->count, 1);
	assert_int_equal(report->findings[0].grade, grade);
	if (grade == GRADE_WARN || grade == GRADE_BAD)
		assert_true(*report->findings[0].todo);
	return &report->findings[0];
}

static void want_disk(const struct health_disk *disk, enum grade grade, const char *text)
{
	struct health_pressure pressure = {.disks = {*disk}, .disk_count = 1};
	struct health_report report = {0};

	health_judge_disks(&report, &pressure);
	assert_string_equal(only(&report, grade)->text, text);
}

static void disks(void **state)
{
	struct health_report report = {0};

	(void)state;
	want_disk(&(struct health_disk){"/", 100 * GIB, 60 * GIB, 1000, 900}, GRADE_OK,
		  "/ has 60GiB of 100GiB free (60 %)");
	want_disk(&(struct health_disk){"/", 100 * GIB, 15 * GIB, 1000, 900}, GRADE_OK,
		  "/ has 15GiB of 100GiB free (15 %)");
	want_disk(&(struct health_disk){"/", 100 * GIB, 14 * GIB, 1000, 900}, GRADE_WARN,
		  "/ has 14GiB of 100GiB free (14 %)");
	want_disk(&(struct health_disk){"/var/lib/containerd", 100 * GIB, 4 * GIB, 1000, 900},
		  GRADE_BAD, "/var/lib/containerd has 4GiB of 100GiB free (4 %)");
	want_disk(&(struct health_disk){"/", 100 * GIB, 0, 1000, 900}, GRADE_BAD,
		  "/ has 0B of 100GiB free (0 %)");
	want_disk(&(struct health_disk){"/", 100 * GIB, 60 * GIB, 1000, 70}, GRADE_WARN,
		  "/ has 60GiB of 100GiB free (60 %), 7 % of the inodes");
	want_disk(&(struct health_disk){"/", 100 * GIB, 60 * GIB, 1000, 2}, GRADE_BAD,
		  "/ has 60GiB of 100GiB free (60 %), 0 % of the inodes");
	/* btrfs counts no inodes */
	want_disk(&(struct health_disk){"/", 100 * GIB, 60 * GIB, 0, 0}, GRADE_OK,
		  "/ has 60GiB of 100GiB free (60 %)");
	health_judge_disks(&report, &(struct health_pressure){0});
	assert_false(only(&report, GRADE_UNKNOWN)->aside);
}

static void want_memory(uint64_t total, uint64_t available, double stall, enum grade grade)
{
	struct health_report report = {0};

	health_judge_memory(&report,
			    &(struct health_pressure){.memory_bytes = total,
						      .available_bytes = available,
						      .memory = {.seen = true, .full60 = stall}});
	only(&report, grade);
}

static void memory(void **state)
{
	struct health_report report = {0};

	(void)state;
	want_memory(16 * GIB, 8 * GIB, 0, GRADE_OK);
	want_memory(16 * GIB, 512 * MIB, 0, GRADE_WARN);
	want_memory(16 * GIB, 99 * MIB, 0, GRADE_BAD);
	want_memory(16 * GIB, 8 * GIB, 10.5, GRADE_WARN);
	want_memory(16 * GIB, 8 * GIB, 41, GRADE_BAD);
	/* a small board */
	want_memory(512 * MIB, 128 * MIB, 0, GRADE_OK);
	health_judge_memory(&report, &(struct health_pressure){0});
	only(&report, GRADE_UNKNOWN);
	report.count = 0;
	health_judge_memory(&report, &(struct health_pressure){.memory_bytes = 4 * GIB,
							       .available_bytes = GIB});
	assert_string_equal(only(&report, GRADE_OK)->text, "1GiB of 4GiB available (25 %)");
}

static void waiting(void **state)
{
	struct health_pressure pressure = {.cpu = {.seen = true, .some60 = 3.14},
					   .io = {.seen = true, .full60 = 1},
					   .load = 0.42,
					   .cores = 2};
	struct health_report report = {0};

	(void)state;
	health_judge_cpu(&report, &pressure);
	assert_string_equal(only(&report, GRADE_OK)->text,
			    "load 0.42 on 2 cores; some tasks waited for CPU 3.1 % of the last "
			    "minute");
	pressure.cpu.some60 = 80;
	report.count = 0;
	health_judge_cpu(&report, &pressure);
	only(&report, GRADE_WARN);
	report.count = 0;
	health_judge_io(&report, &pressure);
	only(&report, GRADE_OK);
	pressure.io.full60 = 60;
	report.count = 0;
	health_judge_io(&report, &pressure);
	only(&report, GRADE_WARN);
}

/* A kernel without PSI hinders no judgement. */
static void no_psi(void **state)
{
	struct health_pressure pressure = {0};
	struct health_report report = {0};

	(void)state;
	health_judge_cpu(&report, &pressure);
	health_judge_io(&report, &pressure);
	assert_int_equal(report.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(report.findings[i].grade, GRADE_UNKNOWN);
		assert_non_null(strstr(report.findings[i].text, "psi=1"));
	}
	assert_int_equal(health_conclude(&report), HEALTH_WELL);
}

static void this_machine(void **state)
{
	struct health_pressure pressure;

	(void)state;
	health_pressure_read(&pressure, "");
	assert_true(pressure.memory_bytes > 0 && pressure.available_bytes <= pressure.memory_bytes);
	assert_true(pressure.cores > 0);
	assert_true(pressure.disk_count > 0 && strcmp(pressure.disks[0].path, "/") == 0);
	/* nothing is there */
	health_pressure_read(&pressure, "/proc/self/none");
	assert_int_equal(pressure.memory_bytes, 0);
	assert_int_equal(pressure.disk_count, 0);
	assert_false(pressure.cpu.seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(psi_lines), cmocka_unit_test(psi_garbage),
		cmocka_unit_test(meminfo),   cmocka_unit_test(disks),
		cmocka_unit_test(memory),    cmocka_unit_test(waiting),
		cmocka_unit_test(no_psi),    cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
