/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "base/units.h"
#include "cli/death/death_filter.h"
#include "model/json.h"

static int take_output(struct options *options, const char *text)
{
	options->json = strcmp(text, "json") == 0;
	return options->json || strcmp(text, "text") == 0 ? 0 : -EINVAL;
}

static int take_format(struct options *options, const char *text)
{
	static const char *const words[] = {[REPORT_TEXT] = "text",
					    [REPORT_JSON] = "json",
					    [REPORT_SVG] = "svg",
					    [REPORT_HTML] = "html",
					    [REPORT_TRACE] = "trace"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], text) == 0) {
			options->format = (enum report_format)i;
			return 0;
		}
	return -EINVAL;
}

static int take_list(struct options *options, const char *text)
{
	(void)text;
	options->list = true;
	return 0;
}

static int take_compare(struct options *options, const char *text)
{
	(void)text;
	options->compare = true;
	return 0;
}

static int take_against(struct options *options, const char *text)
{
	options->compare = true;
	options->against = text;
	return *text ? 0 : -EINVAL;
}

static int take_follow(struct options *options, const char *text)
{
	(void)text;
	options->follow = true;
	return 0;
}

static int take_state_dir(struct options *options, const char *text)
{
	options->state_dir = text;
	return 0;
}

static int take_socket(struct options *options, const char *text)
{
	options->socket = text;
	return 0;
}

static int take_namespace(struct options *options, const char *text)
{
	options->pod_namespace = text;
	return 0;
}

static int take_pod(struct options *options, const char *text)
{
	options->pod = text;
	return 0;
}

static int take_container(struct options *options, const char *text)
{
	options->container = text;
	return 0;
}

static int take_since(struct options *options, const char *text)
{
	return units_duration(text, &options->since_ns);
}

static int take_boot(struct options *options, const char *text)
{
	options->boot = text;
	return *text ? 0 : -EINVAL;
}

static int take_slower(struct options *options, const char *text)
{
	return units_duration(text, &options->slower_ns);
}

static int take_sort(struct options *options, const char *text)
{
	options->slowest_first = strcmp(text, "slowest") == 0;
	return options->slowest_first || strcmp(text, "newest") == 0 ? 0 : -EINVAL;
}

static int take_by_image(struct options *options, const char *text)
{
	options->by = BY_IMAGE;
	return strcmp(text, "image") == 0 ? 0 : -EINVAL;
}

static int take_by(struct options *options, const char *text)
{
	static const char *const words[] = {[BY_POD] = "pod",
					    [BY_CONTAINER] = "container",
					    [BY_IMAGE] = "image",
					    [BY_VERDICT] = "verdict"};

	for (enum group_by by = BY_POD; by <= BY_VERDICT; by++)
		if (strcmp(words[by], text) == 0) {
			options->by = by;
			return 0;
		}
	return -EINVAL;
}

static int take_verdict(struct options *options, const char *text)
{
	enum exit_verdict verdict = EXIT_VERDICT_NONE + 1;

	while (verdict < EXIT_VERDICT_COUNT && strcmp(exit_verdict_name(verdict), text) != 0)
		verdict++;
	options->verdict = verdict;
	return verdict < EXIT_VERDICT_COUNT ? 0 : -EINVAL;
}

static int take_scope(struct options *options, const char *text)
{
	enum limit_scope scope = SCOPE_NONE;

	while (scope < SCOPE_COUNT && strcmp(limit_scope_name(scope), text) != 0)
		scope++;
	options->scope = scope;
	return scope < SCOPE_COUNT ? 0 : -EINVAL;
}

static int take_signal(struct options *options, const char *text)
{
	options->signal = death_filter_signal(text);
	return options->signal ? 0 : -EINVAL;
}

static int take_children(struct options *options, const char *text)
{
	(void)text;
	options->children = true;
	return 0;
}

static int take_limit(struct options *options, const char *text)
{
	char *end;
	unsigned long limit = strtoul(text, &end, 10);

	options->limit = (uint32_t)limit;
	return !isdigit((unsigned char)*text) || *end || !limit || limit > 1000000 ? -EINVAL : 0;
}

static int take_type(struct options *options, const char *text)
{
	options->types = 0;
	while (*text) {
		size_t length = strcspn(text, ",");
		enum record_type type = RECORD_NONE + 1;

		while (type < RECORD_TYPE_COUNT &&
		       (strlen(record_type_name(type)) != length ||
			strncmp(record_type_name(type), text, length) != 0))
			type++;
		if (type == RECORD_TYPE_COUNT)
			return -EINVAL;
		options->types |= 1u << type;
		text += length + (text[length] == ',');
	}
	return options->types ? 0 : -EINVAL;
}

