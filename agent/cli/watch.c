/* SPDX-License-Identifier: Apache-2.0 */
/* watch: records live, from the daemon's local API. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/sentence.h"
#include "cli/verbs.h"
#include "client/local.h"
#include "model/json.h"

struct watching {
	bool json, all, colour;
	char error[256];
};

static int on_line(void *context, const char *line, size_t length)
{
	struct watching *watching = context;
	json_auto_t *json = json_loadb(line, length, 0, NULL);
	const char *error = json_string_value(json_object_get(json, "error"));
	json_int_t dropped = json_integer_value(json_object_get(json, "dropped"));
	struct record record;

	if (error) {
		snprintf(watching->error, sizeof(watching->error), "%s", error);
	} else if (dropped) {
		fprintf(stderr, "nodewake watch: too slow, %lld records were not shown\n",
			(long long)dropped);
	} else if (record_from_json(json, &record) == 0 && (record.final || watching->all)) {
		if (watching->json)
			printf("%.*s\n", (int)length, line);
		else
			sentence_line(stdout, &record, watching->colour);
		fflush(stdout);
	}
	return ferror(stdout);
}

int cli_watch(int argc, char **argv)
{
	struct watching watching = {.colour = sentence_colour(stdout)};
	struct options options;
	char path[256];
	int r = options_read(&options, OPTION_OUTPUT | OPTION_SOCKET | OPTION_TYPE | OPTION_ALL,
			     "watch [OPTION ...]", NULL, argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	watching.json = options.json;
	watching.all = options.all;
	snprintf(path, sizeof(path), "/v1/watch%s%s", options.type ? "?type=" : "",
		 options.type ?: "");
	r = local_get(options.socket, path, 0, on_line, &watching);
	if (r == 400) {
		fprintf(stderr, "nodewake watch: %s\n", watching.error);
		return CLI_USAGE;
	}
	if (r == -EPERM)
		fprintf(stderr, "nodewake watch: no permission for %s: run it as root\n",
			options.socket);
	else if (r == -ENOENT)
		fprintf(stderr, "nodewake watch: no daemon on %s: start it with nodewake run\n",
			options.socket);
	else
		fprintf(stderr, "nodewake watch: the daemon has ended%s%s\n",
			*watching.error ? ": " : "", watching.error);
	return CLI_NO_DAEMON;
}
