/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain/explain_topic.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/cause.h"

/* Of a start that is over at once the counters tell nothing. */
#define WORTH_NS NS_PER_SECOND

/* "cpu 12.3s (36 %), io 3.00s (9 %, all 1.00s)": what is at least a percent; else "nothing". */
static void print_times(FILE *out, const struct pressure_times *times, uint64_t span_ns)
{
	const struct {
		const char *name;
		uint64_t some_ns, full_ns;
	} kinds[] = {
		{"cpu", times->cpu_some_ns, 0},
		{"io", times->io_some_ns, times->io_full_ns},
		{"memory", times->memory_some_ns, times->memory_full_ns},
	};
	const char *comma = " ";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		double percent = 100.0 * (double)kinds[i].some_ns / (double)span_ns;

		if (percent < 1)
			continue;
		fprintf(out, "%s%s %s (%.0f %%", comma, kinds[i].name,
			text_of_duration(kinds[i].some_ns), percent);
		if (kinds[i].full_ns * 100 >= span_ns)
			fprintf(out, ", all %s", text_of_duration(kinds[i].full_ns));
		fputc(')', out);
		comma = ", ";
	}
	if (*comma == ' ')
		fputs(" nothing", out);
}

static void print_pressure(FILE *out, const struct start_pressure *pressure)
{
	uint64_t span_ns = span_length(pressure->span);

	if (span_ns < WORTH_NS)
		return;
	if (pressure->measured) {
		fputs("  pressure: node", out);
		print_times(out, &pressure->node, span_ns);
		fputs("; pod", out);
		if (pressure->pod_measured)
			print_times(out, &pressure->pod, span_ns);
		else
			fputs(" not measured", out);
		fprintf(out, "; of %s\n", text_of_duration(span_ns));
	}
	if (pressure->memory_total_bytes)
		fprintf(out, "  node: %s of %s of memory available",
			text_of_bytes(pressure->memory_available_bytes),
			text_of_bytes(pressure->memory_total_bytes));
	if (*pressure->disk) {
		fputs(pressure->memory_total_bytes ? "; disk " : "  node: disk ", out);
		text_print_safe(out, pressure->disk);
		fprintf(out, " busy %" PRIu32 " %%, queue %" PRIu32 ".%" PRIu32 ", %s a request",
			pressure->disk_busy_percent, pressure->disk_queue_tenths / 10,
			pressure->disk_queue_tenths % 10,
			text_of_duration(pressure->disk_latency_ns));
	}
	if (pressure->memory_total_bytes || *pressure->disk)
		fputc('\n', out);
}

static void print_cause(FILE *out, const struct record_start *start, const struct cause *cause)
{
	char *text = NULL;
	size_t size = 0;
	FILE *raw = open_memstream(&text, &size);

	if (!raw)
		return;
	cause_print(raw, start, cause);
	fclose(raw);
	text_print_safe(out, text);
	free(text);
}

static void print_probe(FILE *out, const struct record_start *start)
{
	const struct start_why *why = &start->why;
	const struct cause cause = {.kind = CAUSE_PROBE, .ns = why->probe_delay_ns};

	if (why->probe_delay_ns < WORTH_NS)
		return;
	fprintf(out, "  probes: able to answer %s before it was Ready: ",
		text_of_duration(why->probe_delay_ns));
	print_cause(out, start, &cause);
	fputc('\n', out);
}

void explain_advice(FILE *out, const struct record_start *start)
{
	print_pressure(out, &start->why.pressure);
	print_probe(out, start);
	if (start->why.advice_rule == ADVICE_NONE)
		return;
	fputs("  advice: ", out);
	text_print_safe(out, start->why.advice);
	fputc('\n', out);
}
