/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: can nodewake run here; one line for each thing it needs, with what to do. */
#include "cli/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/options.h"
#include "model/sentence.h"
#include "cli/verbs.h"
#include "model/json.h"

struct finding *doctor_find(struct doctor *doctor, const char *what, enum health health,
			    const char *format, ...)
{
	static struct finding overflow;
	struct finding *finding =
		doctor->count < FINDINGS_MAX ? &doctor->findings[doctor->count++] : &overflow;
	va_list arguments;

	finding->what = what;
	finding->health = health;
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	return finding;
}

void doctor_advise(struct finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->todo, sizeof(finding->todo), format, arguments);
	va_end(arguments);
}

bool doctor_exists(const struct doctor *doctor, const char *path)
{
	cleanup_free char *full = NULL;

	return asprintf(&full, "%s%s", doctor->root, path) >= 0 && access(full, F_OK) == 0;
}

int doctor_read_line(const struct doctor *doctor, const char *path, const char *prefix,
		     char ret_line[static 256])
{
	cleanup_free char *full = NULL;
	char line[256];

	if (asprintf(&full, "%s%s", doctor->root, path) < 0)
		return -ENOMEM;
	cleanup_fclose FILE *file = fopen(full, "re");

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		strcpy(ret_line, line + strlen(prefix));
		return 0;
	}
	return -ENODATA;
}

static const char *health_name(enum health health)
{
	return health == HEALTH_OK ? "ok" : health == HEALTH_WARNING ? "warn" : "fail";
}

static void print_text(const struct doctor *doctor)
{
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
	bool colour = sentence_colour(stdout);

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		printf("%s%-4s%s  %-12s ", colour ? colours[finding->health] : "",
		       health_name(finding->health), colour ? "\033[0m" : "", finding->what);
		text_print_safe(stdout, finding->text);
		if (*finding->todo) {
			printf("\n      %-12s ", "");
			text_print_safe(stdout, finding->todo);
		}
		putchar('\n');
	}
}

static void print_json(const struct doctor *doctor)
{
	json_auto_t *list = json_array();

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];
		/* jansson refuses what is not UTF-8, and a path may be anything */
		json_t *text = json_string(finding->text);

		json_array_append_new(list, json_pack("{s:s s:s s:o s:s}", "check", finding->what,
						      "health", health_name(finding->health),
						      "text", text ? text : json_string("?"),
						      "todo", finding->todo));
	}
	json_dumpf(list, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
}

/* All is there: 0; something is missing, and it runs: 1; neither source can work: 2. */
static int conclude(const struct doctor *doctor)
{
	if (doctor->no_kernel && doctor->no_containerd)
		return CLI_USAGE;
	for (size_t i = 0; i < doctor->count; i++)
		if (doctor->findings[i].health != HEALTH_OK)
			return CLI_FAILED;
	return CLI_OK;
}

int cli_doctor(int argc, char **argv)
{
	struct doctor doctor = {0};
	struct options options;
	int r = options_read(&options, OPTION_OUTPUT | OPTION_STATE_DIR | OPTION_DOCTOR,
			     "doctor [OPTION ...]", NULL, argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	doctor.root = options.root;
	doctor.state_dir = options.state_dir;
	doctor.containerd_socket = options.containerd_socket;
	doctor.cni_dirs = options.cni_dirs;
	doctor_check_kernel(&doctor);
	doctor_check_node(&doctor);
	if (options.json)
		print_json(&doctor);
	else
		print_text(&doctor);
	return conclude(&doctor);
}
