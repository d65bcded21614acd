// SPDX-License-Identifier: Apache-2.0
/* What is told of the CRI calls that stand in real journal files and in K3s's containerd.log. */
#include "base/clock.h"
#include "base/text.h"
#include "unit/journal_fixture.h"

#define WALL	(INT64_C(1790000000) * (int64_t)S)
#define SANDBOX "2ece2baf9d709ada93fc99f01bd4ca0ccd9efb738697fbd4c70ba642f0b57ad1"
#define MAIN	"baf8b770d94b3bf0fa5a9a889f3b431cf69e9708a676b9d94c89244a72fac1c6"
#define POD	"&PodSandboxMetadata{Name:web-0,Uid:ae49,Namespace:shop,Attempt:0,}"

#define RUN	"msg=\"RunPodSandbox for " POD "\""
#define RUN_END "msg=\"RunPodSandbox for " POD " returns sandbox id \\\"" SANDBOX "\\\"\""
#define CREATE                                                                    \
	"msg=\"CreateContainer within sandbox \\\"" SANDBOX "\\\" for container " \
	"&ContainerMetadata{Name:main,Attempt:0,}\""
#define CREATE_END                                                      \
	"msg=\"CreateContainer within sandbox \\\"" SANDBOX "\\\" for " \
	"&ContainerMetadata{Name:main,Attempt:0,} returns container id \\\"" MAIN "\\\"\""
#define START	  "msg=\"StartContainer for \\\"" MAIN "\\\"\""
#define START_END "msg=\"StartContainer for \\\"" MAIN "\\\" returns successfully\""

#define IMAGE	  "127.0.0.1:5000/big:1"
#define IMAGE_ID  "sha256:91a683f8a335695aefee36bd8dd4cc0dc322bf7d799a70a08171c5597fdf6876"
#define PULL	  "msg=\"PullImage \\\"" IMAGE "\\\"\""
#define PULL_END  "msg=\"PullImage \\\"" IMAGE "\\\" returns image reference \\\"" IMAGE_ID "\\\"\""

/* Of an agent that began at 100 s. */
static const struct journal_source_options late = {.since_ns = 100 * S};

static size_t calls_of(const struct machine *machine, const struct event *ret[static 8])
{
	size_t count = 0;

	for (size_t i = 0; i < machine->count && count < 8; i++)
		if (machine->events[i].type == EVENT_CRI_CALL)
			ret[count++] = &machine->events[i];
	return count;
}

static void assert_call(const struct event *event, enum cri_method method, const char *id,
			uint64_t began_ns, uint64_t boot_ns)
{
	assert_int_equal(event->flags, EVENT_RECONSTRUCTED);
	assert_int_equal(event->cri_call.method, method);
	assert_string_equal(event->cri_call.container_id, id);
	assert_int_equal(event->cri_call.began_ns, began_ns);
	assert_int_equal(event->boot_ns, boot_ns);
}

static void a_pod(void **state)
{
	const struct event *calls[8];
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, LAST_BOOT, WALL - 1000 * (int64_t)S);
	machine_containerd(&machine, "containerd", 10 * S, 0, RUN);
	machine_containerd(&machine, "containerd", 11 * S, 0, RUN_END);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 20 * S, 40 * MS, RUN);
	machine_containerd(&machine, "app", 21 * S, 0, START);
	machine_containerd(&machine, "containerd", 22 * S, 250 * MS, RUN_END);
	machine_containerd(&machine, "containerd", 23 * S, 0, CREATE);
	machine_containerd(&machine, "containerd", 24 * S, 0, CREATE_END);
	machine_containerd(&machine, "containerd", 25 * S, 0, START);
	machine_containerd(&machine, "containerd", 26 * S, 0, START_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, late, 1, NULL);
	assert_int_equal(calls_of(&machine, calls), 3);
	assert_call(calls[0], CRI_RUN_POD_SANDBOX, SANDBOX, 19960 * MS, 21750 * MS);
	assert_call(calls[1], CRI_CREATE_CONTAINER, MAIN, 23 * S, 24 * S);
	assert_call(calls[2], CRI_START_CONTAINER, MAIN, 25 * S, 26 * S);
	/* later looks find nothing new */
	machine.count = 0;
	struct journal_source_options often = late;

	often.look_ns = 20 * MS;
	often.horizon_ns = INT64_MAX / 2;
	machine_look(&machine, often, 3, NULL);
	assert_int_equal(calls_of(&machine, calls), 3);
	machine_remove(&machine);
}

/* An image's pull: one of the boot before, one that the agent saw, one that it did not, and one that failed. */
static void a_pull(void **state)
{
	const struct event *calls[8];
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, LAST_BOOT, WALL - 1000 * (int64_t)S);
	machine_containerd(&machine, "containerd", 10 * S, 0, PULL);
	machine_containerd(&machine, "containerd", 19 * S, 0, PULL_END);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 20 * S, 40 * MS, PULL);
	machine_containerd(&machine, "containerd", 21 * S, 0, "msg=\"PullImage \\\"none:1\\\"\"");
	machine_containerd(&machine, "containerd", 22 * S, 0,
			   "msg=\"PullImage \\\"none:1\\\" failed\" error=\"no\"");
	machine_containerd(&machine, "containerd", 81 * S, 250 * MS, PULL_END);
	machine_containerd(&machine, "containerd", 101 * S, 0, PULL);
	machine_containerd(&machine, "containerd", 102 * S, 0, PULL_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, late, 1, NULL);
	assert_int_equal(calls_of(&machine, calls), 1);
	assert_call(calls[0], CRI_PULL_IMAGE, "", 19960 * MS, 80750 * MS);
	assert_string_equal(calls[0]->cri_call.image, IMAGE);
	assert_string_equal(calls[0]->cri_call.image_id, IMAGE_ID);
	machine_remove(&machine);
}

