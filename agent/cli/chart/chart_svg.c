// SPDX-License-Identifier: Apache-2.0
#include "cli/chart/chart_svg.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/xml.h"

#define LABEL_WIDTH  340
#define PLOT_WIDTH   900
#define RIGHT_WIDTH  90
#define WIDTH	     (LABEL_WIDTH + PLOT_WIDTH + RIGHT_WIDTH)
#define HEAD_HEIGHT  64 /* headline, legend */
#define AXIS_HEIGHT  26
#define GROUP_HEIGHT 30
#define ROW_HEIGHT   19
#define BAR_HEIGHT   13
#define LABEL_MAX    44 /* characters */
#define TICKS_MAX    12
#define TICK_WIDTH   50
#define INDENT	     14 /* per depth */

/* The file stands beside this one; paths are from the repository's root, where make runs. */
__asm__(".pushsection .rodata\n"
	".global chart_css\n"
	"chart_css:\n"
	".incbin \"agent/cli/chart/chart.css\"\n"
	".byte 0\n"
	".popsection\n");

static double x_of(const struct chart *chart, uint64_t ns)
{
	double part = chart->total_ns ? (double)ns / (double)chart->total_ns : 0;

	return LABEL_WIDTH + PLOT_WIDTH * (part > 1 ? 1 : part);
}

/* --- the axis --------------------------------------------------------------------------------- */

static uint64_t tick_ns(uint64_t total_ns)
{
	static const uint64_t steps_ms[] = {100,    200,    500,    1000,    2000,
					    5000,   10000,  15000,  30000,   60000,
					    120000, 300000, 600000, 1800000, 3600000};
	size_t count = sizeof(steps_ms) / sizeof(*steps_ms);

	for (size_t i = 0; i < count; i++)
		if (total_ns / (steps_ms[i] * NS_PER_MS) < TICKS_MAX)
			return steps_ms[i] * NS_PER_MS;
	return total_ns / TICKS_MAX + 1;
}

static void print_tick(FILE *out, double x, double seconds, const char *end, bool named)
{
	fprintf(out, "<line class=\"tick%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"100%%\"/>", end,
		x, x, AXIS_HEIGHT - 6);
	if (named)
		fprintf(out,
			"<text class=\"tick-text%s\" x=\"%.1f\" y=\"%d\" "
			"text-anchor=\"middle\">%.*fs</text>\n",
			end, x, AXIS_HEIGHT - 12, *end || seconds != (double)(int64_t)seconds,
			seconds);
}

static void print_axis(FILE *out, const struct chart *chart)
{
	uint64_t step_ns = tick_ns(chart->total_ns);
	double end = x_of(chart, chart->total_ns);

	fputs("<g class=\"axis\">\n", out);
	for (uint64_t i = 0; i <= TICKS_MAX && i * step_ns < chart->total_ns; i++) {
		double x = x_of(chart, i * step_ns);

		print_tick(out, x, (double)(i * step_ns) / (double)NS_PER_SECOND, "",
			   end - x > TICK_WIDTH);
	}
	print_tick(out, end, (double)chart->total_ns / (double)NS_PER_SECOND, " end", true);
	fputs("</g>\n", out);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Cut in the middle: both ends of a name tell names apart. */
static void print_label(FILE *out, const char *label, unsigned int depth)
{
	size_t length = strlen(label);
	cleanup_free char *head = NULL;

	if (columns_of(label) <= LABEL_MAX - 2 * (int)depth) {
		xml_print(out, label);
		return;
	}
	head = malloc(LABEL_MAX);
	if (!head)
		return;
	text_copy(head, LABEL_MAX / 2, label);
	xml_print(out, head);
	fputs("…", out);
	text_copy_tail(head, LABEL_MAX / 2, label + length - LABEL_MAX / 2);
	for (label = head; ((unsigned char)*label & 0xc0) == 0x80;)
		label++;
	xml_print(out, label);
}

/* Line by line, since a newline is not safe to print. */
static void print_lines(FILE *out, const char *lines)
{
	cleanup_free char *copy = strdup(lines ?: "");
	char *rest = NULL;

	for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		fputc('\n', out);
		xml_print(out, line);
	}
}

