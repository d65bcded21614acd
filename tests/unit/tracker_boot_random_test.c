/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is told of a boot, in whatever order: what is made of it is whole, and bounded. */
#include "unit/boot_fixture.h"
#include "unit/random_event.h"

#define EVENTS 1500
#define SEEDS  6

struct told {
	uint32_t boots, units, final;
	uint64_t last_ns;
};

static void check(void *context, const struct record *record)
{
	struct told *told = context;

	if (record->type == RECORD_UNIT) {
		told->units++;
		assert_true(record->unit.span.from_ns > 0);
	}
	if (record->type != RECORD_BOOT)
		return;
	told->boots++;
	told->final += record->final;
	assert_string_equal(record->key, "boot");
	assert_boot_is_whole(&record->boot);
	assert_true(record->boot.missing_count <= BOOT_MISSING_MAX);
	assert_true(record->boot.pods_ready <= record->boot.pods_expected);
	if (record->boot.state == BOOT_READY)
		assert_int_equal(record->boot.missing_total, 0);
}

static uint64_t some_time(struct chance *seed, uint64_t now_ns)
{
	switch (below(seed, 6)) {
	case 0:
		return 0;
	case 1:
		return 1 + below(seed, 1000);
	case 2:
		return now_ns + below(seed, 1000) * MS;
	default:
		return random_number(seed) % (now_ns + 1);
	}
}

static struct event some_event(struct chance *seed, uint64_t now_ns)
{
	struct pod_plan pod = {
		.n = below(seed, 6), .name = "web", .probe_period_s = below(seed, 2) * 10};
	uint64_t at = some_time(seed, now_ns), other = some_time(seed, now_ns);
	char id[ID_SIZE], sandbox[ID_SIZE], unit[32], after[32];
	struct event event = {.boot_ns = at};

	snprintf(unit, sizeof(unit), "%s%u.service", below(seed, 4) ? "u" : "k3s", below(seed, 8));
	snprintf(after, sizeof(after), "u%u.service", below(seed, 8));
	container_id(&pod, id);
	sandbox_id(&pod, sandbox);
	if (below(seed, 3) == 0)
		id[2] = (char)('0' + below(seed, 3));
	switch (below(seed, 19)) {
	case 0:
		event.type = EVENT_BOOT;
		event.boot = (struct event_boot){below(seed, 3) * S, below(seed, 3) * S, at, other,
						 some_time(seed, now_ns)};
		return event;
	case 1:
		return ev_unit(unit, at, other, some_time(seed, now_ns));
	case 2:
		return ev_after(unit, after, at);
	case 3:
		return ev_milestone((enum milestone)below(seed, MILESTONE_AGENT_STARTED),
				    below(seed, 2) ? unit : "k3s.service", at);
	case 4:
		return ev_refused(&pod, "10.0.0.1", (uint16_t)below(seed, 3), at);
	case 5:
		return ev_pod_is(&pod, below(seed, 8) ? "Running" : "Failed", other, at);
	case 6:
		return ev_container_is(&pod, (enum pod_container_state)below(seed, 4),
				       below(seed, 2) ? "CrashLoopBackOff" : "", "back-off 10s",
				       below(seed, 2), at);
	case 7:
		event.type = EVENT_POD_GONE;
		pod_uid(&pod, event.pod_gone.pod_uid);
		return below(seed, 8) ? ev_up(SOURCE_KERNEL, at) : event;
	case 8:
		return ev_up(below(seed, 30) ? SOURCE_CONTAINERD : SOURCE_KUBERNETES, at);
	case 9:
		return ev_exec(ROLE_ENTRYPOINT, id, 1 + below(seed, 9), "/srv", "", at);
	case 10:
		return ev_exit(ROLE_ENTRYPOINT, id, 1 + below(seed, 9), (int)below(seed, 2), 0, at);
	case 11:
		return ev_listen(id, 80, at);
	case 12:
		event = ev_status(id, sandbox, below(seed, 2) ? "app" : "init",
				  (enum container_state)below(seed, 4), at, other,
				  some_time(seed, now_ns), (int)below(seed, 2), "");
		pod_uid(&pod, event.container.pod_uid);
		return event;
	case 13:
		event = ev_identity(id, sandbox, "app", at);
		pod_uid(&pod, event.container.pod_uid);
		return event;
	case 14:
		event = ev_identity(sandbox, sandbox, "", below(seed, 2) ? at : 0);
		event.flags = EVENT_RECONSTRUCTED;
		pod_uid(&pod, event.container.pod_uid);
		return event;
	case 15:
		return ev_task(id, TASK_EXIT, 5, below(seed, 2), at);
	case 16:
		return ev_exec(ROLE_CNI, sandbox, 20 + below(seed, 4), "/cni/x", "ADD", at);
	case 17:
		return ev_exit(ROLE_CNI, "", 20 + below(seed, 4), 0, 0, at);
	default:
		return ev_gone(below(seed, 2) ? id : sandbox, at);
	}
}

static void whole_whatever_is_told(void **state)
{
	struct told all = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		static const struct tracker_settings settings;
		struct chance random = {seed * UINT64_C(0x9e3779b97f4a7c15)};
		uint64_t now_ns = 1 * S;
		struct tracker *tracker;
		struct told told = {0};

		assert_int_equal(tracker_new(&tracker, &settings, check, &told), 0);
		for (int i = 0; i < EVENTS; i++) {
			struct event event = some_event(&random, now_ns);

			tracker_event(tracker, &event, now_ns);
			now_ns += below(&random, 400) * MS;
			for (int k = 0; k < 50 && tracker_next_tick_ns(tracker) <= now_ns; k++)
				tracker_tick(tracker, tracker_next_tick_ns(tracker));
		}
		tracker_free(tracker);
		all.boots += told.boots;
		all.units += told.units;
		all.final += told.final;
	}
	assert_true(all.boots > 0 && all.units > 0 && all.final > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_whatever_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
