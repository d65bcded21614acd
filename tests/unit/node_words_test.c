// SPDX-License-Identifier: Apache-2.0
/* Deaths in the few words of an annotation: why, as far as its room reaches. */
#include "sink/node/node_words.h"

#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "unit/death_scene.h"

static void expect(const struct record *record, const char *expected)
{
	char words[NODE_WORDS_SIZE];

	if (record->type == RECORD_OOM)
		node_words_oom(record, words);
	else
		node_words_death(record, words);
	assert_string_equal(words, expected);
}

static void ends(void **state)
{
	struct record record = make_crash("a", "app", 1);

	(void)state;
	expect(&record, "shop/a SIGSEGV (null pointer)");
	record.exit.signal = record.exit.sender_signal = SIGBUS;
	record.exit.fault_code = BUS_ADRALN;
	expect(&record, "shop/a SIGBUS (not aligned)");
	record = make_exit("b", "app", 1);
	expect(&record, "shop/b exit 3");
	record.exit.verdict = EXIT_START_FAILED;
	expect(&record, "shop/b never started");
	record.exit.failed = (struct failed_start){FAILURE_NOT_FOUND, "/srv/app", ""};
	expect(&record, "shop/b never started (no such program: /srv/app)");
	record = make_exit("c", "app", 1);
	record.exit.verdict = EXIT_KILLED;
	record.exit.signal = SIGKILL;
	record.exit.sender_pid = 9;
	TEXT_COPY(record.exit.sender_comm, "kill\033[2J");
	expect(&record, "shop/c SIGKILL (from outside by kill\\x1b[2J)");
	record.exit.verdict = EXIT_SELF_KILLED;
	record.exit.sender_inside = true;
	TEXT_COPY(record.exit.sender_comm, "sh");
	expect(&record, "shop/c SIGKILL (from inside by sh)");
	/* it is cut, never longer */
	memset(record.subject.pod, 'p', 200);
	memset(record.exit.sender_comm, '\033', COMM_SIZE - 1);
	char words[NODE_WORDS_SIZE];

	node_words_death(&record, words);
	assert_true(strlen(words) < NODE_WORDS_SIZE);
}

static void kills(void **state)
{
	struct record record = make_leak("d", "app", 1000);

	(void)state;
	expect(&record,
	       "shop/d python3 (worker 3 of 4, container survived), container limit 512Mi, "
	       "a leak");
	record = make_oom("e", "app", 1);
	expect(&record, "shop/e python3 (child, container survived), container limit 512Mi");
	record.oom.scope = SCOPE_NONE;
	TEXT_COPY(record.oom.killer, "earlyoom");
	expect(&record, "shop/e python3 (child, container survived), by earlyoom");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
		cmocka_unit_test(kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
