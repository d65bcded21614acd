// SPDX-License-Identifier: Apache-2.0
/* why: the death certificate of a pod, from a store of records made here. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/death/certificate.h"
#include "cli/verbs.h"
#include "unit/death_scene.h"

static struct scene scene;

#define HERE "--state-dir", scene.dir

static struct record make_done(const char *pod, const char *name, unsigned int second)
{
	struct record record = make_exit(pod, name, second);

	record.exit.verdict = EXIT_COMPLETED;
	record.exit.code = 0;
	return record;
}

static int setup(void **state)
{
	struct record end = make_exit("ended", "app", 50), kill = make_oom("ended", "app", 50);
	const struct record records[] = {
		make_crash("web", "app", 200), make_exit("web", "app", 20),
		make_start("web", "app", 30),  make_leak("leaky", "app", 1000),
		make_child("pool", "app", 40), make_stop("slow", "app", 400),
		make_start("well", "app", 10), make_done("init", "setup", 12),
	};

	(void)state;
	scene_open(&scene);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		scene_put(&scene, &records[i]);
	end.exit.verdict = EXIT_OOM_KILLED;
	end.exit.signal = SIGKILL;
	end.exit.code = 137;
	end.exit.kernel_ns = end.boot_ns;
	kill.boot_ns -= 20 * NS_PER_MS;
	kill.oom.victims[0].init = true;
	kill.oom.container_survived = SURVIVAL_NO;
	scene_put(&scene, &kill);
	scene_put(&scene, &end);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scene_close(&scene);
	return 0;
}

static void expect(const char *pod, const char *text)
{
	struct capture capture;

	assert_int_equal(RUN(&capture, cli_why, "why", pod, HERE), CLI_OK);
	assert_string_equal(capture.out, text);
	assert_string_equal(capture.error, "");
	capture_done(&capture);
}

static void of_a_crash(void **state)
{
	(void)state;
	expect("web",
	       "shop/web/app, restart 3, image registry/app:1\n"
	       "2026-11-23T06:03:20Z  crashed: SIGSEGV at address 0x10: not mapped, a null "
	       "pointer, after 10.0s\n"
	       "  process     app (pid 4242), last executed /srv/app\n"
	       "  lived       from 06:03:10Z, listened on port 8080 after 1.20s\n"
	       "  sent        SIGSEGV by the kernel: a fault of the process\n"
	       "  core        given to /usr/lib/systemd/systemd-coredump\n"
	       "  children    2 died by a signal before\n"
	       "  loop        crash loop, death 4 in a row; the same end each time after 9.00s to "
	       "10.0s; the first at 06:01:20Z: exit 1 after 9.00s; the next try at 06:04:00Z\n"
	       "  host        06:03:19Z disk-error sda: I/O error, sector 7\n"
	       "  CRI         Error, exit code 139\n"
	       "  Kubernetes  OOMKilled, exit code 137: wrong, it was SIGSEGV\n"
	       "  log         | reading page 7\n"
	       "              | panic: oh no\n"
	       "\nBefore that\n"
	       "  06:00:20Z exit  shop/web/app                     ended with exit code 3 after "
	       "10.0s\n");
}

static void of_a_stop(void **state)
{
	(void)state;
	expect("slow",
	       "shop/slow/app, image registry/app:1\n"
	       "2026-11-23T06:06:40Z  stopped, its liveness probe failed: SIGKILL 30.0s after "
	       "SIGTERM, its time was up, exit code 137, after 5min 0.0s\n"
	       "  process     app (pid 4242)\n"
	       "  lived       from 06:01:40Z, never listened\n"
	       "  sent        SIGKILL by runc (pid 77), the container runtime\n"
	       "  stopped     its liveness probe failed: \"Liveness probe failed: HTTP probe "
	       "failed "
	       "with statuscode: 500\"\n"
	       "  timing      SIGTERM 06:06:10Z, SIGKILL 30.0s later, of 30s, its preStop hook "
	       "took "
	       "2.00s: its time was up\n"
	       "  to do       end on SIGTERM, or raise terminationGracePeriodSeconds: 30s did not "
	       "suffice\n");
}

static void of_a_leak(void **state)
{
	(void)state;
	expect("leaky",
	       "shop/leaky/app, image registry/app:1\n"
	       "2026-11-23T06:16:40Z  child python3 (pid 8476, worker 3 of 4, of gunicorn) killed "
	       "for memory, container survived\n"
	       "  killed      child python3 (pid 8476, worker 3 of 4, of gunicorn), 10min 0.0s "
	       "old: "
	       "480MiB anon, 2MiB file; oom_score_adj 999, uid 1000\n"
	       "  survivors   the container goes on: Kubernetes shows nothing\n"
	       "  limit       container limit 512MiB, 512MiB used, near it for 41.0s\n"
	       "              /kubepods/pod1/c1\n"
	       "  memory      40MiB used after the kill, 38MiB anon, 512MiB at its peak; at its "
	       "limit "
	       "449 times, 4 kills so far\n"
	       "  stalled     on memory 12.3 % of the last 10s, 8.0 % of 60s, 0.5 % of 5min\n"
	       "  triggered   by the victim itself\n"
	       "  repeats     4 times so far, every 5min 0.0s, growing 48MiB a minute: a leak; the "
	       "first at 06:01:40Z\n"
	       "  chosen      the victim, then its neighbours       RSS     swap   adj\n"
	       "              python3 (pid 8476)                 482MiB       0B   999\n"
	       "              gunicorn (pid 8470)                 20MiB       0B   999\n"
	       "              envoy (pid 9000)                    12MiB       0B     0  proxy\n"
	       "              of 9 processes there\n"
	       "  to do       find the leak: python3 grows 48MiB a minute; a higher limit only "
	       "puts "
	       "it off\n");
}

static void of_a_child(void **state)
{
	(void)state;
	expect("pool",
	       "shop/pool/app, image registry/app:1\n"
	       "2026-11-23T06:00:40Z  worker (pid 31, of gunicorn) crashed: SIGSEGV at address "
	       "0x7000: mapped, but not for this kind of access after 2.00s, 3x, every 1min 0.0s: "
	       "the "
	       "container goes on\n"
	       "  process     worker (pid 31), child of gunicorn, last executed /srv/worker\n"
	       "  repeats     a silent loop: 3 deaths since 05:58:40Z, the last 3 the same way, "
	       "every "
	       "1min 0.0s\n"
	       "  survivors   the container goes on: Kubernetes shows nothing\n"
	       "  to do       let a liveness probe need a worker: the pod stays Running while they "
	       "die\n");
}

/* The kill and the end that it brought are one death. */
static void of_a_kill_that_ended_it(void **state)
{
	struct capture capture;

	(void)state;
	expect("ended",
	       "shop/ended/app, image registry/app:1\n"
	       "2026-11-23T06:00:50Z  killed for memory, after 10.0s\n"
	       "  process     app (pid 4242)\n"
	       "  lived       from 06:00:40Z, never listened\n"
	       "  killed      init python3 (pid 8476): 480MiB anon; oom_score_adj 0, uid 0\n"
	       "  limit       container limit 512MiB, 512MiB used\n"
	       "              /kubepods/pod1/c1\n"
	       "  triggered   by the victim itself\n");
	assert_int_equal(RUN(&capture, cli_why, "why", "ended", "-o", "json", HERE), CLI_OK);
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_int_equal(json_array_size(json), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 0), "type")),
			    "exit");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json, 1), "type")),
			    "oom");
	capture_done(&capture);
}

