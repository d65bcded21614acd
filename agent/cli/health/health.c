/* SPDX-License-Identifier: Apache-2.0 */
/* health: the one command after a reboot. Is this node well, what is not, what to do next. */
#include "cli/health/health.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/health/health_api.h"
#include "cli/health/health_history.h"
#include "cli/health/health_pressure.h"
#include "cli/health/health_print.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "client/grpc_hello.h"
#include "client/local.h"
#include "model/sentence.h"

#define PERIOD_NS (2 * NS_PER_SECOND) /* between two looks, while it is waited */

/* All that was asked for and gathered; the checks judge it. */
struct health {
	const struct options *options;
	sd_event *loop;
	struct kube *kube; /* kept from one look to the next */
	char boot_id[BOOT_ID_SIZE];
	struct health_machine machine;
	struct health_api api;
	struct health_pressure pressure;
	struct health_history history;
	char containerd_socket[256];
	int containerd_answer, daemon_answer;
	json_t *daemon_status;
};

/* --- findings -------------------------------------------------------------------------------- */

struct health_finding *health_find(struct health_report *report, const char *check,
				   enum grade grade, const char *format, ...)
{
	static struct health_finding overflow;
	struct health_finding *finding = report->count < HEALTH_FINDINGS_MAX
						 ? &report->findings[report->count++]
						 : &overflow;
	va_list arguments;

	*finding = (struct health_finding){.check = check, .grade = grade};
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	return finding;
}

void health_advise(struct health_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->todo, sizeof(finding->todo), format, arguments);
	va_end(arguments);
}

const char *grade_name(enum grade grade)
{
	static const char *const names[GRADE_COUNT] = {"ok", "warn", "bad", "unknown"};

	return grade < GRADE_COUNT ? names[grade] : "?";
}

enum grade health_grade(const struct health_report *report, const char *check)
{
	enum grade worst = GRADE_UNKNOWN;

	for (size_t i = 0; i < report->count; i++) {
		enum grade grade = report->findings[i].grade;

		if (strcmp(report->findings[i].check, check) == 0 && grade != GRADE_UNKNOWN &&
		    (worst == GRADE_UNKNOWN || grade > worst))
			worst = grade;
	}
	return worst;
}

enum health_verdict health_conclude(const struct health_report *report)
{
	enum health_verdict verdict = HEALTH_WELL;

	for (size_t i = 0; i < report->count; i++) {
		const struct health_finding *finding = &report->findings[i];

		if (finding->grade == GRADE_BAD)
			return HEALTH_NOT_WELL;
		if (finding->grade == GRADE_UNKNOWN && !finding->aside)
			verdict = HEALTH_NOT_JUDGED;
	}
	return verdict;
}

/* --- one look -------------------------------------------------------------------------------- */

static int on_line(void *context, const char *line, size_t length)
{
	json_t **status = context;

	json_decref(*status);
	*status = json_loadb(line, length, 0, NULL);
	return 0;
}

static void ask_daemon(struct health *health)
{
	health->daemon_answer = local_get(health->options->socket, "/v1/status", HEALTH_DEADLINE_MS,
					  on_line, &health->daemon_status);
}

/*
 * Where it belongs, by what is installed: beside K3s, whose own may not be there so far, another containerd may run. Where
 * there is none the daemon may know of one; from inside a pod it may call it by another name.
 */
static void find_containerd(struct health *health)
{
	const json_t *sources = json_object_get(health->daemon_status, "sources");
	const json_t *containerd = json_object_get(sources, "containerd");
	const char *known = json_string_value(json_object_get(containerd, "socket")) ?: "";
	bool k3s = health_machine_kind(&health->machine) == KIND_K3S;

	snprintf(health->containerd_socket, sizeof(health->containerd_socket), "%s%s",
		 health->options->root,
		 k3s ? "/run/k3s/containerd/containerd.sock" : "/run/containerd/containerd.sock");
	if (access(health->containerd_socket, F_OK) < 0 && errno == ENOENT &&
	    access(known, F_OK) == 0)
		TEXT_COPY(health->containerd_socket, known);
}

