// SPDX-License-Identifier: Apache-2.0
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

#include "client/process_peer.h"

#define HEAD                                                                                  \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  " \
	"timeout inode\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 "

/* A proc with one process, 7, that has the sockets 101, 102 and 103. */
struct machine {
	char proc[64];
};

static void write_file(const struct machine *machine, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/7/net/%s", machine->proc, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void open_machine(struct machine *machine)
{
	static const char *const links[] = {"socket:[101]", "socket:[102]", "socket:[103]",
					    "/dev/null", "pipe:[104]"};
	char path[128];

	strcpy(machine->proc, "/tmp/nodewake-proc-XXXXXX");
	assert_non_null(mkdtemp(machine->proc));
	for (size_t i = 0; i < 3; i++) {
		static const char *const folders[] = {"7", "7/fd", "7/net"};

		snprintf(path, sizeof(path), "%s/%s", machine->proc, folders[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		snprintf(path, sizeof(path), "%s/7/fd/%zu", machine->proc, i);
		assert_int_equal(symlink(links[i], path), 0);
	}
}

static void close_machine(const struct machine *machine)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", machine->proc);
	assert_int_equal(system(command), 0);
}

static void peers(void **state)
{
	static const struct {
		const char *tcp, *tcp6;
		int result;
		const char *address;
		uint16_t port;
	} cases[] = {
		{HEAD, HEAD, -ENOENT, NULL, 0},
		{HEAD "   0: 0100007F:9D95 0100007F:1388 01" REST "101 2 0 20 4 30 11 -1\n", HEAD,
		 0, "127.0.0.1", 5000},
		/* two connections to one peer; another process's; one that is over */
		{HEAD "   0: 0100007F:9D95 0100000A:01BB 01" REST "101 2 0 20 4 30 11 -1\n"
		      "   1: 0100007F:9D96 0100000A:01BB 01" REST "102 2 0 20 4 30 11 -1\n"
		      "   2: 0100007F:9D97 0200000A:01BB 01" REST "999 2 0 20 4 30 11 -1\n"
		      "   3: 0100007F:9D98 0300000A:01BB 06" REST "103 2 0 20 4 30 11 -1\n",
		 HEAD, 0, "10.0.0.1", 443},
		{HEAD "   0: 0100007F:9D95 0100000A:01BB 01" REST "101 2 0 20 4 30 11 -1\n"
		      "   1: 0100007F:9D96 0200000A:01BB 01" REST "102 2 0 20 4 30 11 -1\n",
		 HEAD, -E2BIG, NULL, 0},
		{HEAD "   0: 0100007F:9D95 0100000A:01BB 01" REST "101 2 0 20 4 30 11 -1\n"
		      "   1: 0100007F:9D96 0100000A:01BC 01" REST "102 2 0 20 4 30 11 -1\n",
		 HEAD, -E2BIG, NULL, 0},
		/* what connected to it */
		{HEAD "   0: 0100007F:9D95 00000000:0000 0A" REST "101 1 0 100 0 0 10 0\n"
		      "   1: 0100007F:9D95 0900000A:1234 01" REST "102 2 0 20 4 30 11 -1\n"
		      "   2: 0100007F:9D96 0100000A:01BB 01" REST "103 2 0 20 4 30 11 -1\n",
		 HEAD, 0, "10.0.0.1", 443},
		{HEAD,
		 HEAD "   0: 00000000000000000000000001000000:9D95 "
		      "B80D0120000000000000000001000000:01BB 01" REST "101 2 0 20 4 30 11 -1\n",
		 0, "2001:db8::1", 443},
		{HEAD,
		 HEAD "   0: 0000000000000000FFFF00000100007F:9D95 "
		      "0000000000000000FFFF00000100000A:1388 01" REST "101 2 0 20 4 30 11 -1\n",
		 0, "10.0.0.1", 5000},
		{"nonsense\n\n:::\n   0: 0100007F:9D95 XX:1388 01\n", "", -ENOENT, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct process_peer peer = {0};
		struct machine machine;

		open_machine(&machine);
		write_file(&machine, "tcp", cases[i].tcp);
		write_file(&machine, "tcp6", cases[i].tcp6);
		if (process_peer_read(machine.proc, 7, &peer) != cases[i].result)
			fail_msg("case %zu", i);
		assert_string_equal(peer.address, cases[i].address ?: "");
		assert_int_equal(peer.port, cases[i].port);
		close_machine(&machine);
	}
}

static void no_process(void **state)
{
	struct process_peer peer;

	(void)state;
	assert_int_equal(process_peer_read("/proc", 0, &peer), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers),
		cmocka_unit_test(no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