static void print_title(FILE *out, const struct chart_bar *bar)
{
	fputs("<title>", out);
	xml_print(out, bar->title ?: "");
	if (bar->share)
		fprintf(out, " (so much, not when%s)", bar->reconstructed ? ", reconstructed" : "");
	else
		fprintf(out, " (+%.1fs to +%.1fs%s%s)",
			(double)bar->from_ns / (double)NS_PER_SECOND,
			(double)bar->to_ns / (double)NS_PER_SECOND, bar->open ? ", goes on" : "",
			bar->reconstructed ? ", reconstructed" : "");
	print_lines(out, bar->lines);
	fputs("</title>", out);
}

static void print_bar(FILE *out, const struct chart *chart, const struct chart_bar *bar,
		      size_t index)
{
	double from = x_of(chart, bar->from_ns), width = x_of(chart, bar->to_ns) - from;

	fprintf(out,
		"<rect class=\"bar %s%s%s\" data-bar=\"%zu\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
		"height=\"%d\" rx=\"1.5\">",
		bar->style, bar->critical ? " critical" : "",
		bar->reconstructed ? " reconstructed" : "", index, from,
		(ROW_HEIGHT - BAR_HEIGHT) / 2, width > 1.5 ? width : 1.5, BAR_HEIGHT);
	print_title(out, bar);
	fputs("</rect>", out);
}

static void print_row(FILE *out, const struct chart *chart, size_t index, int y)
{
	const struct chart_row *row = &chart->rows[index];
	uint64_t end_ns = 0, busy_ns = 0;

	fprintf(out,
		"<g class=\"row%s\" data-row=\"%zu\" data-group=\"%zu\" "
		"transform=\"translate(0,%d)\">",
		row->critical ? " critical-row" : "", index, row->group, y);
	fprintf(out, "<text class=\"label\" x=\"%u\" y=\"%d\">%s<title>", 12 + row->depth * INDENT,
		ROW_HEIGHT - 6, row->critical && !row->step ? "▸ " : "");
	xml_print(out, row->label ?: "");
	fputs("</title>", out);
	print_label(out, row->label ?: "", row->depth);
	fputs("</text>", out);
	if (row->step && index && chart->rows[index - 1].step && row->count) {
		double x = x_of(chart, row->bars[0].from_ns);

		fprintf(out, "<path class=\"elbow\" d=\"M%.1f %dV%d\"/>", x, -ROW_HEIGHT / 2,
			ROW_HEIGHT / 2);
	}
	for (size_t i = 0; i < row->count; i++) {
		print_bar(out, chart, &row->bars[i], i);
		busy_ns += row->bars[i].to_ns - row->bars[i].from_ns;
		if (row->bars[i].to_ns > end_ns)
			end_ns = row->bars[i].to_ns;
	}
	if (row->count && row->usual_ns)
		fprintf(out, "<path class=\"usual\" d=\"M%.1f %dH%.1f\"/>",
			x_of(chart, row->bars[0].from_ns), ROW_HEIGHT - 2,
			x_of(chart, row->bars[0].from_ns + row->usual_ns));
	if (busy_ns)
		fprintf(out, "<text class=\"length\" x=\"%.1f\" y=\"%d\">%s</text>",
			x_of(chart, end_ns) + 6, ROW_HEIGHT - 6, text_of_duration(busy_ns));
	fputs("</g>\n", out);
}

static void print_group(FILE *out, const struct chart *chart, size_t index, int y)
{
	const struct chart_group *group = &chart->groups[index];

	fprintf(out, "<g class=\"heading\" data-group=\"%zu\" transform=\"translate(0,%d)\">",
		index, y);
	fprintf(out, "<rect class=\"band\" width=\"%d\" height=\"20\" y=\"6\"/>", WIDTH);
	fputs("<text class=\"group\" x=\"8\" y=\"20\">", out);
	xml_print(out, group->title ?: "");
	if (group->left_out)
		fprintf(out, "<tspan class=\"faint\"> and %zu not shown</tspan>", group->left_out);
	fputs("</text></g>\n", out);
}

