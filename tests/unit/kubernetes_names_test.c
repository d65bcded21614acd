// SPDX-License-Identifier: Apache-2.0
/* Which addresses are asked for, how seldom, and what an answer makes of them. */
#include "base/log.h"
#include "base/text.h"
#include "source/kubernetes/kubernetes_source.h"
#include "unit/kube_fake.h"
#include "unit/store_fixture.h"

#define ASKED "/api/v1/services?fieldSelector=spec.clusterIP%3D10.43.0.12&limit=1&resourceVersion=0"

struct fixture {
	sd_event *loop;
	struct kubernetes_source *source;
	struct event_address told;
	int count;
};

static void on_event(void *context, const struct event *event)
{
	struct fixture *fixture = context;

	if (event->type != EVENT_ADDRESS)
		return;
	fixture->told = event->address;
	fixture->count++;
}

static void begin(struct fixture *fixture)
{
	*fixture = (struct fixture){0};
	log_set_level(LOG_LEVEL_ERROR);
	assert_true(sd_event_new(&fixture->loop) >= 0);
	assert_int_equal(kubernetes_source_new(&fixture->source, fixture->loop, fake_open(),
					       "node-1", on_event, fixture),
			 0);
	fake_step(KUBE_WATCH_LISTED, NULL, false);
}

static void end(struct fixture *fixture)
{
	kubernetes_source_free(fixture->source);
	fake_close();
	sd_event_unref(fixture->loop);
}

static json_t *services(void)
{
	return json_pack("{s:[{s:{s:s, s:s}}]}", "items", "metadata", "namespace", "ai", "name",
			 "postgres");
}

static void a_service(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	fake_run(fixture.loop, 50);
	assert_int_equal(fake.count, 0); /* nobody waits for anything */
	for (int i = 0; i < 3; i++)
		kubernetes_source_name(fixture.source, "10.43.0.12");
	assert_true(fake_run_until(fixture.loop, 1));
	assert_int_equal(fake.calls[0].verb, KUBE_GET);
	assert_string_equal(fake.calls[0].path, ASKED);
	fake_answer(0, 200, "", "", 0, services());
	assert_int_equal(fixture.count, 1);
	assert_string_equal(fixture.told.address, "10.43.0.12");
	assert_string_equal(fixture.told.name, "ai/postgres");
	/* it is known now; another has to wait */
	kubernetes_source_name(fixture.source, "10.43.0.12");
	kubernetes_source_name(fixture.source, "10.43.0.13");
	fake_run(fixture.loop, 300);
	assert_int_equal(fake.count, 1);
	end(&fixture);
}

static void not_asked_for(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "::1",	  "169.254.20.10",
						"fe80::1",   "10.42.0.7", "fd00::7",
						"",	     "no address"};
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	fake_step(KUBE_WATCH_OBJECT,
		  json_pack("{s:{s:s, s:s, s:s}, s:{}, s:{s:s, s:[{s:s}, {s:s}]}}", "metadata",
			    "name", "web-0", "namespace", "shop", "uid", "0f0f", "spec", "status",
			    "podIP", "10.42.0.7", "podIPs", "ip", "10.42.0.7", "ip", "fd00::7"),
		  false);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		kubernetes_source_name(fixture.source, addresses[i]);
	fake_run(fixture.loop, 200);
	assert_int_equal(fake.count, 0);
	end(&fixture);
}

static void nobody_has_it(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	kubernetes_source_name(fixture.source, "10.43.0.12");
	assert_true(fake_run_until(fixture.loop, 1));
	fake_answer(0, 200, "", "", 0, json_pack("{s:[]}", "items"));
	assert_int_equal(fixture.count, 0);
	end(&fixture);
}

/* A role without it: that is seen once, and never tried again. */
static void forbidden(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	kubernetes_source_name(fixture.source, "10.43.0.12");
	kubernetes_source_name(fixture.source, "10.43.0.13");
	assert_true(fake_run_until(fixture.loop, 1));
	fake_answer(0, 403, "Forbidden", "", 0, NULL);
	kubernetes_source_name(fixture.source, "10.43.0.14");
	fake_run(fixture.loop, 200);
	assert_int_equal(fake.count, 1);
	assert_int_equal(fixture.count, 0);
	end(&fixture);
}

/* While the watch is down nothing is asked; then what is wanted is. */
static void a_server_that_is_away(void **state)
{
	struct fixture fixture;

	(void)state;
	begin(&fixture);
	fake_step(KUBE_WATCH_DOWN, NULL, false);
	kubernetes_source_name(fixture.source, "10.43.0.12");
	fake_run(fixture.loop, 200);
	assert_int_equal(fake.count, 0);
	fake_step(KUBE_WATCH_UP, NULL, false);
	assert_true(fake_run_until(fixture.loop, 1));
	assert_string_equal(fake.calls[0].path, ASKED);
	end(&fixture);
}

/* More at once than there is room for: the answer is still told of the one that was asked for. */
static void many(void **state)
{
	struct fixture fixture;
	char address[ADDRESS_SIZE];

	(void)state;
	begin(&fixture);
	kubernetes_source_name(fixture.source, "10.43.0.12");
	assert_true(fake_run_until(fixture.loop, 1));
	for (int i = 0; i < 500; i++) {
		snprintf(address, sizeof(address), "10.44.%d.%d", i / 250, i % 250 + 1);
		kubernetes_source_name(fixture.source, address);
	}
	fake_answer(0, 200, "", "", 0, services());
	assert_string_equal(fixture.told.address, "10.43.0.12");
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service),	 cmocka_unit_test(not_asked_for),
		cmocka_unit_test(nobody_has_it), cmocka_unit_test(forbidden),
		cmocka_unit_test(many),		 cmocka_unit_test(a_server_that_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
