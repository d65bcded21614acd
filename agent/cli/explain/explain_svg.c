// SPDX-License-Identifier: Apache-2.0
/* A pod as a picture and as trace events. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/chart/chart_svg.h"
#include "cli/chart/chart_trace.h"
#include "cli/explain/explain_chart.h"
#include "cli/explain/explain_show.h"
#include "cli/json_safe.h"

/* The caller frees it; NULL for want of memory. */
static char *headline(const struct dossier *dossier)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	explain_show_name(out, dossier);
	explain_show_ready(out, dossier, ", ");
	fclose(out);
	return text;
}

int explain_show_svg(FILE *out, const struct dossier *dossier)
{
	cleanup_free char *text = headline(dossier);
	struct chart chart;
	int r = text ? explain_chart_make(&chart, dossier, true) : -ENOMEM;

	if (r < 0)
		return r;
	chart_svg(out, &chart, text);
	chart_done(&chart);
	return 0;
}

int explain_show_trace(FILE *out, const struct dossier *dossier)
{
	const struct subject *subject = &dossier->records[0].subject;
	json_auto_t *about = json_pack(
		"{so so so}", "namespace", json_safe_text(subject->pod_namespace), "pod",
		json_safe_text(subject->pod), "pod_uid", json_safe_text(subject->pod_uid));
	struct chart chart;
	int r = about ? explain_chart_make(&chart, dossier, false) : -ENOMEM;

	if (r < 0)
		return r;
	r = chart_trace(out, &chart, about);
	chart_done(&chart);
	return r;
}
