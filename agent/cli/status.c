/* SPDX-License-Identifier: Apache-2.0 */
/* status: is the daemon well, what does it cost, what did it miss. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "client/local.h"
#include "model/json.h"

static int on_line(void *context, const char *line, size_t length)
{
	json_t **status = context;

	json_decref(*status);
	*status = json_loadb(line, length, 0, NULL);
	return 0;
}

static const json_t *at(const json_t *json, const char *name)
{
	return json_object_get(json, name);
}

static uint64_t number(const json_t *json, const char *name)
{
	return (uint64_t)json_integer_value(at(json, name));
}

static const char *text(const json_t *json, const char *name)
{
	return json_string_value(at(json, name)) ?: "";
}

static void print_text(const json_t *json, const char *name)
{
	text_print_safe(stdout, text(json, name));
}

/* Only where kernel.bpf_stats_enabled=1 lets the kernel count. */
static void print_probe_costs(const json_t *probes)
{
	const char *separator = "probes      ";
	const json_t *probe;
	size_t i;

	json_array_foreach ((json_t *)probes, i, probe) {
		char mean[DURATION_TEXT_SIZE];

		if (!number(probe, "runs"))
			continue;
		text_duration(number(probe, "run_ns") / number(probe, "runs"), mean);
		fputs(separator, stdout);
		print_text(probe, "name");
		printf(" %s", mean);
		separator = ", ";
	}
	if (*separator == ',')
		puts(" a run");
}

static void print_kernel(const json_t *kernel)
{
	const json_t *probes = at(kernel, "probes"), *probe;
	size_t attached = 0, on_demand = 0, i;
	char bytes[BYTES_TEXT_SIZE];

	if (json_is_false(at(kernel, "up"))) {
		puts("kernel      not watched");
		return;
	}
	json_array_foreach ((json_t *)probes, i, probe) {
		attached += json_is_true(at(probe, "attached"));
		on_demand += json_is_true(at(probe, "on_demand")) &&
			     !json_is_true(at(probe, "attached"));
	}
	text_bytes(number(kernel, "map_bytes"), bytes);
	printf("kernel      %zu of %zu probes attached", attached,
	       json_array_size(probes) - on_demand);
	if (on_demand)
		printf(" (%zu more while containers start)", on_demand);
	printf(", %" PRIu64 " records, %" PRIu64 " lost, maps %s%s\n", number(kernel, "records"),
	       number(kernel, "lost"), bytes, json_is_true(at(kernel, "pinned")) ? ", pinned" : "");
	print_probe_costs(probes);
}

static void print_containerd(const json_t *containerd)
{
	printf("containerd  %s ",
	       json_is_true(at(containerd, "connected")) ? "connected" : "not reachable");
	print_text(containerd, "socket");
	if (*text(containerd, "version")) {
		fputs(", version ", stdout);
		print_text(containerd, "version");
	}
	printf(", %" PRIu64 " events, %" PRIu64 " calls", number(containerd, "events"),
	       number(containerd, "calls"));
	if (number(containerd, "failed_calls"))
		printf(" (%" PRIu64 " failed)", number(containerd, "failed_calls"));
	printf(", %" PRIu64 " reconnects\n", number(containerd, "reconnects"));
}

static void print_systemd(const json_t *systemd)
{
	if (!systemd)
		return;
	if (*text(systemd, "cause")) {
		fputs("systemd     not reachable: ", stdout);
		print_text(systemd, "cause");
	} else {
		printf("systemd     %" PRIu64 " units of the boot, %" PRIu64 " orderings",
		       number(systemd, "units"), number(systemd, "orderings"));
		if (number(systemd, "left_out"))
			printf(", %" PRIu64 " left out", number(systemd, "left_out"));
	}
	putchar('\n');
}

