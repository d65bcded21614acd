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

static void print_kernel(const json_t *kernel)
{
	size_t attached = 0, i;
	const json_t *probe;
	char bytes[BYTES_TEXT_SIZE];

	json_array_foreach ((json_t *)at(kernel, "probes"), i, probe)
		attached += json_is_true(at(probe, "attached"));
	text_bytes(number(kernel, "map_bytes"), bytes);
	printf("kernel      %zu of %zu probes attached, %" PRIu64 " records, %" PRIu64
	       " lost, maps %s\n",
	       attached, json_array_size(at(kernel, "probes")), number(kernel, "records"),
	       number(kernel, "lost"), bytes);
}

static void print_containerd(const json_t *containerd)
{
	printf("containerd  %s ",
	       json_is_true(at(containerd, "connected")) ? "connected" : "not reachable");
	text_print_safe(stdout, text(containerd, "socket"));
	fputs(", version ", stdout);
	text_print_safe(stdout, text(containerd, "version"));
	printf(", %" PRIu64 " events, %" PRIu64 " calls, %" PRIu64 " reconnects\n",
	       number(containerd, "events"), number(containerd, "calls"),
	       number(containerd, "reconnects"));
}

static void print_status(const json_t *status)
{
	const json_t *store = at(status, "store"), *cost = at(status, "cost"), *problem;
	const json_t *tracker = at(status, "tracker"), *records = at(tracker, "records"), *count;
	const char *name, *separator = "";
	char uptime[DURATION_TEXT_SIZE], pss[BYTES_TEXT_SIZE], size[BYTES_TEXT_SIZE];
	size_t i;

	text_duration(number(status, "uptime_ns"), uptime);
	text_bytes(number(cost, "pss_bytes"), pss);
	text_bytes(number(store, "bytes"), size);
	printf("nodewake    v%s, %s, watching since %s (%s)\n", text(status, "version"),
	       json_is_true(at(status, "well")) ? "well" : "NOT WELL", text(status, "since"),
	       uptime);
	print_kernel(at(at(status, "sources"), "kernel"));
	print_containerd(at(at(status, "sources"), "containerd"));
	printf("watching    %" PRIu64 " containers in %" PRIu64 " pods\n",
	       number(tracker, "containers"), number(tracker, "pods"));
	fputs("records     ", stdout);
	json_object_foreach ((json_t *)records, name, count) {
		printf("%s%" JSON_INTEGER_FORMAT " %s", separator, json_integer_value(count), name);
		separator = ", ";
	}
	printf("\nstore       %s, %" PRIu64 " waiting\n", size, number(store, "waiting"));
	printf("cost        %s of memory (PSS), %.2f %% of a core\n", pss,
	       json_number_value(at(cost, "cpu_percent")));
	json_array_foreach ((json_t *)at(status, "problems"), i, problem) {
		fputs("problem     ", stdout);
		text_print_safe(stdout, json_string_value(problem) ?: "");
		putchar('\n');
	}
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
			r == -EPERM ? "no permission (run it as root):" : "no daemon answers on",
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
