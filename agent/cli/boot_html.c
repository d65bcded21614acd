// SPDX-License-Identifier: Apache-2.0
/*
 * The boot report as one file for a browser: the waterfall, hover, search, light and dark. It loads nothing, and its
 * policy forbids it to. The data stands in it as JSON without < > &, so no text can end the script element.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/boot_json.h"
#include "cli/boot_show.h"
#include "cli/boot_svg.h"
#include "cli/xml.h"

extern const char boot_page_css[], boot_page_js[];

__asm__(".pushsection .rodata\n"
	".global boot_page_css\n"
	"boot_page_css:\n"
	".incbin \"agent/cli/boot_page.css\"\n"
	".byte 0\n"
	".global boot_page_js\n"
	"boot_page_js:\n"
	".incbin \"agent/cli/boot_page.js\"\n"
	".byte 0\n"
	".popsection\n");

/* --- data ------------------------------------------------------------------------------------- */

static json_t *bars_json(const struct chart_row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < row->count; i++) {
		const struct chart_bar *bar = &row->bars[i];

		json_array_append_new(list, json_pack("{so so so sb sb sb}", "title",
						      boot_json_text(bar->title ?: ""), "from_ns",
						      boot_json_number(bar->from_ns), "to_ns",
						      boot_json_number(bar->to_ns), "critical",
						      bar->critical, "reconstructed",
						      bar->reconstructed, "open", bar->open));
	}
	return list;
}

static json_t *chart_json(const struct chart *chart)
{
	json_t *list = json_array();

	for (size_t i = 0; i < chart->count; i++) {
		const struct chart_row *row = &chart->rows[i];

		json_array_append_new(list, json_pack("{so so sb so}", "label",
						      boot_json_text(row->label ?: ""), "detail",
						      boot_json_text(row->detail ?: ""), "critical",
						      row->critical, "bars", bars_json(row)));
	}
	return list;
}

/* In JSON these three stand inside of texts only, where they may be written as escapes. */
static void print_embedded(FILE *out, const char *json)
{
	for (; *json; json++)
		if (strchr("<>&", *json))
			fprintf(out, "\\u%04x", (unsigned int)*json);
		else
			fputc(*json, out);
}

static int print_data(FILE *out, const struct boot_report *report, const struct chart *chart)
{
	json_auto_t *json = boot_json_report(report);
	cleanup_free char *text = NULL;

	if (!json || json_object_set_new(json, "chart", chart_json(chart)) < 0)
		return -ENOMEM;
	text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (!text)
		return -ENOMEM;
	fputs("<script type=\"application/json\" id=\"report\">", out);
	print_embedded(out, text);
	fputs("</script>\n", out);
	return 0;
}

/* --- head ------------------------------------------------------------------------------------- */

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

static void print_head(FILE *out, const struct boot_report *report)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, "
	      "initial-scale=1\">\n<title>Boot of ",
	      out);
	print_part(out, boot_show_began, report);
	fputs(", ", out);
	print_part(out, boot_show_state, report);
	fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body class=\"chart\">\n",
		boot_chart_css, boot_page_css);
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

static void print_body(FILE *out, const struct boot_report *report, const struct chart *chart)
{
	print_summary(out, report);
	print_missing(out, &report->record.boot);
	fputs("<div class=\"tools\" id=\"tools\" hidden>\n"
	      "<input type=\"search\" id=\"search\" placeholder=\"Search: pod, unit, phase ( / )\" "
	      "aria-label=\"Search\" autocomplete=\"off\">\n"
	      "<label><input type=\"checkbox\" id=\"critical\"> critical path only</label>\n"
	      "<span id=\"count\" class=\"quiet\" role=\"status\"></span>\n</div>\n"
	      "<div class=\"scroll\">\n",
	      out);
	boot_svg_inside(out, chart);
	fputs("</div>\n<div id=\"tip\" role=\"tooltip\" hidden></div>\n", out);
}

int boot_show_html(FILE *out, const struct boot_report *report)
{
	struct chart chart;
	int r = boot_chart_make(&chart, report);

	if (r < 0)
		return r;
	print_head(out, report);
	print_body(out, report, &chart);
	r = print_data(out, report, &chart);
	fprintf(out, "<script>\n%s</script>\n</body>\n</html>\n", boot_page_js);
	boot_chart_done(&chart);
	return r;
}