static int take_all(struct options *options, const char *text)
{
	(void)text;
	options->all = true;
	return 0;
}

static int take_deaths(struct options *options, const char *text)
{
	(void)text;
	options->deaths = true;
	return 0;
}

static int take_containerd_socket(struct options *options, const char *text)
{
	options->containerd_socket = text;
	return *text ? 0 : -EINVAL;
}

static int take_kubeconfig(struct options *options, const char *text)
{
	options->kubeconfig = text;
	return *text ? 0 : -EINVAL;
}

static int take_node_name(struct options *options, const char *text)
{
	options->node_name = text;
	return *text ? 0 : -EINVAL;
}

static int take_wait(struct options *options, const char *text)
{
	return units_duration(text, &options->wait_ns);
}

static int take_cni_dirs(struct options *options, const char *text)
{
	options->cni_dirs = text;
	return *text ? 0 : -EINVAL;
}

static int take_root(struct options *options, const char *text)
{
	options->root = text;
	return 0;
}

static const struct option {
	unsigned int sets;
	const char *flag, *letter, *value, *help;
	int (*take)(struct options *options, const char *text);
	const char *wants;
} table[] = {
	{OPTION_FILTER | OPTION_NAMESPACE, "--namespace", "-n", "NAME",
	 "pods of this namespace only", take_namespace, "a namespace"},
	{OPTION_FILTER, "--pod", "-p", "NAME", "this pod only", take_pod, "a pod's name"},
	{OPTION_FILTER | OPTION_DEATHS, "--container", "-c", "NAME", "containers of this name only",
	 take_container, "a container's name"},
	{OPTION_HISTORY, "--since", NULL, "TIME", "not older than this, like 2h", take_since,
	 "a number and ms, s, min, h or d, like 2h"},
	{OPTION_HISTORY, "--boot", NULL, "BOOT", "all (default), current, or a boot id", take_boot,
	 "all, current or a boot id"},
	{OPTION_HISTORY, "--slower-than", NULL, "TIME", "that took longer than this", take_slower,
	 "a number and ms, s, min, h or d, like 5s"},
	{OPTION_HISTORY, "--sort", NULL, "ORDER", "newest (default) or slowest", take_sort,
	 "newest or slowest"},
	{OPTION_BY, "--by", NULL, "image",
	 "per image: the latest start against the median of those before it", take_by_image,
	 "image"},
	{OPTION_BY_DEATHS, "--by", NULL, "WHAT",
	 "groups with their counts and trends: pod, container, image or verdict", take_by,
	 "pod, container, image or verdict"},
	{OPTION_ENDS, "--verdict", NULL, "WORD", "that ended so: crashed, error, stopped, ...",
	 take_verdict,
	 "completed, error, crashed, oom-killed, stopped, killed, self-killed, signaled, "
	 "start-failed "
	 "or lost"},
	{OPTION_ENDS, "--signal", NULL, "SIGNAL", "that ended by it, or was sent it, like SEGV",
	 take_signal, "a signal like SEGV or 11"},
	{OPTION_ENDS, "--children", NULL, NULL,
	 "also children that died while their container went on", take_children, ""},
	{OPTION_SCOPE, "--scope", NULL, "WORD",
	 "of this limit: container, pod, cgroup, node or none", take_scope,
	 "container, pod, cgroup, node or none"},
	{OPTION_HISTORY, "--limit", NULL, "N", "at most so many, default 100", take_limit,
	 "a number from 1 to 1000000"},
	{OPTION_REPORT, "--boot", "-b", "BOOT",
	 "-1 the one before the latest, current, or a boot id", take_boot,
	 "a number like -1, current, or a boot id"},
	{OPTION_REPORT, "--list", NULL, NULL, "the boots that are recorded, one line each",
	 take_list, ""},
	{OPTION_REPORT, "--compare", NULL, NULL, "what took longer than usual", take_compare, ""},
	{OPTION_REPORT, "--against", NULL, "BOOT", "what took longer than in that boot",
	 take_against, "a number like -1, current, or a boot id"},
	{OPTION_REPORT, "--follow", "-f", NULL, "redraw while the node wakes, until it is ready",
	 take_follow, ""},
	{OPTION_REPORT | OPTION_FORMAT, "--output", "-o", "FORMAT",
	 "text (default), json, svg, html or trace", take_format, "text, json, svg, html or trace"},
	{OPTION_TYPE, "--type", "-t", "TYPES",
	 "start, oom, exit, child, host, pull, boot, gap, wait, unit, separated by commas",
	 take_type, "a list of start, oom, exit, child, host, pull, boot, gap, wait, unit"},
	{OPTION_EXPLAIN, "--deaths", NULL, NULL, "how it died instead, as nodewake why tells it",
	 take_deaths, ""},
	{OPTION_DEATHS, "--all", NULL, NULL, "every death that is recorded, not only the newest",
	 take_all, ""},
	{OPTION_ALL, "--all", NULL, NULL, "also what is not complete yet", take_all, ""},
	{OPTION_OUTPUT, "--output", "-o", "FORMAT", "text (default) or json", take_output,
	 "text or json"},
	{OPTION_STATE_DIR, "--state-dir", NULL, "DIR", "where the daemon keeps records",
	 take_state_dir, "a directory"},
	{OPTION_SOCKET, "--socket", NULL, "PATH", "the daemon's local API", take_socket, "a path"},
	{OPTION_HEALTH, "--wait", NULL, "TIME", "until all is well, at most so long, like 10m",
	 take_wait, "a number and ms, s, m, h or d, like 10m"},
	{OPTION_HEALTH, "--kubeconfig", NULL, "FILE",
	 "how to reach the API server; found by itself", take_kubeconfig, "a file"},
	{OPTION_HEALTH, "--node-name", NULL, "NAME", "this node's name in Kubernetes",
	 take_node_name, "a name"},
	{OPTION_DOCTOR | OPTION_HEALTH, "--containerd-socket", NULL, "PATH",
	 "containerd's socket, as for run", take_containerd_socket, "a path"},
	{OPTION_DOCTOR, "--cni-dirs", NULL, "DIRS", "directories of CNI plugins, as for run",
	 take_cni_dirs, "directories separated by colons"},
	{OPTION_DOCTOR | OPTION_HEALTH, "--root", NULL, "DIR", NULL, take_root, "a directory"},
};

