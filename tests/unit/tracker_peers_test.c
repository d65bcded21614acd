// SPDX-License-Identifier: Apache-2.0
/* Whom a start waited for: how long in all, what counts once, what is no part of the start, and their names. */
#include <errno.h>

#include "track/why/why.h"
#include "track_fixture.h"

#define T      (100 * S)
#define BEGAN  (T + 300 * MS) /* the entrypoint's exec */
#define PEER   "10.43.0.12"
#define SERVER "10.43.0.10"

static struct event ev_failed(const char *address, uint16_t port, int32_t error, uint32_t count,
			      uint64_t began, uint64_t at)
{
	struct event event = {.type = EVENT_CONNECT_FAILED, .boot_ns = at};

	TEXT_COPY(event.connect_failed.container_id, WEB);
	TEXT_COPY(event.connect_failed.address, address);
	event.connect_failed.port = port;
	event.connect_failed.error = error;
	event.connect_failed.count = count;
	event.connect_failed.began_ns = began;
	event.connect_failed.wait_ns = at - began;
	event.connect_failed.longest_ns = at - began;
	return event;
}

/* count 0: it was not late itself */
static struct event ev_connected(const char *address, uint16_t port, uint32_t count, uint64_t began,
				 uint64_t at)
{
	struct event event = ev_failed(address, port, 0, count, began, at);

	event.type = EVENT_CONNECT_SLOW;
	return event;
}

static struct event ev_dns(const char *server, int32_t code, uint64_t began, uint64_t at)
{
	struct event event = {.type = EVENT_DNS, .boot_ns = at};

	TEXT_COPY(event.dns.container_id, WEB);
	TEXT_COPY(event.dns.address, server);
	event.dns.port = 53;
	event.dns.code = code;
	event.dns.count = 1;
	event.dns.began_ns = began;
	event.dns.wait_ns = event.dns.longest_ns = at - began;
	return event;
}

static struct event ev_pod(const char *name, const char *address, const char *second, uint64_t at)
{
	struct event event = {.type = EVENT_POD, .boot_ns = at};

	snprintf(event.pod.pod_uid, sizeof(event.pod.pod_uid), "uid-of-%.20s", name);
	TEXT_COPY(event.pod.pod, name);
	TEXT_COPY(event.pod.pod_namespace, "ai");
	TEXT_COPY(event.pod.address, address);
	TEXT_COPY(event.pod.second_address, second);
	return event;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct event events[POD_EVENTS];
	size_t count = pod_start(events, T);

	fixture_open(fixture, &(struct tracker_settings){0});
	feed(fixture, ev_up(SOURCE_KERNEL, T - S));
	for (size_t i = 0; i < count - 1; i++) /* all but its listen */
		feed(fixture, events[i]);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* It listens; its start as it is told at last. */
static const struct start_why *listens(struct fixture *fixture, uint64_t at)
{
	feed(fixture, ev_listen(WEB, 8080, at));
	pass(fixture, at + 30 * S);
	return &fixture_find(fixture, RECORD_START, WEB)->start.why;
}

/* Tries at growing intervals: the wait ends when it is connected, not when a try was due. */
static void refused_then_connected(void **state)
{
	static const uint64_t tries_ms[] = {400, 500, 700, 1100, 1900, 3500};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 6; i++)
		feed(fixture, ev_failed(PEER, 5432, ECONNREFUSED, 1, T + tries_ms[i] * MS,
					T + (tries_ms[i] + 1) * MS));
	feed(fixture, ev_connected(PEER, 5432, 0, T + 6700 * MS, T + 6701 * MS));
	const struct start_why *why = listens(fixture, T + 9 * S);
	const struct peer_wait *peer = &why->peers[0];

	assert_int_equal(why->peer_count, 1);
	assert_int_equal(peer->kind, PEER_WAIT_FAILED);
	assert_string_equal(peer->address, PEER);
	assert_int_equal(peer->port, 5432);
	assert_int_equal(peer->error, ECONNREFUSED);
	assert_int_equal(peer->count, 6);
	assert_int_equal(peer->failed, 6);
	assert_int_equal(peer->wait_ns, 6300 * MS);
	assert_int_equal(peer->longest_ns, 1 * MS);
	assert_int_equal(peer->span.from_ns, T + 400 * MS);
	assert_int_equal(peer->span.to_ns, T + 6700 * MS);
}

/* Nobody saw a success: the next try was due a pause later, but not after the listen. */
static void refused_until_it_listens(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_failed(PEER, 5432, ECONNREFUSED, 1, T + 400 * MS, T + 400 * MS));
	feed(fixture, ev_failed(PEER, 5432, ECONNREFUSED, 3, T + 3400 * MS, T + 3400 * MS));
	const struct start_why *why = listens(fixture, T + 4 * S);

	assert_int_equal(why->peers[0].count, 4);
	assert_int_equal(why->peers[0].wait_ns, 3600 * MS); /* of 3 s + 1 s */
}