static int height_of(const struct chart *chart)
{
	int height = AXIS_HEIGHT + 12;

	for (size_t i = 0; i < chart->count; i++) {
		if (!i || chart->rows[i].group != chart->rows[i - 1].group)
			height += GROUP_HEIGHT;
		height += ROW_HEIGHT;
	}
	return height;
}

static void print_rows(FILE *out, const struct chart *chart)
{
	int y = AXIS_HEIGHT;

	for (size_t i = 0; i < chart->count; i++) {
		if (!i || chart->rows[i].group != chart->rows[i - 1].group) {
			print_group(out, chart, chart->rows[i].group, y);
			y += GROUP_HEIGHT;
		}
		print_row(out, chart, i, y);
		y += ROW_HEIGHT;
	}
}

/* --- the picture ------------------------------------------------------------------------------ */

/* What no bar shows needs no explanation. */
static bool is_used(const struct chart *chart, const char *style)
{
	for (size_t i = 0; i < chart->count; i++) {
		const struct chart_row *row = &chart->rows[i];

		if (row->usual_ns && strcmp(style, "usual") == 0)
			return true;
		for (size_t j = 0; j < row->count; j++)
			if (strcmp(row->bars[j].style, style) == 0 ||
			    (row->bars[j].critical && strcmp(style, "critical") == 0) ||
			    (row->bars[j].reconstructed && strcmp(style, "reconstructed") == 0))
				return true;
	}
	return false;
}

static void print_legend(FILE *out, const struct chart *chart, int y)
{
	int x = 12;

	fprintf(out, "<g class=\"legend\" transform=\"translate(0,%d)\">", y);
	for (const struct chart_legend *one = chart->legend; one->style; one++) {
		if (!is_used(chart, one->style))
			continue;
		if (strcmp(one->style, "usual") == 0)
			fprintf(out, "<path class=\"usual\" d=\"M%d 6h14\"/>", x);
		else
			fprintf(out,
				"<rect class=\"bar %s\" x=\"%d\" y=\"1\" width=\"12\" "
				"height=\"10\"/>",
				one->style, x);
		fprintf(out, "<text class=\"faint\" x=\"%d\" y=\"10\">%s</text>", x + 17,
			one->name);
		x += 34 + (int)strlen(one->name) * 65 / 10;
	}
	fputs("</g>\n", out);
}

void chart_svg_inside(FILE *out, const struct chart *chart)
{
	int height = height_of(chart);

	fprintf(out,
		"<svg class=\"chart\" id=\"legend\" width=\"%d\" height=\"16\" role=\"img\" "
		"aria-label=\"Legend\">",
		WIDTH);
	print_legend(out, chart, 2);
	fprintf(out,
		"</svg>\n<svg class=\"chart\" id=\"waterfall\" width=\"%d\" height=\"%d\" "
		"role=\"img\" "
		"aria-label=\"Waterfall of %s\" data-top=\"%d\" data-row-height=\"%d\" "
		"data-group-height=\"%d\" data-label-width=\"%d\" data-plot-width=\"%d\">\n",
		WIDTH, height, chart->what, AXIS_HEIGHT, ROW_HEIGHT, GROUP_HEIGHT, LABEL_WIDTH,
		PLOT_WIDTH);
	print_axis(out, chart);
	print_rows(out, chart);
	fputs("</svg>\n", out);
}

void chart_svg(FILE *out, const struct chart *chart, const char *headline)
{
	int height = height_of(chart) + HEAD_HEIGHT;

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" "
		"viewBox=\"0 0 %d %d\">\n<title>",
		WIDTH, height, WIDTH, height);
	xml_print(out, headline);
	fprintf(out,
		"</title>\n<style>\n%s</style>\n<rect class=\"paper\" width=\"100%%\" "
		"height=\"100%%\"/>\n",
		chart_css);
	fputs("<text class=\"headline\" x=\"12\" y=\"26\">", out);
	xml_print(out, headline);
	fputs("</text>\n", out);
	print_legend(out, chart, 42);
	fprintf(out, "<svg y=\"%d\" width=\"%d\" height=\"%d\">\n", HEAD_HEIGHT, WIDTH,
		height - HEAD_HEIGHT);
	print_axis(out, chart);
	print_rows(out, chart);
	fputs("</svg>\n</svg>\n", out);
}
