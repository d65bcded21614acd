// SPDX-License-Identifier: Apache-2.0
/* What the records of a boot come to: kills, crashes, the boot itself; the daemon; the verb as a whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/health/health_history.h"
#include "cli/verbs.h"
#include "unit/cli_fixture.h"

#define THIS_BOOT "11111111-2222-3333-4444-555555555555" /* the scene's */

static void expect(const struct health_report *report, size_t index, enum grade grade,
		   const char *text, const char *todo)
{
	assert_true(index < report->count);
	assert_string_equal(report->findings[index].text, text);
	assert_int_equal(report->findings[index].grade, grade);
	assert_string_equal(report->findings[index].todo, todo);
}

static void kills_and_crashes(void **state)
{
	struct health_history history;
	struct health_report report = {0};
	struct scene scene;
	struct record record;

	(void)state;
	scene_open(&scene);
	record = make_oom("web-0", "app", 10);
	scene_put(&scene, &record);
	record = make_oom("web-1", "app", 20);
	scene_put(&scene, &record);
	record = make_exit("db-0", "db", 30);
	scene_put(&scene, &record);
	record = make_exit("done-0", "job", 40);
	record.exit.verdict = EXIT_COMPLETED;
	scene_put(&scene, &record);
	record = make_exit("old-0", "app", 50); /* ended with the boot before, found afterwards */
	record.exit.finished_ns = 0;
	record.exit.reconstructed = true;
	scene_put(&scene, &record);

	health_history_open(&history, scene.dir, THIS_BOOT, NULL);
	health_judge_ooms(&report, &history);
	health_judge_crashes(&report, &history);
	expect(&report, 0, GRADE_WARN,
	       "2 kills for memory since the boot, the last at 06:00:20Z: shop/web-1/app child "
	       "python3 (pid 8476) killed for memory, container survived; container limit 512MiB, "
	       "it "
	       "held 480MiB anon; triggered by itself",
	       "nodewake ooms --boot current");
	expect(&report, 1, GRADE_WARN,
	       "1 crash since the boot, the last at 06:00:30Z: shop/db-0/db ended with exit code 3 "
	       "after 10.0s",
	       "nodewake exits --boot current");
	assert_int_equal(health_conclude(&report), HEALTH_WELL); /* it is over */
	health_history_done(&history);

	/* another namespace, another boot */
	report.count = 0;
	health_history_open(&history, scene.dir, THIS_BOOT, "infra");
	health_judge_ooms(&report, &history);
	health_history_done(&history);
	health_history_open(&history, scene.dir, "another", NULL);
	health_judge_crashes(&report, &history);
	expect(&report, 0, GRADE_OK, "no kills for memory since the boot", "");
	expect(&report, 1, GRADE_OK, "no crashes since the boot", "");
	health_history_done(&history);
	scene_close(&scene);
}

static void details_of_pods(void **state)
{
	struct health_finding finding = {.check = "pod"};
	struct health_history history;
	struct record record;
	struct scene scene;

	(void)state;
	scene_open(&scene);
	record = make_exit("db-0", "db", 30);
	scene_put(&scene, &record);
	record = make_exit("web-0", "app", 31);
	record.type = RECORD_WAIT;
	record.wait =
		(struct record_wait){.reason = "FailedMount", .message = "no volume x", .count = 3};
	scene_put(&scene, &record);
	health_history_open(&history, scene.dir, THIS_BOOT, NULL);

	TEXT_COPY(finding.reason, "CrashLoopBackOff");
	TEXT_COPY(finding.text, "CrashLoopBackOff of db");
	TEXT_COPY(finding.todo, "kubectl logs");
	health_history_detail(&history, &finding, "shop", "db-0");
	assert_string_equal(finding.text,
			    "CrashLoopBackOff of db; last: ended with exit code 3 after 10.0s");
	assert_string_equal(finding.todo, "kubectl logs; nodewake explain db-0 -n shop");

	TEXT_COPY(finding.reason, "ContainerCreating");
	TEXT_COPY(finding.text, "ContainerCreating of app");
	health_history_detail(&history, &finding, "shop", "web-0");
	assert_string_equal(finding.text,
			    "ContainerCreating of app; waits: FailedMount 3x: no volume x");
	/* the status says only that it backs off, the record has the error */
	TEXT_COPY(finding.reason, "ImagePullBackOff");
	TEXT_COPY(finding.text, "ImagePullBackOff of app");
	health_history_detail(&history, &finding, "shop", "web-0");
	assert_string_equal(finding.text,
			    "ImagePullBackOff of app; waits: FailedMount 3x: no volume x");
	/* nothing is known of that one, and what a probe waits for no record tells */
	TEXT_COPY(finding.text, "as it was");
	health_history_detail(&history, &finding, "shop", "other");
	TEXT_COPY(finding.reason, "ProbeFailing");
	health_history_detail(&history, &finding, "shop", "web-0");
	assert_string_equal(finding.text, "as it was");
	health_history_done(&history);
	scene_close(&scene);
}