/* It was lost again: the time in between is no wait. */
static void two_series(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_failed(PEER, 5432, ECONNREFUSED, 1, T + 1 * S, T + 1 * S));
	feed(fixture, ev_connected(PEER, 5432, 0, T + 2 * S, T + 2 * S));
	feed(fixture, ev_failed(PEER, 5432, ECONNREFUSED, 1, T + 6 * S, T + 6 * S));
	feed(fixture, ev_connected(PEER, 5432, 0, T + 6500 * MS, T + 6500 * MS));
	const struct start_why *why = listens(fixture, T + 7 * S);

	assert_int_equal(why->peer_count, 1);
	assert_int_equal(why->peers[0].count, 2);
	assert_int_equal(why->peers[0].wait_ns, 1500 * MS);
}

static void slow_connections(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_connected(PEER, 6379, 1, T + 1 * S, T + 2 * S));
	feed(fixture, ev_connected(PEER, 6379, 1, T + 4 * S, T + 7 * S));
	const struct start_why *why = listens(fixture, T + 8 * S);
	const struct peer_wait *peer = &why->peers[0];

	assert_int_equal(why->peer_count, 1);
	assert_int_equal(peer->kind, PEER_WAIT_SLOW);
	assert_int_equal(peer->count, 2);
	assert_int_equal(peer->failed, 0);
	assert_int_equal(peer->wait_ns, 4 * S);
	assert_int_equal(peer->longest_ns, 3 * S);
}

/* A quick success without a failure before it is no wait. */
static void quick_connection(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_connected(PEER, 6379, 0, T + 1 * S, T + 1 * S));
	assert_int_equal(listens(fixture, T + 2 * S)->peer_count, 0);
}

/* Both families at the same time, as getaddrinfo asks, count once; a name that does not exist did not fail. */
static void questions(void **state)
{
	struct fixture *fixture = *state;
	struct event slowest = ev_dns(SERVER, 0, T + 4 * S, T + 9 * S);

	TEXT_COPY(slowest.dns.query, "db.ai.svc");
	feed(fixture, ev_dns(SERVER, 3, T + 1 * S, T + 2 * S));
	feed(fixture, ev_dns(SERVER, 0, T + 1 * S, T + 3 * S));
	feed(fixture, slowest);
	feed(fixture, ev_dns(SERVER, -1, T + 5 * S, T + 10 * S));
	const struct start_why *why = listens(fixture, T + 11 * S);
	const struct peer_wait *peer = &why->peers[0];

	assert_int_equal(why->peer_count, 1);
	assert_int_equal(peer->kind, PEER_WAIT_DNS);
	assert_int_equal(peer->count, 4);
	assert_int_equal(peer->failed, 1);
	assert_int_equal(peer->error, -1);
	assert_int_equal(peer->wait_ns, 8 * S);
	assert_int_equal(peer->longest_ns, 5 * S);
	assert_string_equal(peer->query, "db.ai.svc");
}

/* One that ends later, but began before all others */
static void a_question_around_others(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_dns(SERVER, 0, T + 2 * S, T + 3 * S));
	feed(fixture, ev_dns(SERVER, 0, T + 1 * S, T + 5 * S));
	assert_int_equal(listens(fixture, T + 6 * S)->peers[0].wait_ns, 4 * S);
}

static void longest_first(void **state)
{
	struct fixture *fixture = *state;

	for (uint16_t i = 0; i < 8; i++)
		feed(fixture, ev_connected(PEER, (uint16_t)(6000 + i), 1, T + 2 * S,
					   T + 3 * S + i * 100 * MS));
	const struct start_why *why = listens(fixture, T + 6 * S);

	assert_int_equal(why->peer_count, START_PEERS_MAX);
	for (uint32_t i = 0; i < START_PEERS_MAX; i++)
		assert_int_equal(why->peers[i].port, 6007 - i);
}

/* One more than there is room for is told as a gap, once each. */
static void too_many_peers(void **state)
{
	struct fixture *fixture = *state;
	const struct record *gap;

	for (uint16_t i = 0; i < WHY_PEERS_MAX + 2; i++)
		feed(fixture, ev_connected(PEER, (uint16_t)(6000 + i), 1, T + 2 * S, T + 3 * S));
	listens(fixture, T + 6 * S);
	gap = fixture_last(fixture, RECORD_GAP, 0);
	assert_non_null(gap);
	assert_string_equal(gap->gap.cause, "more peers of one start than the agent keeps");
	assert_int_equal(gap->gap.count, 2);
}

