/* SPDX-License-Identifier: Apache-2.0 */
/* watch: records live, from the daemon's local API. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/options.h"
#include "model/sentence.h"
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
		TEXT_COPY(watching->error, error);
	} else if (dropped) {
		fprintf(stderr, "nodewake watch: too slow, %lld records were not shown\n",
			(long long)dropped);
	} else if (record_from_json(json, &record) == 0 &&
		   (record.final || watching->all || record.type == RECORD_PULL)) {
		if (watching->json) {
			json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
			putchar('\n');
		} else {
			sentence_line(stdout, &record, watching->colour);
		}
		fflush(stdout);
	}
	return ferror(stdout);
}

/* The words of --type again, in the order of the types. */
static void make_path(unsigned int types, char ret_path[static 128])
{
	int used = sprintf(ret_path, "/v1/watch");

	for (enum record_type type = RECORD_NONE + 1; type < RECORD_TYPE_COUNT; type++)
		if (types & 1u << type)
			used += sprintf(
				ret_path + used, "%s%s",
				strchr(ret_path, '?') ? "," : "?type=", record_type_name(type));
}

/* A watch only ends when something did not go on: says what. */
static int tell_end(const char *socket, int result, const char *error)
{
	fputs("nodewake watch: ", stderr);
	switch (result) {
	case -EPERM:
		fprintf(stderr, "no permission for %s: run it as root\n", socket);
		break;
	case -ENOENT:
		fprintf(stderr, "no daemon on %s: start it with nodewake run\n", socket);
		break;
	case -ETIMEDOUT:
		fprintf(stderr, "the daemon on %s is silent, it hangs or was stopped\n", socket);
		break;
	case 200:
	case -EIO:
		fputs("the daemon has ended\n", stderr);
		break;
	default:
		fprintf(stderr, "the daemon refuses (%d): ", result);
		text_print_safe(stderr, error);
		fputc('\n', stderr);
		return CLI_FAILED;
	}
	return CLI_NO_DAEMON;
}

int cli_watch(int argc, char **argv)
{
	struct watching watching = {.colour = sentence_colour(stdout)};
	struct options options;
	char path[128];
	int r = options_read(&options, OPTION_OUTPUT | OPTION_SOCKET | OPTION_TYPE | OPTION_ALL,
			     "watch [OPTION ...]", NULL, argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	watching.json = options.json;
	watching.all = options.all;
	make_path(options.types, path);
	r = local_get(options.socket, path, 0, on_line, &watching);
	if (ferror(stdout)) {
		fputs("nodewake watch: cannot write\n", stderr);
		return CLI_FAILED;
	}
	return tell_end(options.socket, r, watching.error);
}