/* An agent that was there before the pod has seen it: of no use. */
static void an_agent_that_was_there(void **state)
{
	static const struct journal_source_options early = {.since_ns = 15 * S};
	const struct event *calls[8];
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 14 * S, 0, RUN);
	machine_containerd(&machine, "containerd", 20 * S, 0, CREATE);
	machine_containerd(&machine, "containerd", 22 * S, 0, RUN_END);
	machine_containerd(&machine, "containerd", 24 * S, 0, CREATE_END);
	machine_containerd(&machine, "containerd", 25 * S, 0, START);
	machine_containerd(&machine, "containerd", 26 * S, 0, START_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, early, 1, NULL);
	/* but for what had begun */
	assert_int_equal(calls_of(&machine, calls), 1);
	assert_call(calls[0], CRI_RUN_POD_SANDBOX, SANDBOX, 14 * S, 22 * S);
	machine_remove(&machine);
}

static void beyond_the_horizon(void **state)
{
	const struct event *calls[8];
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 800 * S, 0, RUN);
	machine_containerd(&machine, "containerd", 801 * S, 0, RUN_END);
	machine_containerd(&machine, "containerd", 899 * S, 0, START);
	machine_containerd(&machine, "containerd", 901 * S, 0, START_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, (struct journal_source_options){.since_ns = 5000 * S}, 1, NULL);
	assert_int_equal(calls_of(&machine, calls), 1);
	assert_call(calls[0], CRI_RUN_POD_SANDBOX, SANDBOX, 800 * S, 801 * S);
	machine_remove(&machine);
}

/* The journal was rotated in the midst of a call. */
static void over_two_files(void **state)
{
	const struct event *calls[8];
	struct machine machine;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 20 * S, 0, RUN);
	machine_write(&machine, PERSISTENT, "system@1.journal");
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "containerd", 22 * S, 0, RUN_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	machine_look(&machine, late, 1, NULL);
	assert_int_equal(calls_of(&machine, calls), 1);
	assert_call(calls[0], CRI_RUN_POD_SANDBOX, SANDBOX, 20 * S, 22 * S);
	machine_remove(&machine);
}

/* K3s's containerd has a file of its own, or where it has none, writes into K3s's journal. */
static void k3s(void **state)
{
	static const struct {
		uint64_t boot_ns;
		const char *rest;
	} lines[] = {{21 * S, RUN},	   {24 * S, RUN_END}, {25 * S, CREATE},
		     {26 * S, CREATE_END}, {27 * S, START},   {28 * S, START_END}};
	const struct event *calls[8];
	struct machine machine;
	char *text = NULL;
	size_t size = 0;

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	machine_containerd(&machine, "k3s", 20 * S, 0, "msg=\"Starting k3s v1.35.4+k3s1\"");
	machine_containerd(&machine, "k3s", 30 * S, 0, START);
	machine_containerd(&machine, "k3s", 31 * S, 0, START_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	FILE *log = open_memstream(&text, &size);

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		containerd_line(log, WALL + (int64_t)lines[i].boot_ns, lines[i].rest);
	fclose(log);
	machine_put(&machine, K3S_LOG, text, size);
	free(text);
	machine_look(&machine, late, 1, NULL);
	assert_int_equal(calls_of(&machine, calls), 4);
	assert_call(calls[0], CRI_START_CONTAINER, MAIN, 30 * S, 31 * S);
	assert_call(calls[1], CRI_RUN_POD_SANDBOX, SANDBOX, 21 * S, 24 * S);
	assert_call(calls[2], CRI_CREATE_CONTAINER, MAIN, 25 * S, 26 * S);
	assert_call(calls[3], CRI_START_CONTAINER, MAIN, 27 * S, 28 * S);
	machine_remove(&machine);
}

/* A crash loop's begins, more than there is room for: those that were left out are told, once. */
static void too_many(void **state)
{
	struct journal_source_options options = late;
	const struct event *calls[8], *lost = NULL;
	const unsigned int room = 256, more = 3;
	struct machine machine;
	char rest[128];

	(void)state;
	machine_open(&machine);
	machine_boot(&machine, THIS_BOOT, WALL);
	for (unsigned int i = 1; i <= room + more; i++) {
		snprintf(rest, sizeof(rest), "msg=\"StartContainer for \\\"%064x\\\"\"", i);
		machine_containerd(&machine, "containerd", 20 * S + i * MS, 0, rest);
	}
	machine_containerd(&machine, "containerd", 22 * S, 0, RUN);
	machine_containerd(&machine, "containerd", 23 * S, 0, RUN_END);
	machine_write(&machine, PERSISTENT, "system.journal");
	options.look_ns = 20 * MS;
	options.horizon_ns = INT64_MAX / 2;
	machine_look(&machine, options, 3, NULL);
	for (size_t i = 0; i < machine.count; i++)
		if (machine.events[i].type == EVENT_SOURCE &&
		    machine.events[i].source.step == SOURCE_LOST) {
			assert_null(lost);
			lost = &machine.events[i];
		}
	assert_non_null(lost);
	assert_int_equal(lost->source.source, SOURCE_JOURNAL);
	assert_int_equal(lost->source.count, more + 1);
	assert_int_equal(lost->source.since_ns, 20 * S + 1 * MS);
	assert_int_equal(lost->boot_ns, 22 * S);
	assert_int_equal(calls_of(&machine, calls), 1);
	machine_remove(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pod),
		cmocka_unit_test(a_pull),
		cmocka_unit_test(an_agent_that_was_there),
		cmocka_unit_test(beyond_the_horizon),
		cmocka_unit_test(over_two_files),
		cmocka_unit_test(k3s),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