/* By two addresses: localhost's. Tried in turn, they are one peer, and the time counts once. */
static void both_families(void **state)
{
	struct fixture *fixture = *state;

	for (uint64_t i = 0; i < 5; i++) {
		feed(fixture,
		     ev_failed("::1", 5432, ECONNREFUSED, 1, T + (1 + i) * S, T + (1 + i) * S));
		feed(fixture, ev_failed("127.0.0.1", 5432, ECONNREFUSED, 1, T + (1 + i) * S + MS,
					T + (1 + i) * S + MS));
	}
	feed(fixture, ev_connected("127.0.0.1", 5432, 0, T + 6 * S, T + 6 * S));
	const struct start_why *why = listens(fixture, T + 7 * S);

	assert_int_equal(why->peer_count, 1);
	assert_int_equal(why->peers[0].count, 10);
	assert_int_equal(why->peers[0].wait_ns, 5 * S);
}

/* … and a pod's, by its name. */
static void names_of_pods(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_pod("postgres", PEER, "fd00::12", T));
	feed(fixture, ev_pod("redis", "10.42.0.9", "", T));
	feed(fixture, ev_pod("starting", "", "", T));
	feed(fixture, ev_connected(PEER, 5432, 1, T + 1 * S, T + 2 * S));
	feed(fixture, ev_connected("fd00::12", 5432, 1, T + 3 * S, T + 5 * S));
	feed(fixture, ev_connected("10.42.0.77", 5432, 1, T + 3 * S, T + 4 * S));
	const struct start_why *why = listens(fixture, T + 6 * S);

	assert_int_equal(why->peer_count, 2);
	assert_string_equal(why->peers[0].name, "ai/postgres");
	assert_string_equal(why->peers[0].address, "fd00::12"); /* the longer one */
	assert_int_equal(why->peers[0].count, 2);
	assert_int_equal(why->peers[0].wait_ns, 3 * S);
	assert_string_equal(why->peers[1].name, "");
}

/* Of what is no pod of this node, as the API server told it. */
static void names_of_services(void **state)
{
	struct fixture *fixture = *state;
	struct event named = {.type = EVENT_ADDRESS, .boot_ns = T + 2 * S};

	feed(fixture, ev_dns(SERVER, 0, T + 1 * S, T + 2 * S));
	for (int i = 0; i < 200; i++) { /* more than are kept */
		snprintf(named.address.address, sizeof(named.address.address), "10.44.0.%d", i);
		snprintf(named.address.name, sizeof(named.address.name), "ai/service-%d", i);
		feed(fixture, named);
	}
	TEXT_COPY(named.address.address, SERVER);
	TEXT_COPY(named.address.name, "kube-system/kube-dns");
	feed(fixture, named);
	assert_string_equal(listens(fixture, T + 3 * S)->peers[0].name, "kube-system/kube-dns");
}

/* What came after the listen is not the start's. */
static void after_the_listen(void **state)
{
	struct fixture *fixture = *state;

	feed(fixture, ev_listen(WEB, 8080, T + 1 * S));
	feed(fixture, ev_dns(SERVER, 0, T + 1100 * MS, T + 1500 * MS));
	pass(fixture, T + 60 * S);
	assert_int_equal(fixture_find(fixture, RECORD_START, WEB)->start.why.peer_count, 0);
}

/* It never listened: there is no phase app, and this is why. */
static void it_gave_up(void **state)
{
	struct fixture *fixture = *state;
	const struct record *record;

	feed(fixture, ev_failed(PEER, 5432, ETIMEDOUT, 1, T + 1 * S, T + 4 * S));
	feed(fixture, ev_exit(ROLE_ENTRYPOINT, WEB, 31, 1, 0, T + 4 * S));
	feed(fixture, ev_task(WEB, TASK_EXIT, 31, 1, T + 4 * S));
	feed(fixture, ev_status(WEB, SANDBOX, "web", CONTAINER_EXITED, T, BEGAN, T + 4 * S, 1, ""));
	pass(fixture, T + 60 * S);
	record = fixture_find(fixture, RECORD_START, WEB);
	assert_int_equal(record->start.state, START_EXITED);
	assert_int_equal(record->start.why.peer_count, 1);
	assert_int_equal(record->start.why.peers[0].wait_ns, 3 * S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refused_then_connected),
		TEST(refused_until_it_listens),
		TEST(two_series),
		TEST(slow_connections),
		TEST(quick_connection),
		TEST(questions),
		TEST(a_question_around_others),
		TEST(longest_first),
		TEST(too_many_peers),
		TEST(both_families),
		TEST(names_of_pods),
		TEST(names_of_services),
		TEST(after_the_listen),
		TEST(it_gave_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
