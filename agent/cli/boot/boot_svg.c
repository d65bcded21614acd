// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/boot/boot_chart.h"
#include "cli/boot/boot_show.h"
#include "cli/chart/chart_svg.h"

/* A picture has no columns: commas instead. The caller frees it; NULL for want of memory. */
static char *headline(const struct boot_report *report)
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
	fputs(", ", out);
	boot_show_usual(out, report);
	fclose(out);
	return text;
}

int boot_show_svg(FILE *out, const struct boot_report *report)
{
	cleanup_free char *text = headline(report);
	struct chart chart;
	int r = text ? boot_chart_make(&chart, report) : -ENOMEM;

	if (r < 0)
		return r;
	chart_svg(out, &chart, text);
	chart_done(&chart);
	return 0;
}