static void ask_containerd(struct health *health)
{
	if (health->options->containerd_socket)
		TEXT_COPY(health->containerd_socket, health->options->containerd_socket);
	else
		find_containerd(health);
	health->containerd_answer = grpc_hello(health->containerd_socket, HEALTH_DEADLINE_MS);
}

/* As run does: the flag or its variable; else what the daemon calls this node; else the host's name. */
static const char *node_name(const struct health *health)
{
	const json_t *kubernetes = json_object_get(health->daemon_status, "kubernetes");

	return health->options->node_name ?: json_string_value(json_object_get(kubernetes, "node"));
}

/*
 * What was named for this verb or for kubectl; else what the daemon has from its own settings, which a shell does not
 * know. NULL: to be searched for.
 */
static const char *kubeconfig(const struct health *health)
{
	const json_t *kubernetes = json_object_get(health->daemon_status, "kubernetes");
	const char *known = json_string_value(json_object_get(kubernetes, "kubeconfig")) ?: "";
	const char *list = getenv("KUBECONFIG") ?: "";

	if (health->options->kubeconfig || *list)
		return health->options->kubeconfig;
	return *known == '/' && access(known, F_OK) == 0 ? known : NULL;
}

static void gather(struct health *health)
{
	const struct options *options = health->options;

	health_machine_read(&health->machine, options->root);
	ask_daemon(health);
	health_api_ask(&health->api, &health->kube, health->loop, options->root, kubeconfig(health),
		       node_name(health), options->pod_namespace, &health->machine);
	ask_containerd(health);
	health_pressure_read(&health->pressure, options->root);
	health_history_open(&health->history, options->state_dir, health->boot_id,
			    options->pod_namespace);
}

static void forget(struct health *health)
{
	health_machine_done(&health->machine);
	health_api_done(&health->api);
	health_history_done(&health->history);
	json_decref(health->daemon_status);
	health->daemon_status = NULL;
}

static void check_service(struct health *health, struct health_report *report)
{
	health_judge_service(report, &health->machine);
}

static void check_containerd(struct health *health, struct health_report *report)
{
	health_judge_containerd(report, &health->machine, health->containerd_socket,
				health->containerd_answer);
}

static void check_api(struct health *health, struct health_report *report)
{
	health_judge_api(report, &health->api, &health->machine);
}

static void check_node(struct health *health, struct health_report *report)
{
	health_judge_node(report, &health->api, &health->machine, health->boot_id);
}

static void check_pods(struct health *health, struct health_report *report)
{
	health_judge_pods(report, &health->api, &health->machine, health->options->pod_namespace,
			  health_history_detail, &health->history);
}

static void check_cpu(struct health *health, struct health_report *report)
{
	health_judge_cpu(report, &health->pressure);
}

static void check_memory(struct health *health, struct health_report *report)
{
	health_judge_memory(report, &health->pressure);
}

static void check_io(struct health *health, struct health_report *report)
{
	health_judge_io(report, &health->pressure);
}

static void check_disks(struct health *health, struct health_report *report)
{
	health_judge_disks(report, &health->pressure);
}

static void check_ooms(struct health *health, struct health_report *report)
{
	health_judge_ooms(report, &health->history);
}

static void check_crashes(struct health *health, struct health_report *report)
{
	health_judge_crashes(report, &health->history);
}

static void check_daemon(struct health *health, struct health_report *report)
{
	health_judge_daemon(report, health->daemon_answer, health->daemon_status,
			    health->options->socket);
}

static void check_boot(struct health *health, struct health_report *report)
{
	health_judge_boot(report, &health->history, health_grade(report, "pods"),
			  health->daemon_answer == 200);
}