#define COUNT (sizeof(table) / sizeof(*table))

static void help(unsigned int set, const char *usage, const char *word)
{
	printf("Usage: nodewake %s\n\n", usage);
	if (word)
		printf("%s\n\n", word);
	for (size_t i = 0; i < COUNT; i++)
		if (table[i].sets & set && table[i].help) {
			char flag[64];

			snprintf(flag, sizeof(flag), "%s%s%s %s", table[i].letter ?: "",
				 table[i].letter ? ", " : "    ", table[i].flag,
				 table[i].value ?: "");
			printf("  %-26s %s\n", flag, table[i].help);
		}
}

/* Returns how many words it took, or -EINVAL. */
static int read_option(struct options *options, unsigned int set, const char *verb, int argc,
		       char **argv)
{
	const char *word = argv[0];
	size_t length = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);

	for (size_t i = 0; i < COUNT; i++) {
		const struct option *option = &table[i];
		bool named =
			strlen(option->flag) == length && strncmp(option->flag, word, length) == 0;
		const char *value = word[length] ? word + length + 1 : argc > 1 ? argv[1] : NULL;

		if (!(option->sets & set) ||
		    (!named && (!option->letter || strcmp(option->letter, word))))
			continue;
		if (option->value && !value) {
			fprintf(stderr, "nodewake %s: %s wants %s\n", verb, option->flag,
				option->wants);
			return -EINVAL;
		}
		if (option->take(options, value) < 0) {
			fprintf(stderr, "nodewake %s: %s: '%s' is not %s\n", verb, option->flag,
				value, option->wants);
			return -EINVAL;
		}
		return option->value && !word[length] ? 2 : 1;
	}
	fprintf(stderr, "nodewake %s: '%s' is not known; --help lists the options\n", verb, word);
	return -EINVAL;
}

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

int options_read(struct options *ret, unsigned int set, const char *usage, const char *word,
		 int argc, char **argv)
{
	struct options options = {
		.state_dir = from_environment("NODEWAKE_STATE_DIR", DEFAULT_STATE_DIR),
		.socket = from_environment("NODEWAKE_SOCKET", DEFAULT_SOCKET),
		.containerd_socket = from_environment("NODEWAKE_CONTAINERD_SOCKET", NULL),
		.cni_dirs = from_environment("NODEWAKE_CNI_DIRS", NULL),
		.kubeconfig = from_environment("NODEWAKE_KUBECONFIG", NULL),
		.node_name = from_environment("NODEWAKE_NODE_NAME", NULL),
		.boot = "all",
		.scope = SCOPE_COUNT,
		.root = "",
		.limit = 100,
	};

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help(set, usage, word);
			return 1;
		}
	for (int i = 1, used; i < argc; i += used) {
		used = 1;
		bool plain = *argv[i] != '-' || !argv[i][1]; /* "-" is standard input */

		if (plain && word && !options.word)
			options.word = argv[i];
		else
			used = read_option(&options, set, argv[0], argc - i, argv + i);
		if (used < 0)
			return -EINVAL;
	}
	*ret = options;
	return 0;
}
