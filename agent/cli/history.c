/* SPDX-License-Identifier: Apache-2.0 */
/* starts, ooms, exits, pulls, gaps, waits: what the store holds, also while the daemon is down. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/death/death_filter.h"
#include "cli/death/deaths_by.h"
#include "cli/options.h"
#include "cli/starts_by.h"
#include "model/sentence.h"
#include "cli/verbs.h"
#include "model/json.h"
#include "store/store.h"

struct listing {
	const struct options *options;
	unsigned int types; /* bits of enum record_type */
	bool colour;
	uint32_t rows;
	char day[WALL_TEXT_SIZE];
};

/* The day as a heading of its own, so that the lines stay short. */
static void print_day(struct listing *listing, const struct record *record)
{
	char time[WALL_TEXT_SIZE];

	clock_wall_text((int64_t)record->boot_ns + record->wall_offset_ns, 0, time);
	time[strlen("2026-11-23")] = '\0';
	if (strcmp(time, listing->day) != 0)
		printf("%s\n", time);
	memcpy(listing->day, time, sizeof(time));
}

static int on_row(void *context, const char *boot_id, const struct record *record)
{
	struct listing *listing = context;

	if (record->type == RECORD_PULL && !record->final &&
	    !pull_goes_on(record, (int64_t)clock_boot_ns() + clock_wall_offset_ns()))
		return 0;
	if (!(listing->types >> record->type & 1) || !death_filter_passes(listing->options, record))
		return 0;
	listing->rows++;
	if (listing->options->json) {
		json_t *json = record_to_json(record);

		json_object_set_new(json, "boot_id", json_string(boot_id));
		json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		putchar('\n');
		json_decref(json);
	} else {
		print_day(listing, record);
		sentence_line(stdout, record, listing->colour);
	}
	return listing->rows == listing->options->limit;
}

static int list(struct store *store, enum record_type type, const char *verb,
		const struct options *options)
{
	struct listing listing = {
		.options = options,
		.types = 1u << type,
		.colour = sentence_colour(stdout),
	};
	char boot_id[BOOT_ID_SIZE] = "";

	if (strcmp(options->boot, "current") == 0)
		clock_boot_id(boot_id);
	else if (strcmp(options->boot, "all") != 0)
		snprintf(boot_id, sizeof(boot_id), "%s", options->boot);
	struct store_query query = {
		.type = type,
		.pod_namespace = options->pod_namespace,
		.pod = options->pod,
		.container = options->container,
		.boot_id = *boot_id ? boot_id : NULL,
		.min_duration_ns = options->slower_ns,
		.order = options->slowest_first ? STORE_LONGEST_FIRST : STORE_NEWEST_FIRST,
		.limit = options->limit,
	};
	if (options->children) {
		listing.types |= 1u << RECORD_CHILD;
		query.type = RECORD_NONE;
	}
	if (options->children || death_filter_chooses(options))
		query.limit = 0; /* it counts what is shown */
	if (options->since_ns)
		query.since_wall_ns = (int64_t)clock_boot_ns() + clock_wall_offset_ns() -
				      (int64_t)options->since_ns;
	int r = store_query(store, &query, on_row, &listing);

	if (r < 0) {
		fprintf(stderr, "nodewake %s: the store can't be read: %s\n", verb, strerror(-r));
		return CLI_FAILED;
	}
	if (!listing.rows && !options->json)
		fprintf(stderr, "nodewake %s: nothing recorded that fits\n", verb);
	return listing.rows ? CLI_OK : CLI_FAILED;
}

static int history(enum record_type type, unsigned int more, const char *usage, int argc,
		   char **argv)
{
	struct options options;
	struct store *store;
	char why[256];
	int r = options_read(
		&options, OPTION_OUTPUT | OPTION_STATE_DIR | OPTION_FILTER | OPTION_HISTORY | more,
		usage, NULL, argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	r = store_open_reader(&store, options.state_dir, why);
	if (r < 0) {
		fprintf(stderr, "nodewake %s: %s\n", argv[0], why);
		return CLI_FAILED;
	}
	if (options.by == BY_NOTHING)
		r = list(store, type, argv[0], &options);
	else
		r = type == RECORD_START ? starts_by_image(store, &options)
					 : deaths_by(store, type, argv[0], &options);
	store_close(store);
	return r;
}

int cli_starts(int argc, char **argv)
{
	return history(RECORD_START, OPTION_BY, "starts [OPTION ...]", argc, argv);
}

int cli_ooms(int argc, char **argv)
{
	return history(RECORD_OOM, OPTION_BY_DEATHS | OPTION_SCOPE, "ooms [OPTION ...]", argc,
		       argv);
}

int cli_exits(int argc, char **argv)
{
	return history(RECORD_EXIT, OPTION_BY_DEATHS | OPTION_ENDS, "exits [OPTION ...]", argc,
		       argv);
}

int cli_pulls(int argc, char **argv)
{
	return history(RECORD_PULL, 0, "pulls [OPTION ...]", argc, argv);
}

int cli_gaps(int argc, char **argv)
{
	return history(RECORD_GAP, 0, "gaps [OPTION ...]", argc, argv);
}

int cli_waits(int argc, char **argv)
{
	return history(RECORD_WAIT, 0, "waits [OPTION ...]", argc, argv);
}

int cli_host(int argc, char **argv)
{
	return history(RECORD_HOST, 0, "host [OPTION ...]", argc, argv);
}