/* In the order in which a node comes up; what is shown. */
static void (*const checks[])(struct health *health, struct health_report *report) = {
	check_service, check_containerd, check_api,  check_node,  check_pods,
	check_cpu,     check_memory,	 check_io,   check_disks, check_ooms,
	check_crashes, check_daemon,	 check_boot,
};

static void look(struct health *health, struct health_report *ret)
{
	*ret = (struct health_report){0};
	gather(health);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](health, ret);
	forget(health);
}

/* --- looking again --------------------------------------------------------------------------- */

/* Nothing but what no time will change is in the way of a judgement. */
static bool is_hopeless(const struct health_report *report)
{
	if (health_conclude(report) != HEALTH_NOT_JUDGED)
		return false;
	for (size_t i = 0; i < report->count; i++)
		if (report->findings[i].grade == GRADE_UNKNOWN && report->findings[i].hopeless)
			return true;
	return false;
}

static struct winsize size_of(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col <= 20 || size.ws_row <= 2)
		size = (struct winsize){.ws_col = 80, .ws_row = 24};
	return size;
}

static void pause_until(uint64_t boot_ns)
{
	const struct timespec until = {.tv_sec = (time_t)(boot_ns / NS_PER_SECOND),
				       .tv_nsec = (long)(boot_ns % NS_PER_SECOND)};

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Returns how long it was waited. */
static uint64_t wait_until_well(struct health *health, struct health_report *report)
{
	uint64_t begin_ns = clock_boot_ns(), wait_ns = health->options->wait_ns, waited_ns = 0;
	cleanup_free struct health_report *before = calloc(1, sizeof(*before));
	FILE *out = health->options->json ? stderr : stdout;
	bool redraw = isatty(fileno(out)), first = true;
	unsigned int lines = 0;

	for (;;) {
		look(health, report);
		waited_ns = clock_boot_ns() - begin_ns;
		bool over = health_conclude(report) == HEALTH_WELL || is_hopeless(report) ||
			    waited_ns >= wait_ns;

		if (!wait_ns || (first && over))
			return 0;
		if (redraw)
			health_print_redraw(out, over ? NULL : report, waited_ns, wait_ns,
					    size_of(out), &lines);
		else if (before)
			health_print_changes(out, first ? NULL : before, report, waited_ns);
		if (over)
			return waited_ns;
		if (before)
			*before = *report;
		first = false;
		uint64_t next_ns = clock_boot_ns() + PERIOD_NS;

		pause_until(next_ns < begin_ns + wait_ns ? next_ns : begin_ns + wait_ns);
	}
}

static int exit_code(const struct health_report *report)
{
	switch (health_conclude(report)) {
	case HEALTH_WELL:
		return CLI_OK;
	case HEALTH_NOT_WELL:
		return CLI_FAILED;
	default:
		return CLI_NO_DAEMON;
	}
}

int cli_health(int argc, char **argv)
{
	struct options options;
	struct health health = {.options = &options};
	int r = options_read(&options,
			     OPTION_OUTPUT | OPTION_NAMESPACE | OPTION_STATE_DIR | OPTION_SOCKET |
				     OPTION_HEALTH,
			     "health [OPTION ...]", NULL, argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	cleanup_free struct health_report *report = calloc(1, sizeof(*report));

	r = report ? sd_event_new(&health.loop) : -ENOMEM;
	if (r < 0) {
		fprintf(stderr, "nodewake health: %s\n", strerror(-r));
		return CLI_NO_DAEMON;
	}
	clock_boot_id(health.boot_id);
	uint64_t waited_ns = wait_until_well(&health, report);

	if (options.json) {
		health_print_json(stdout, report, waited_ns);
	} else {
		health_print_text(stdout, report, sentence_colour(stdout));
		putchar('\n');
		health_print_conclusion(stdout, report);
		putchar('\n');
	}
	kube_free(health.kube);
	sd_event_unref(health.loop);
	return exit_code(report);
}
