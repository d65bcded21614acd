// SPDX-License-Identifier: Apache-2.0
/* The kernel's log, record by record and line by line; and who wrote it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/kernel_log.h"

static struct kernel_line line;

static bool record(const char *text)
{
	return kernel_log_parse_record(text, strlen(text), &line);
}

static bool of_syslog(const char *text)
{
	return kernel_log_parse_line(text, strlen(text), &line);
}

static void is(bool parsed, bool from_kernel, uint64_t us, const char *text)
{
	assert_true(parsed);
	assert_int_equal(line.from_kernel, from_kernel);
	assert_int_equal(line.log_us, us);
	assert_int_equal(line.length, strlen(text));
	assert_memory_equal(line.text, text, line.length);
}

static void records_of_kmsg(void **state)
{
	(void)state;
	is(record("2,339,5140900,-;EXT4-fs (sda1): x; y\n SUBSYSTEM=block\n DEVICE=b8:1\n"), true,
	   5140900, "EXT4-fs (sda1): x; y");
	is(record("6,7,8,-,caller=T123;text"), true, 8, "text");
	/* user space: syslog's facilities begin at 1 */
	is(record("12,340,5140901,-;EXT4-fs (sda1): Remounting filesystem read-only\n"), false,
	   5140901, "EXT4-fs (sda1): Remounting filesystem read-only");
	is(record("30,340,1,-;systemd[1]: hello\n"), false, 1, "systemd[1]: hello");
	assert_false(record(""));
	assert_false(record("6,7;text"));
	assert_false(record(" SUBSYSTEM=block"));
	assert_false(record("6,7,8,-"));
	assert_false(record("99999999999999999999,7,8,-;x"));
}

static void lines_of_syslog(void **state)
{
	(void)state;
	is(of_syslog("<2>[ 1180.676589] EXT4-fs (sda1): x"), true, 1180676589, "EXT4-fs (sda1): x");
	is(of_syslog("<6>[    0.000000] Linux"), true, 0, "Linux");
	is(of_syslog("<6>[   12.000001][   T12] text"), true, 12000001, "text");
	is(of_syslog("<12>[ 1286.847751] EXT4-fs (sda1): x"), false, 1286847751,
	   "EXT4-fs (sda1): x");
	assert_false(of_syslog("")); /* the first may be cut */
	assert_false(of_syslog("6>[ 1.0] x"));
	assert_false(of_syslog("<6>no time"));
	assert_false(of_syslog("<6>[ 1.000000]"));
	assert_false(of_syslog("<6>[ 1.000000][ T1"));
}

struct told {
	uint32_t lines, kernel;
};

static void on_line(void *context, const struct kernel_line *told_line)
{
	struct told *told = context;

	told->lines++;
	told->kernel += told_line->from_kernel;
}

/* Each read gives one record, as the device does. */
static void read_in_turns(void **state)
{
	static const char kernel[] = "2,1,1,-;EXT4-fs (sda1): Remounting filesystem read-only\n";
	static const char other[] = "12,2,2,-;EXT4-fs (sda1): Remounting filesystem read-only\n";
	struct kernel_log *log;
	struct told told = {0};
	int ends[2], room = 1 << 20;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	assert_int_equal(kernel_log_open_fd(&log, ends[1]), 0);
	assert_int_equal(kernel_log_read(log, on_line, &told), 0);
	assert_int_equal(told.lines, 0);
	for (int i = 0; i < 5; i++)
		assert_true(send(ends[0], i % 2 ? other : kernel, strlen(i % 2 ? other : kernel),
				 0) > 0);
	assert_int_equal(kernel_log_read(log, on_line, &told), 0);
	assert_int_equal(told.lines, 5);
	assert_int_equal(told.kernel, 3);
	close(ends[0]);
	assert_int_equal(kernel_log_read(log, on_line, &told), -EPIPE);
	kernel_log_close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_kmsg),
		cmocka_unit_test(lines_of_syslog),
		cmocka_unit_test(read_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
