// SPDX-License-Identifier: Apache-2.0
/* The boot as trace events; times since power-on. */
#include <errno.h>

#include "base/clock.h"
#include "cli/boot/boot_chart.h"
#include "cli/boot/boot_show.h"
#include "cli/chart/chart_trace.h"
#include "model/json.h"

int boot_show_trace(FILE *out, const struct boot_report *report)
{
	json_auto_t *about = NULL;
	struct chart chart;
	char began[WALL_TEXT_SIZE];
	int r = boot_chart_make(&chart, report);

	if (r < 0)
		return r;
	clock_wall_text(boot_report_began(report), 3, began);
	about = json_pack("{ss ss ss}", "boot_id", report->boot_id, "power_on", began, "state",
			  boot_state_name(report->record.boot.state));
	r = about ? chart_trace(out, &chart, about) : -ENOMEM;
	chart_done(&chart);
	return r;
}