static struct record make_boot(enum boot_state state)
{
	struct record record = {
		.type = RECORD_BOOT,
		.final = true,
		.key = "boot",
		.boot_ns = 90 * NS_PER_SECOND,
		.boot = {.state = state,
			 .span = {1, 90 * NS_PER_SECOND},
			 .pods_expected = 9,
			 .pods_ready = state == BOOT_READY ? 9 : 8},
	};

	if (state != BOOT_READY) {
		record.boot.missing_total = record.boot.missing_count = 1;
		TEXT_COPY(record.boot.missing[0].pod, "shop/db-0");
		TEXT_COPY(record.boot.missing[0].reason, "CrashLoopBackOff");
	}
	return record;
}

static struct health_report judge_record(const struct record *record, enum grade pods, bool daemon)
{
	struct health_report report = {0};
	struct health_history history;
	struct scene scene;

	scene_open(&scene);
	if (record->boot.state != BOOT_STATE_NONE)
		scene_put(&scene, record);
	health_history_open(&history, scene.dir, THIS_BOOT, NULL);
	health_judge_boot(&report, &history, pods, daemon);
	health_history_done(&history);
	scene_close(&scene);
	return report;
}

static struct health_report judge_boot(enum boot_state state, enum grade pods, bool daemon)
{
	struct record record = make_boot(state);

	return judge_record(&record, pods, daemon);
}

static void boots(void **state)
{
	static const char failed[] =
		"did not recover in time: 8 of 9 pods were ready: shop/db-0 (CrashLoopBackOff)";
	static const char waking[] =
		"still waking: 8 of 9 pods were ready: shop/db-0 (CrashLoopBackOff)";
	struct health_report report = judge_boot(BOOT_STATE_NONE, GRADE_OK, true);
	struct record early = make_boot(BOOT_WAKING);

	(void)state;
	assert_int_equal(report.count, 0);
	report = judge_boot(BOOT_READY, GRADE_OK, true);
	expect(&report, 0, GRADE_OK, "ready 1min 30.0s after the kernel's start, 9 pods", "");
	/* the pods themselves were looked at: they decide */
	report = judge_boot(BOOT_NOT_RECOVERED, GRADE_OK, true);
	expect(&report, 0, GRADE_WARN, failed, "nodewake boot");
	/* without Kubernetes nobody else knows */
	report = judge_boot(BOOT_NOT_RECOVERED, GRADE_UNKNOWN, false);
	expect(&report, 0, GRADE_BAD, failed, "nodewake boot");
	report = judge_boot(BOOT_WAKING, GRADE_UNKNOWN, true);
	expect(&report, 0, GRADE_BAD, waking, "nodewake boot");
	/* the daemon has ended and tells no more: it would be waking for ever */
	report = judge_boot(BOOT_WAKING, GRADE_UNKNOWN, false);
	expect(&report, 0, GRADE_WARN, waking, "nodewake boot");
	/* nobody knows so far which pods will come */
	early.boot.pods_expected = early.boot.pods_ready = 0;
	early.boot.missing_total = early.boot.missing_count = 0;
	report = judge_record(&early, GRADE_UNKNOWN, true);
	expect(&report, 0, GRADE_BAD, "still waking", "nodewake boot");
	assert_null(strstr(report.findings[0].text, "pods"));
}

static void no_records(void **state)
{
	struct health_report report = {0};
	struct health_history history;

	(void)state;
	health_history_open(&history, "/tmp/nodewake-test-none", THIS_BOOT, NULL);
	health_judge_ooms(&report, &history);
	health_judge_crashes(&report, &history);
	health_judge_boot(&report, &history, GRADE_OK, true);
	assert_int_equal(report.count, 2);
	assert_int_equal(report.findings[0].grade, GRADE_UNKNOWN);
	assert_int_equal(health_conclude(&report),
			 HEALTH_WELL); /* it hides nothing that is wrong now */
}

static struct health_report judge_daemon(int answer, const char *status)
{
	struct health_report report = {0};
	json_t *json = status ? json_loads(status, 0, NULL) : NULL;

	health_judge_daemon(&report, answer, json, "/run/n.sock");
	json_decref(json);
	return report;
}

