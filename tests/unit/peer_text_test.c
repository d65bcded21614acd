// SPDX-License-Identifier: Apache-2.0
/* The words for whom a start waited for. */
#include "model/peer_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

#define S NS_PER_SECOND

static void texts(void **state)
{
	static const struct {
		struct peer_wait wait;
		const char *text;
	} rows[] = {
		{{.kind = PEER_WAIT_FAILED,
		  .address = "10.43.0.12",
		  .port = 5432,
		  .error = ECONNREFUSED,
		  .count = 14,
		  .failed = 14,
		  .wait_ns = 9600 * NS_PER_MS,
		  .name = "ai/postgres"},
		 "14 refused connections to ai/postgres 10.43.0.12:5432 in 9.60s"},
		{{.kind = PEER_WAIT_FAILED,
		  .address = "fd00::12",
		  .port = 80,
		  .error = ETIMEDOUT,
		  .count = 1,
		  .failed = 1,
		  .wait_ns = 2 * S},
		 "1 timed out connection to [fd00::12]:80 in 2.00s"},
		{{.kind = PEER_WAIT_FAILED,
		  .address = "10.0.0.1",
		  .port = 80,
		  .error = EHOSTUNREACH,
		  .count = 2,
		  .wait_ns = S},
		 "2 unreachable connections to 10.0.0.1:80 in 1.00s"},
		{{.kind = PEER_WAIT_SLOW,
		  .address = "10.0.0.1",
		  .port = 80,
		  .count = 1,
		  .wait_ns = S},
		 "1 slow connection to 10.0.0.1:80 took 1.00s"},
		{{.kind = PEER_WAIT_SLOW,
		  .address = "10.0.0.1",
		  .port = 80,
		  .count = 3,
		  .wait_ns = 4 * S,
		  .longest_ns = 3 * S},
		 "3 slow connections to 10.0.0.1:80 took 4.00s, the slowest 3.00s"},
		{{.kind = PEER_WAIT_DNS,
		  .address = "10.43.0.10",
		  .port = 53,
		  .count = 3,
		  .wait_ns = 12100 * NS_PER_MS,
		  .longest_ns = 5 * S},
		 "3 dns questions to 10.43.0.10 took 12.1s, the longest 5.00s"},
		{{.kind = PEER_WAIT_DNS,
		  .address = "10.43.0.10",
		  .port = 53,
		  .count = 3,
		  .failed = 1,
		  .error = -1,
		  .wait_ns = 12 * S,
		  .longest_ns = 5 * S,
		  .query = "db.ai.svc"},
		 "3 dns questions to 10.43.0.10 took 12.0s, 1 unanswered, the longest 5.00s, for "
		 "db.ai.svc"},
		{{.kind = PEER_WAIT_DNS,
		  .address = "10.43.0.10",
		  .port = 53,
		  .count = 1,
		  .failed = 1,
		  .error = 2,
		  .wait_ns = S,
		  .longest_ns = S},
		 "1 dns question to 10.43.0.10 took 1.00s, failed (SERVFAIL)"},
		{{.kind = PEER_WAIT_DNS,
		  .address = "::1",
		  .port = 53,
		  .count = 1,
		  .failed = 1,
		  .error = 9,
		  .wait_ns = S,
		  .longest_ns = S},
		 "1 dns question to ::1 took 1.00s, failed (9)"},
	};
	char text[PEER_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		peer_text(&rows[i].wait, text);
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(texts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
