/* SPDX-License-Identifier: Apache-2.0 */
/* explain: one pod, phase by phase, then how its containers died. The verb: which pod, which form, which exit code. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/explain/explain_show.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/death/why.h"
#include "model/json.h"
#include "model/sentence.h"

int explain_show_json(FILE *out, const struct dossier *dossier)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < dossier->count; i++)
		json_array_append_new(list, record_to_json(&dossier->records[i]));
	if (!list || json_dumpf(list, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}

static void print_candidates(const char *verb, const struct dossier *dossier, const char *word)
{
	fprintf(stderr,
		"nodewake %s: '%s' is more than one pod; choose with -n NAMESPACE or more of the "
		"container id:\n",
		verb, word);
	for (size_t i = 0; i < dossier->count; i++) {
		const struct subject *subject = &dossier->records[i].subject;
		bool shown = false;

		for (size_t j = 0; j < i && !shown; j++)
			shown = dossier_same_name(&dossier->records[j].subject, subject);
		if (shown)
			continue;
		fputs("  ", stderr);
		text_print_safe(stderr, *subject->pod ? subject->pod_namespace : "container");
		fputc('/', stderr);
		text_print_safe(stderr, *subject->pod ? subject->pod : subject->container_id);
		fputc('\n', stderr);
	}
}

void explain_refuse(const char *verb, int error, const struct dossier *dossier, const char *word)
{
	switch (error) {
	case -ENOENT:
		fprintf(stderr,
			"nodewake %s: nothing is recorded of pod or container '%s' on this node; "
			"nodewake starts lists what is\n",
			verb, word);
		break;
	case -ENOTUNIQ:
		print_candidates(verb, dossier, word);
		break;
	default:
		fprintf(stderr, "nodewake %s: the store can't be read: %s\n", verb,
			strerror(-error));
	}
}

static int show(const struct dossier *dossier, enum report_format format)
{
	switch (format) {
	case REPORT_JSON:
		return explain_show_json(stdout, dossier);
	case REPORT_SVG:
		return explain_show_svg(stdout, dossier);
	case REPORT_HTML:
		return explain_show_html(stdout, dossier);
	case REPORT_TRACE:
		return explain_show_trace(stdout, dossier);
	default:
		explain_show_text(stdout, dossier, sentence_colour(stdout));
		return 0;
	}
}

static int explain(struct store *store, const struct options *options)
{
	struct dossier dossier;
	int r = dossier_read(&dossier, store, options->pod_namespace, options->word);

	if (r < 0)
		explain_refuse("explain", r, &dossier, options->word);
	else if ((r = show(&dossier, options->format)) < 0)
		fprintf(stderr, "nodewake explain: %s\n",
			r == -ENODATA ? "no start of it is recorded, so there is nothing to draw; "
					"--output text tells what happened"
				      : strerror(-r));
	dossier_done(&dossier);
	return r < 0 ? CLI_FAILED : CLI_OK;
}

int cli_explain(int argc, char **argv)
{
	struct options options;
	struct store *store;
	char why[256];
	int r = options_read(&options,
			     OPTION_FORMAT | OPTION_STATE_DIR | OPTION_NAMESPACE | OPTION_DEATHS |
				     OPTION_EXPLAIN,
			     "explain POD [OPTION ...]",
			     "POD is a pod's name, or the beginning of a container id.", argc,
			     argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	if (!options.word) {
		fprintf(stderr, "nodewake explain: which pod? See nodewake explain --help\n");
		return CLI_USAGE;
	}
	if (!options.deaths ? options.all || options.container : options.format > REPORT_JSON) {
		fprintf(stderr,
			"nodewake explain: --all and --container go with --deaths, and that gives "
			"text or json\n");
		return CLI_USAGE;
	}
	r = store_open_reader(&store, options.state_dir, why);
	if (r < 0) {
		fprintf(stderr, "nodewake explain: %s\n", why);
		return CLI_FAILED;
	}
	r = options.deaths ? why_show("explain", store, &options, options.format == REPORT_JSON)
			   : explain(store, &options);
	store_close(store);
	return r;
}
