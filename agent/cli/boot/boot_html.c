// SPDX-License-Identifier: Apache-2.0
/* The boot report as a page: what stands above its waterfall. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/boot/boot_chart.h"
#include "cli/boot/boot_json.h"
#include "cli/boot/boot_show.h"
#include "cli/chart/chart_html.h"
#include "cli/xml.h"

typedef void (*part_fn)(FILE *out, const struct boot_report *report);

static void print_part(FILE *out, part_fn part, const struct boot_report *report)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *plain = open_memstream(&text, &size);

	if (!plain)
		return;
	part(plain, report);
	fclose(plain);
	xml_print(out, text);
}

static void show_before(FILE *out, const struct boot_report *report)
{
	boot_show_before(out, &report->record.boot);
}

static void print_summary(FILE *out, const struct boot_report *report)
{
	const struct record_boot *boot = &report->record.boot;

	fputs("<header>\n<h1>", out);
	print_part(out, boot_show_state, report);
	fputs("</h1>\n<p>Boot of ", out);
	print_part(out, boot_show_began, report);
	if (boot->pods_expected)
		fprintf(out, ", %" PRIu32 " of %" PRIu32 " pods ready", boot->pods_ready,
			boot->pods_expected);
	fprintf(out, ", <span%s>", report->verdict.slower ? " class=\"slower\"" : "");
	print_part(out, boot_show_usual, report);
	fputs("</span></p>\n", out);
	if (boot->last_end != BOOT_END_UNKNOWN || boot->down_ns || *boot->last_evidence) {
		fputs("<p class=\"quiet\">Before it: ", out);
		print_part(out, show_before, report);
		fputs("</p>\n", out);
	}
	if (!boot->measured)
		fputs("<p class=\"quiet\">Reconstructed: nodewake came after the container "
		      "runtime, so "
		      "these are the stamps it found</p>\n",
		      out);
	else if (boot->early)
		fputs("<p class=\"quiet\">Measured: its probes were pinned before the agent ran, "
		      "and before the container runtime</p>\n",
		      out);
	fputs("</header>\n", out);
}

static void print_missing(FILE *out, const struct record_boot *boot)
{
	if (!boot->missing_count)
		return;
	fprintf(out, "<h2>%s %" PRIu32 " of %" PRIu32 " pods</h2>\n<table>\n",
		boot->state == BOOT_WAKING ? "Not ready yet:" : "Missing:", boot->missing_total,
		boot->pods_expected);
	for (uint32_t i = 0; i < boot->missing_count && i < BOOT_MISSING_MAX; i++) {
		const struct boot_missing *one = &boot->missing[i];
		char command[BOOT_COMMAND_SIZE];

		fputs("<tr><td>", out);
		xml_print(out, one->pod);
		fputs("</td><td>", out);
		xml_print(out, one->container);
		fputs("</td><td>", out);
		xml_print(out, *one->reason ? one->reason : "no sign of it");
		fputs(*one->detail ? ": " : "", out);
		xml_print(out, one->detail);
		boot_next_command(boot, one, command);
		fputs("</td><td><code>", out);
		xml_print(out, command);
		fputs("</code></td></tr>\n", out);
	}
	fputs("</table>\n", out);
}

/* The caller frees both; NULL for want of memory. */
static char *summary(const struct boot_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_summary(out, report);
	print_missing(out, &report->record.boot);
	fclose(out);
	return text;
}

static char *title(const struct boot_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs("Boot of ", out);
	boot_show_began(out, report);
	fputs(", ", out);
	boot_show_state(out, report);
	fclose(out);
	return text;
}

int boot_show_html(FILE *out, const struct boot_report *report)
{
	cleanup_free char *above = summary(report), *name = title(report);
	json_auto_t *data = boot_json_report(report);
	struct chart chart;
	int r = above && name && data ? boot_chart_make(&chart, report) : -ENOMEM;

	if (r < 0)
		return r;
	r = chart_html(out, &chart,
		       &(struct chart_page){.title = name,
					    .summary = above,
					    .search = "pod, unit, phase",
					    .data = data});
	chart_done(&chart);
	return r;
}