/* An agent of before this one does not tell of it. */
static void print_journal(const json_t *journal)
{
	if (!journal || !number(journal, "looks"))
		return;
	fputs("journal     ", stdout);
	if (json_is_true(at(journal, "up")))
		printf("%" PRIu64 " file%s", number(journal, "files"),
		       number(journal, "files") == 1 ? "" : "s");
	else
		print_text(journal, "cause");
	if (number(journal, "unreadable"))
		printf(" (%" PRIu64 " unreadable)", number(journal, "unreadable"));
	printf(", %" PRIu64 " milestones of the boot\n", number(journal, "milestones"));
}

static void print_records(const json_t *records)
{
	const json_t *count;
	const char *name, *separator = "";

	fputs("records     ", stdout);
	json_object_foreach ((json_t *)records, name, count) {
		printf("%s%" JSON_INTEGER_FORMAT " ", separator, json_integer_value(count));
		text_print_safe(stdout, name);
		separator = ", ";
	}
	putchar('\n');
}

static void print_kubernetes(const json_t *kubernetes)
{
	const json_t *events = at(kubernetes, "events");

	if (!kubernetes)
		return;
	printf("kubernetes  %s ",
	       json_is_true(at(kubernetes, "reachable")) ? "connected" : "not reachable");
	print_text(kubernetes, "server");
	fputs(", node ", stdout);
	print_text(kubernetes, "node");
	printf(", %" PRIu64 " Events written, %" PRIu64 " waiting",
	       number(events, "created") + number(events, "updated"), number(events, "pending"));
	if (number(events, "given_up"))
		printf(", %" PRIu64 " given up", number(events, "given_up"));
	putchar('\n');
}

static void print_problems(const json_t *problems)
{
	const json_t *problem;
	size_t i;

	json_array_foreach ((json_t *)problems, i, problem) {
		fputs("problem     ", stdout);
		text_print_safe(stdout, json_string_value(problem) ?: "");
		putchar('\n');
	}
}

static void print_status(const json_t *status)
{
	const json_t *store = at(status, "store"), *cost = at(status, "cost");
	const json_t *tracker = at(status, "tracker"), *sources = at(status, "sources");
	char uptime[DURATION_TEXT_SIZE], pss[BYTES_TEXT_SIZE], size[BYTES_TEXT_SIZE];

	text_duration(number(status, "uptime_ns"), uptime);
	text_bytes(number(cost, "pss_bytes"), pss);
	text_bytes(number(store, "bytes"), size);
	fputs("nodewake    v", stdout);
	print_text(status, "version");
	printf(", %s, watching since ", json_is_true(at(status, "well")) ? "well" : "NOT WELL");
	print_text(status, "since");
	printf(" (%s)\n", uptime);
	print_kernel(at(sources, "kernel"));
	print_containerd(at(sources, "containerd"));
	print_systemd(at(sources, "systemd"));
	print_journal(at(sources, "journal"));
	printf("watching    %" PRIu64 " containers in %" PRIu64 " pods\n",
	       number(tracker, "containers"), number(tracker, "pods"));
	print_records(at(tracker, "records"));
	printf("store       %s, %" PRIu64 " waiting\n", size, number(store, "waiting"));
	print_kubernetes(at(status, "kubernetes"));
	printf("cost        %s of memory (PSS), %.2f %% of a core\n", pss,
	       json_number_value(at(cost, "cpu_percent")));
	print_problems(at(status, "problems"));
}

int cli_status(int argc, char **argv)
{
	json_t *status = NULL;
	struct options options;
	int r = options_read(&options, OPTION_OUTPUT | OPTION_SOCKET, "status [OPTION ...]", NULL,
			     argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	r = local_get(options.socket, "/v1/status", 10000, on_line, &status);
	if (r != 200 || !json_is_object(status)) {
		json_decref(status);
		fprintf(stderr, "nodewake status: %s %s\n",
			r == -EPERM	  ? "no permission (run it as root):"
			: r == -ETIMEDOUT ? "the daemon is there and does not answer:"
					  : "no daemon answers on",
			options.socket);
		return CLI_NO_DAEMON;
	}
	bool well = json_is_true(at(status, "well"));

	if (options.json) {
		json_dumpf(status, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else {
		print_status(status);
	}
	json_decref(status);
	return well ? CLI_OK : CLI_FAILED;
}