static void daemons(void **state)
{
	struct health_report report = judge_daemon(
		200, "{\"version\":\"0.1.0\",\"since\":\"2026-11-25T10:00:00Z\",\"problems\":[]}");

	(void)state;
	expect(&report, 0, GRADE_OK, "v0.1.0 is well, watching since 2026-11-25T10:00:00Z", "");
	report = judge_daemon(
		200, "{\"version\":\"0.1.0\",\"problems\":[\"probe x is not attached\",\"y\"]}");
	expect(&report, 0, GRADE_WARN, "v0.1.0, not well: probe x is not attached (and 1 more)",
	       "nodewake status; nodewake doctor");
	report = judge_daemon(-ENOENT, NULL);
	expect(&report, 0, GRADE_WARN, "no daemon answers on /run/n.sock",
	       "start it (systemctl start nodewake, or its DaemonSet); until then nothing new is "
	       "recorded");
	report = judge_daemon(-ETIMEDOUT, NULL);
	assert_string_equal(report.findings[0].text, "the daemon on /run/n.sock does not answer");
	report = judge_daemon(-EPERM, NULL);
	expect(&report, 0, GRADE_UNKNOWN, "/run/n.sock: permission denied", "run it as root");
	report = judge_daemon(200, "[]");
	assert_int_equal(report.findings[0].grade, GRADE_WARN);
}

/* A machine with nothing on it: nothing is bad but that no containerd is there. */
static void the_verb(void **state)
{
	struct capture capture;
	struct scene scene;
	char socket[128];

	(void)state;
	scene_open(&scene);
	snprintf(socket, sizeof(socket), "%s/none", scene.dir);
#define HEALTH(...) \
	RUN(&capture, cli_health, "health", "--root", scene.dir, "--socket", socket, __VA_ARGS__)
	assert_int_equal(HEALTH("--state-dir", scene.dir), CLI_FAILED);
	assert_non_null(strstr(capture.out, "bad     containerd "));
	assert_non_null(
		strstr(capture.out, "unknown api        Kubernetes is not installed here\n"));
	assert_non_null(strstr(capture.out, "warn    nodewake   no daemon answers on "));
	assert_non_null(strstr(capture.out, "\nnot well: containerd"));
	capture_done(&capture);

	/* waiting does not help; what goes on goes to stderr */
	assert_int_equal(HEALTH("--state-dir", scene.dir, "--wait", "50ms", "-o", "json"),
			 CLI_FAILED);
	json_t *json = json_loads(capture.out, 0, NULL);

	assert_string_equal(json_string_value(json_object_get(json, "health")), "not well");
	assert_true(json_integer_value(json_object_get(json, "waited_ns")) >= 50000000);
	assert_non_null(strstr(capture.error, "   0s bad     containerd "));
	json_decref(json);
	capture_done(&capture);

	/* a K3s that has not begun: its own containerd is meant, whoever else's may run */
	char path[4][128];
	static const char *const dirs[] = {"/proc", "/etc", "/etc/rancher", "/etc/rancher/k3s"};

	for (int i = 0; i < 4; i++) {
		snprintf(path[i], sizeof(path[i]), "%s%s", scene.dir, dirs[i]);
		assert_int_equal(mkdir(path[i], 0755), 0);
	}
	assert_int_equal(HEALTH("--state-dir", scene.dir), CLI_FAILED);
	assert_non_null(strstr(capture.out, "bad     k3s        does not run\n"));
	assert_non_null(strstr(capture.out, "/run/k3s/containerd/containerd.sock: No such file"));
	assert_non_null(strstr(capture.out, "bad     api        there is no kubeconfig\n"));
	assert_non_null(strstr(capture.out, "\nnot well: k3s, containerd, api"));
	capture_done(&capture);
	for (int i = 3; i >= 0; i--)
		rmdir(path[i]);

	assert_int_equal(HEALTH("--wait", "soon"), CLI_USAGE);
	capture_done(&capture);
	assert_int_equal(HEALTH("--help"), CLI_OK);
	assert_non_null(strstr(capture.out, "--wait TIME"));
	capture_done(&capture);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills_and_crashes),
		cmocka_unit_test(details_of_pods),
		cmocka_unit_test(boots),
		cmocka_unit_test(no_records),
		cmocka_unit_test(daemons),
		cmocka_unit_test(the_verb),
	};

	unsetenv("KUBECONFIG");
	unsetenv("NODEWAKE_KUBECONFIG");
	unsetenv("NODEWAKE_CONTAINERD_SOCKET");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