static size_t deaths_in(const char *const *words, int code)
{
	struct capture capture;

	assert_int_equal(capture_verb(&capture, cli_why, words), code);
	json_auto_t *json = json_loads(capture.out, 0, NULL);

	assert_true(json_is_array(json));
	capture_done(&capture);
	return json_array_size(json);
}

#define DEATHS(code, ...) \
	deaths_in((const char *const[]){"why", __VA_ARGS__, "-o", "json", HERE, NULL}, code)

static void which_deaths(void **state)
{
	struct capture capture;

	(void)state;
	assert_int_equal(DEATHS(CLI_OK, "web"), 1);
	assert_int_equal(DEATHS(CLI_OK, "web", "--all"), 2);
	assert_int_equal(DEATHS(CLI_OK, "web", "--all", "-c", "app"), 2);
	assert_int_equal(DEATHS(CLI_NO_DEATH, "web", "-c", "other"), 0);
	assert_int_equal(DEATHS(CLI_OK, "init"), 1); /* it completed, and nothing else is there */
	assert_int_equal(DEATHS(CLI_NO_DEATH, "well"), 0);
	assert_int_equal(RUN(&capture, cli_why, "why", "well", HERE), CLI_NO_DEATH);
	assert_string_equal(capture.out, "");
	assert_string_equal(capture.error, "nodewake why: no death of 'well' is recorded\n");
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_why, "why", "nobody", HERE), CLI_FAILED);
	assert_non_null(strstr(capture.error, "nodewake why: nothing is recorded of pod"));
	capture_done(&capture);
	assert_int_equal(RUN(&capture, cli_why, "why", HERE), CLI_USAGE);
	capture_done(&capture);
}

static void explain_deaths_is_the_same(void **state)
{
	struct capture why, explain;

	(void)state;
	assert_int_equal(RUN(&why, cli_why, "why", "web", "--all", HERE), CLI_OK);
	assert_int_equal(RUN(&explain, cli_explain, "explain", "--deaths", "web", "--all", HERE),
			 CLI_OK);
	assert_string_equal(why.out, explain.out);
	assert_non_null(strstr(why.out, "\n\nshop/web/app, image registry/app:1\n2026"));
	capture_done(&why);
	capture_done(&explain);
	assert_int_equal(
		RUN(&explain, cli_explain, "explain", "--deaths", "web", "-o", "svg", HERE),
		CLI_USAGE);
	capture_done(&explain);
	assert_int_equal(RUN(&explain, cli_explain, "explain", "web", "--all", HERE), CLI_USAGE);
	capture_done(&explain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_crash),
		cmocka_unit_test(of_a_stop),
		cmocka_unit_test(of_a_leak),
		cmocka_unit_test(of_a_child),
		cmocka_unit_test(which_deaths),
		cmocka_unit_test(of_a_kill_that_ended_it),
		cmocka_unit_test(explain_deaths_is_the_same),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
