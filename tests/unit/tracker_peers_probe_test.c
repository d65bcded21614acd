// SPDX-License-Identifier: Apache-2.0
/* Whom a start waited for behind its first listen, until it was Ready: in the phase in which it was. */
#include "model/cause.h"
#include "track_fixture.h"

#define T      (100 * S)
#define LISTEN (T + 3 * S)
#define READY  (T + 13 * S)

#define SERVER "10.43.0.10"

static struct event ev_told(bool ready, uint64_t at)
{
	struct event event = {.type = EVENT_POD_CONTAINER,
			      .boot_ns = at,
			      .pod_container = {.has_probe = true,
						.probe_period_s = 10,
						.ready = ready,
						.ready_arrived = ready,
						.state = POD_CONTAINER_RUNNING}};

	TEXT_COPY(event.pod_container.pod_uid, POD_UID);
	TEXT_COPY(event.pod_container.name, "web");
	TEXT_COPY(event.pod_container.container_id, WEB);
	return event;
}

static struct event ev_pod(void)
{
	struct event event = {.type = EVENT_POD, .boot_ns = T - S};

	event.pod.created_ns = event.pod.scheduled_ns = T - S;
	event.pod.arrived = true;
	TEXT_COPY(event.pod.pod_uid, POD_UID);
	TEXT_COPY(event.pod.pod, "web-0");
	TEXT_COPY(event.pod.pod_namespace, "shop");
	return event;
}

/* count 0: it goes on */
static struct event ev_dns(uint32_t count, uint64_t began, uint64_t at)
{
	struct event event = {.type = EVENT_DNS, .boot_ns = at};

	TEXT_COPY(event.dns.container_id, WEB);
	TEXT_COPY(event.dns.address, SERVER);
	event.dns.port = 53;
	event.dns.count = count;
	event.dns.began_ns = began;
	event.dns.wait_ns = event.dns.longest_ns = at - began;
	return event;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct event events[POD_EVENTS];
	size_t count = pod_start(events, T);

	fixture_open(fixture, &(struct tracker_settings){0});
	feed(fixture, ev_up(SOURCE_KERNEL, T - 2 * S));
	feed(fixture, ev_up(SOURCE_KUBERNETES, T - 2 * S));
	feed(fixture, ev_pod());
	for (size_t i = 0; i < count - 1; i++) /* all but its listen */
		feed(fixture, events[i]);
	feed(fixture, ev_told(false, T + S));
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

static const struct record_start *ready(struct fixture *fixture)
{
	feed(fixture, ev_told(true, READY));
	pass(fixture, READY + 5 * S);
	return &fixture_find(fixture, RECORD_START, WEB)->start;
}

static uint64_t dns_ns(const struct record_start *start, enum phase phase)
{
	struct cause causes[CAUSES_MAX];
	uint64_t ns = 0;

	for (uint32_t i = cause_list(start, causes); i-- > 0;)
		if (causes[i].phase == phase && causes[i].kind == CAUSE_DNS)
			ns += causes[i].ns;
	return ns;
}

static void before_and_behind(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_dns(1, T + 1 * S, T + 2 * S));
	feed(fixture, ev_listen(WEB, 8080, LISTEN));
	feed(fixture, ev_listen(WEB, 8081, LISTEN + 5 * S)); /* the first decides */
	feed(fixture, ev_dns(1, T + 4 * S, T + 9 * S));
	const struct record_start *start = ready(fixture);
	const struct peer_wait *peer = &start->why.peers[0];

	assert_int_equal(start->why.peer_count, 1);
	assert_int_equal(peer->count, 2);
	assert_int_equal(peer->wait_ns, 6 * S);
	assert_int_equal(peer->probe_ns, 5 * S);
	assert_int_equal(dns_ns(start, PHASE_APP), 1 * S);
	assert_int_equal(dns_ns(start, PHASE_PROBE), 5 * S);
}

/* Both families are asked for at once; the answers come behind the listen. */
static void across_the_listen(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_dns(0, T + 1 * S, LISTEN));
	feed(fixture, ev_dns(0, T + 1 * S, LISTEN));
	feed(fixture, ev_listen(WEB, 8080, LISTEN));
	feed(fixture, ev_dns(1, T + 1 * S, T + 8 * S));
	feed(fixture, ev_dns(1, T + 1 * S, T + 8 * S));
	const struct record_start *start = ready(fixture);
	const struct peer_wait *peer = &start->why.peers[0];

	assert_int_equal(peer->count, 2);
	assert_int_equal(peer->failed, 0);
	assert_int_equal(peer->error, 0);
	assert_int_equal(peer->wait_ns, 7 * S);
	assert_int_equal(peer->longest_ns, 7 * S);
	assert_int_equal(dns_ns(start, PHASE_APP), 2 * S);
	assert_int_equal(dns_ns(start, PHASE_PROBE), 5 * S);
}

/* What was asked at both moments is one question. */
static void never_answered(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_dns(0, T + 1 * S, LISTEN));
	feed(fixture, ev_listen(WEB, 8080, LISTEN));
	feed(fixture, ev_dns(0, T + 1 * S, T + 6 * S));
	const struct record_start *start = ready(fixture);
	const struct peer_wait *peer = &start->why.peers[0];

	assert_int_equal(peer->count, 1);
	assert_int_equal(peer->failed, 1);
	assert_int_equal(peer->error, -1);
	assert_int_equal(peer->wait_ns, 5 * S);
	assert_int_equal(dns_ns(start, PHASE_APP), 2 * S);
	assert_int_equal(dns_ns(start, PHASE_PROBE), 3 * S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_and_behind),
		TEST(across_the_listen),
		TEST(never_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
