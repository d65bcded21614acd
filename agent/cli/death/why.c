// SPDX-License-Identifier: Apache-2.0
#include "cli/death/why.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/death/certificate.h"
#include "cli/explain/explain_show.h"
#include "cli/verbs.h"
#include "model/json.h"
#include "model/sentence.h"

#define BEFORE_MAX 3 /* earlier deaths below the newest one, a line each */

static int append(json_t *list, const struct record *record)
{
	return record ? json_array_append_new(list, record_to_json(record)) : 0;
}

/* The records that the certificates are made of. */
static int show_json(FILE *out, const struct death_list *list, size_t count)
{
	json_auto_t *json = json_array();
	int r = json ? 0 : -1;

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = append(json, list->deaths[i].exit);
		r = r ?: append(json, list->deaths[i].oom);
		r = r ?: append(json, list->deaths[i].child);
	}
	if (r < 0 || json_dumpf(json, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0)
		return -ENOMEM;
	fputc('\n', out);
	return 0;
}

static void show_earlier(FILE *out, const struct death_list *list, bool colour)
{
	if (list->count < 2)
		return;
	fputs("\nBefore that\n", out);
	for (size_t i = 1; i < list->count && i <= BEFORE_MAX; i++) {
		fputs("  ", out);
		sentence_line(out, death_head(&list->deaths[i]), colour);
	}
	if (list->count > BEFORE_MAX + 1)
		fprintf(out, "  and %zu more, see --all\n", list->count - 1 - BEFORE_MAX);
}

static void show_text(FILE *out, const struct death_list *list, size_t count)
{
	bool colour = sentence_colour(out);

	for (size_t i = 0; i < count; i++) {
		fputs(i ? "\n" : "", out);
		certificate_print(out, &list->deaths[i], colour);
	}
	if (count == 1)
		show_earlier(out, list, colour);
}

static int show(const char *verb, const struct dossier *dossier, const struct options *options,
		bool json)
{
	struct death_list list;
	int r = deaths_find(&list, dossier, options->container);

	if (r < 0) {
		fprintf(stderr, "nodewake %s: %s\n", verb, strerror(-r));
		return CLI_FAILED;
	}
	size_t count = options->all || !list.count ? list.count : 1;

	if (json)
		r = show_json(stdout, &list, count);
	else
		show_text(stdout, &list, count);
	if (!list.count && !json) {
		fprintf(stderr, "nodewake %s: no death of '", verb);
		text_print_safe(stderr, options->word);
		fputs("' is recorded\n", stderr);
	}
	deaths_done(&list);
	return r < 0 ? CLI_FAILED : count ? CLI_OK : CLI_NO_DEATH;
}

int why_show(const char *verb, struct store *store, const struct options *options, bool json)
{
	struct dossier dossier;
	int r = dossier_read(&dossier, store, options->pod_namespace, options->word);

	if (r < 0)
		explain_refuse(verb, r, &dossier, options->word);
	r = r < 0 ? CLI_FAILED : show(verb, &dossier, options, json);
	dossier_done(&dossier);
	return r;
}

int cli_why(int argc, char **argv)
{
	struct options options;
	struct store *store;
	char why[256];
	int r = options_read(&options,
			     OPTION_OUTPUT | OPTION_STATE_DIR | OPTION_NAMESPACE | OPTION_DEATHS,
			     "why POD [OPTION ...]",
			     "POD is a pod's name, or the beginning of a container id. Exit status "
			     "4: nothing of it "
			     "died.",
			     argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	if (!options.word) {
		fprintf(stderr, "nodewake why: which pod? See nodewake why --help\n");
		return CLI_USAGE;
	}
	r = store_open_reader(&store, options.state_dir, why);
	if (r < 0) {
		fprintf(stderr, "nodewake why: %s\n", why);
		return CLI_FAILED;
	}
	r = why_show("why", store, &options, options.json);
	store_close(store);
	return r;
}
