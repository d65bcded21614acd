// SPDX-License-Identifier: Apache-2.0
/* When a pod and its containers became ready, by the API server's stamps and by when they are told. */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_source.h"
#include "unit/event_log.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

struct fixture {
	sd_event *loop;
	struct kubernetes_source *source;
	struct event_log log;
	uint64_t stamp_ns; /* on the boot clock, as the API server writes it: whole seconds */
	uint64_t started_after_ns;
};

/* The latest stamp of the kubelet is ago_s seconds and a part old. */
static void begin(struct fixture *fixture, int64_t ago_s)
{
	uint64_t now_ns = clock_boot_ns();
	int64_t wall_ns = (int64_t)now_ns + clock_wall_offset_ns();

	*fixture = (struct fixture){0};
	log_set_level(LOG_LEVEL_ERROR);
	fixture->stamp_ns = now_ns - (uint64_t)(wall_ns % (int64_t)S + ago_s * (int64_t)S);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(kubernetes_source_new(&fixture->source, fixture->loop, fake_open(),
					       "node-1", event_log_take, &fixture->log),
			 0);
	fake_step(KUBE_WATCH_LIST, NULL, false);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
}

static void end(struct fixture *fixture)
{
	event_log_done(&fixture->log);
	kubernetes_source_free(fixture->source);
	fake_close();
	sd_event_unref(fixture->loop);
}

static void stamp_text(uint64_t boot_ns, char ret[static WALL_TEXT_SIZE])
{
	clock_wall_text((int64_t)boot_ns + clock_wall_offset_ns() + (int64_t)NS_PER_MS, 0, ret);
}

/* It has one container; what it is, it is since the stamp. */
static void tell(const struct fixture *fixture, bool container_ready, bool ready, bool listed)
{
	char stamp[WALL_TEXT_SIZE], started[WALL_TEXT_SIZE];

	stamp_text(fixture->stamp_ns, stamp);
	stamp_text(fixture->stamp_ns + fixture->started_after_ns, started);
	fake_step(KUBE_WATCH_OBJECT,
		  json_pack("{s:{s:s, s:s, s:s}, s:{s:[{s:s}]},"
			    " s:{s:s, s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}],"
			    " s:[{s:s, s:b, s:{s:{s:s}}}]}}",
			    "metadata", "uid", "uid-1", "name", "web-0", "namespace", "shop",
			    "spec", "containers", "name", "web", "status", "phase", "Running",
			    "conditions", "type", "PodScheduled", "status", "True",
			    "lastTransitionTime", stamp, "type", "Ready", "status",
			    ready ? "True" : "False", "lastTransitionTime", stamp,
			    "containerStatuses", "name", "web", "ready", container_ready, "state",
			    "running", "startedAt", started),
		  listed);
}

static const struct event *last(const struct fixture *fixture, enum event_type type)
{
	for (uint32_t i = fixture->log.count; i > 0; i--)
		if (fixture->log.events[i - 1].type == type)
			return &fixture->log.events[i - 1];
	fail_msg("no such event");
	return NULL;
}

static void assert_near(uint64_t at_ns, uint64_t wanted_ns)
{
	/* the wall clock's offset is taken anew for each reading */
	assert_in_range(at_ns, wanted_ns - NS_PER_MS, wanted_ns + NS_PER_MS);
}

static void assert_ready(const struct fixture *fixture, uint64_t ns, bool arrived)
{
	const struct event *pod = last(fixture, EVENT_POD);
	const struct event *container = last(fixture, EVENT_POD_CONTAINER);

	assert_near(pod->pod.ready_ns, ns);
	assert_int_equal(pod->pod.ready_arrived, arrived);
	assert_true(container->pod_container.ready);
	assert_near(container->boot_ns, ns);
	assert_int_equal(container->pod_container.ready_arrived, arrived);
}

/* The watch tells it in the second that the stamp is of. */
static void at_once(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 0);
	tell(&fixture, false, false, false);
	uint64_t before_ns = clock_boot_ns();

	/* the next second has begun meanwhile: the stamp's ended before */
	if (before_ns < fixture.stamp_ns + S - 100 * NS_PER_MS) {
		tell(&fixture, true, true, false);
		const struct event *pod = last(&fixture, EVENT_POD);

		assert_in_range(pod->pod.ready_ns, before_ns, clock_boot_ns());
		assert_ready(&fixture, pod->pod.ready_ns, true);
	}
	end(&fixture);
}

/* On a machine that is short of CPU it is told seconds later: it was in the stamp's second all the same. */
static void told_late(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 2);
	tell(&fixture, false, false, false);
	tell(&fixture, true, true, false);
	assert_ready(&fixture, fixture.stamp_ns + S, true);
	/* another machine has stamped this */
	assert_in_range(last(&fixture, EVENT_POD)->pod.scheduled_ns, fixture.stamp_ns + 2 * S,
			clock_boot_ns());
	/* what was told once stays */
	fixture.stamp_ns += 2 * S;
	tell(&fixture, true, true, false);
	assert_near(last(&fixture, EVENT_POD)->pod.ready_ns, fixture.stamp_ns - S);
	end(&fixture);
}

/* A clock that was set a little back meanwhile. */
static void told_early(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 0);
	fixture.stamp_ns += S;
	tell(&fixture, true, true, false);
	assert_ready(&fixture, fixture.stamp_ns, true);
	end(&fixture);
}

/* The API server did not answer in between. */
static void much_too_late(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 8);
	tell(&fixture, true, true, false);
	assert_ready(&fixture, fixture.stamp_ns, false);
	end(&fixture);
	begin(&fixture, 2);
	tell(&fixture, true, true, true);
	assert_ready(&fixture, fixture.stamp_ns, false);
	end(&fixture);
}

/* Of two containers the first: nobody stamps that. */
static void a_container_of_a_pod_that_is_not(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 2);
	uint64_t before_ns = clock_boot_ns();

	tell(&fixture, true, false, false);
	const struct event *container = last(&fixture, EVENT_POD_CONTAINER);

	assert_true(container->pod_container.ready_arrived);
	assert_in_range(container->boot_ns, before_ns, clock_boot_ns());
	assert_int_equal(last(&fixture, EVENT_POD)->pod.ready_ns, 0);
	end(&fixture);
}

/* A restart that the pod's condition never showed: its stamp is of the container before. */
static void a_stamp_of_the_one_before(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture, 8);
	fixture.started_after_ns = 7 * S;
	tell(&fixture, false, true, false);
	uint64_t before_ns = clock_boot_ns();

	tell(&fixture, true, true, false);
	const struct event *container = last(&fixture, EVENT_POD_CONTAINER);

	assert_true(container->pod_container.ready_arrived);
	assert_in_range(container->boot_ns, before_ns, clock_boot_ns());
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once),
		cmocka_unit_test(told_late),
		cmocka_unit_test(told_early),
		cmocka_unit_test(much_too_late),
		cmocka_unit_test(a_container_of_a_pod_that_is_not),
		cmocka_unit_test(a_stamp_of_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
