/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "base/units.h"

enum kind { TEXT, DURATION, SIZE, LINES, SWITCH, LEVEL };

#define LINES_MAX 100

static const struct setting {
	const char *flag, *value; /* value: its name in the help; NULL for a switch */
	enum kind kind;
	size_t offset;
	const char *initial; /* NULL: none */
	const char *help;
} table[] = {
	{"containerd-socket", "PATH", TEXT, offsetof(struct settings, containerd_socket), "",
	 "containerd's socket; found by itself at containerd's and K3s's places"},
	{"containerd-namespace", "NAME", TEXT, offsetof(struct settings, containerd_namespace),
	 "k8s.io", "containerd namespace to watch"},
	{"state-dir", "DIR", TEXT, offsetof(struct settings, state_dir), DEFAULT_STATE_DIR,
	 "where records are kept"},
	{"socket", "PATH", TEXT, offsetof(struct settings, socket), DEFAULT_SOCKET,
	 "local API for watch and status"},
	{"cni-dirs", "DIRS", TEXT, offsetof(struct settings, cni_dirs),
	 "/opt/cni/bin/:/usr/lib/cni/:/usr/libexec/cni/:/var/lib/rancher/k3s/data/",
	 "directories of CNI plugins, colon-separated, at most 8"},
	{"cgroup-root", "DIR", TEXT, offsetof(struct settings, cgroup_root), "/sys/fs/cgroup",
	 "where cgroups are mounted"},
	{"bpffs", "DIR", TEXT, offsetof(struct settings, bpffs), "/sys/fs/bpf",
	 "where BPF's file system is mounted: there the probes outlive the agent; off: they don't"},
	{"start-window", "TIME", DURATION, offsetof(struct settings, start_window_ns), "5min",
	 "how long a container may take until it listens"},
	{"boot-deadline", "TIME", DURATION, offsetof(struct settings, boot_deadline_ns), "10min",
	 "how long after the kernel's start a node may take until its pods are back"},
	{"keep-age", "TIME", DURATION, offsetof(struct settings, keep_age_ns), "30d",
	 "records older than this are removed"},
	{"keep-size", "SIZE", SIZE, offsetof(struct settings, keep_bytes), "64MiB",
	 "above this size the oldest records are removed"},
	{"kubeconfig", "FILE", TEXT, offsetof(struct settings, kubeconfig), "",
	 "how to reach the API server; in a pod its service account serves, else Kubernetes is not "
	 "told"},
	{"node-name", "NAME", TEXT, offsetof(struct settings, node_name), "",
	 "this node's name in Kubernetes; by itself the host's name"},
	{"no-kubernetes", NULL, SWITCH, offsetof(struct settings, no_kubernetes), NULL,
	 "neither watch nor tell the API server"},
	{"annotation-prefix", "DOMAIN", TEXT, offsetof(struct settings, annotation_prefix),
	 "nodewake.io", "the part before / in the names of the node's annotations"},
	{"annotation-interval", "TIME", DURATION, offsetof(struct settings, annotation_interval_ns),
	 "30s", "the node's annotations are written at most that often"},
	{"slow-start", "TIME", DURATION, offsetof(struct settings, slow_start_ns), "30s",
	 "a start that takes longer is an Event"},
	{"slow-pull", "TIME", DURATION, offsetof(struct settings, slow_pull_ns), "1min",
	 "an image pull that takes longer is an Event"},
	{"listen", "ADDRESS", TEXT, offsetof(struct settings, listen), "127.0.0.1:9464",
	 "where /metrics, /healthz and /readyz are served; off: nowhere"},
	{"record-events", "FILE", TEXT, offsetof(struct settings, record_events), NULL,
	 "write all events to FILE, for nodewake replay"},
	{"record-names", NULL, SWITCH, offsetof(struct settings, record_names), NULL,
	 "keep the names that starting containers ask DNS for; else only how long answers took"},
	{"log-lines", "N", LINES, offsetof(struct settings, log_lines), "0",
	 "keep the last N lines that a container wrote before its death, at most 100; they may "
	 "hold "
	 "secrets"},
	{"share-log-lines", NULL, SWITCH, offsetof(struct settings, share_log_lines), NULL,
	 "let these lines go into Kubernetes' Events too; else they stay on this node"},
	{"no-ebpf", NULL, SWITCH, offsetof(struct settings, no_ebpf), NULL,
	 "watch containerd only; starts and deaths are less exact"},
	{"log-level", "LEVEL", LEVEL, offsetof(struct settings, log_level), "info",
	 "error, warning, info or debug"},
};

#define COUNT (sizeof(table) / sizeof(*table))

static const char *allowed(enum kind kind)
{
	switch (kind) {
	case DURATION:
		return "a number above 0 and ms, s, min, h or d, like 90s";
	case SIZE:
		return "a number above 0 of bytes, KiB, MiB or GiB, like 64MiB";
	case LINES:
		return "a number from 0 to 100";
	case LEVEL:
		return "error, warning, info or debug";
	case SWITCH:
		return "0 or 1";
	default:
		return "a text";
	}
}

static int read_lines(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long lines = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end || lines > LINES_MAX)
		return -EINVAL;
	*ret = (uint32_t)lines;
	return 0;
}

static int set(struct settings *settings, const struct setting *setting, const char *text,
	       const char *from)
{
	void *member = (char *)settings + setting->offset;
	enum log_level level;
	int r = 0;

	switch (setting->kind) {
	case TEXT:
		if (*text || (setting->initial && !*setting->initial))
			*(const char **)member = text;
		else
			r = -EINVAL;
		break;
	case LEVEL:
		r = log_level_parse(text, &level);
		if (r == 0)
			*(const char **)member = text;
		break;
	case DURATION:
		r = units_duration(text, member) < 0 || !*(uint64_t *)member ? -EINVAL : 0;
		break;
	case SIZE:
		r = units_size(text, member) < 0 || !*(uint64_t *)member ? -EINVAL : 0;
		break;
	case LINES:
		r = read_lines(text, member);
		break;
	case SWITCH:
		r = strcmp(text, "0") == 0 || strcmp(text, "1") == 0 ? 0 : -EINVAL;
		*(bool *)member = *text == '1';
		break;
	}
	if (r < 0)
		fprintf(stderr, "nodewake: %.*s wants %s, not '%s'\n", (int)strcspn(from, "="),
			from, allowed(setting->kind), text);
	return r;
}

static void variable_name(const struct setting *setting, char name[64])
{
	int length = snprintf(name, 64, "NODEWAKE_%s", setting->flag);

	for (int i = 0; i < length; i++)
		name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
}

static int read_environment(struct settings *settings)
{
	for (size_t i = 0; i < COUNT; i++) {
		char name[64];

		variable_name(&table[i], name);
		const char *value = getenv(name);

		if (value && set(settings, &table[i], value, name) < 0)
			return -EINVAL;
	}
	return 0;
}

/* --flag VALUE, --flag=VALUE, or a switch. Returns how many words it took, or -EINVAL. */
static int read_flag(struct settings *settings, int argc, char **argv)
{
	const char *word = argv[0];
	size_t length = strcspn(word, "=");

	for (size_t i = 0; i < COUNT && strncmp(word, "--", 2) == 0; i++) {
		if (strlen(table[i].flag) + 2 != length ||
		    strncmp(word + 2, table[i].flag, length - 2) != 0)
			continue;
		if (table[i].kind == SWITCH && !word[length])
			return set(settings, &table[i], "1", word) < 0 ? -EINVAL : 1;
		if (word[length])
			return set(settings, &table[i], word + length + 1, word) < 0 ? -EINVAL : 1;
		if (argc < 2) {
			fprintf(stderr, "nodewake: %s wants %s\n", word, allowed(table[i].kind));
			return -EINVAL;
		}
		return set(settings, &table[i], argv[1], word) < 0 ? -EINVAL : 2;
	}
	fprintf(stderr, "nodewake: '%s' is not known; --help lists the settings\n", word);
	return -EINVAL;
}

int settings_read(struct settings *ret, int argc, char **argv, const char *help)
{
	struct settings settings = {0};
	enum log_level level;

	for (size_t i = 0; i < COUNT; i++)
		if (table[i].initial)
			set(&settings, &table[i], table[i].initial, table[i].flag);
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			if (help)
				fputs(help, stdout);
			else
				settings_help(stdout);
			return 1;
		}
	if (read_environment(&settings) < 0)
		return -EINVAL;
	for (int i = 1, used; i < argc; i += used) {
		used = read_flag(&settings, argc - i, argv + i);
		if (used < 0)
			return -EINVAL;
	}
	if (log_level_parse(settings.log_level, &level) == 0)
		log_set_level(level);
	*ret = settings;
	return 0;
}

void settings_help(FILE *out)
{
	fputs("Usage: nodewake run [SETTING ...]\n\n"
	      "Watches the kernel and containerd until it is stopped, and keeps what it finds.\n\n",
	      out);
	for (size_t i = 0; i < COUNT; i++) {
		char flag[64], name[64];

		variable_name(&table[i], name);
		snprintf(flag, sizeof(flag), "--%s %s", table[i].flag, table[i].value ?: "");
		fprintf(out, "  %-30s %s\n", flag, table[i].help);
		fprintf(out, "  %-30s   %s%s%s\n", "", name,
			table[i].initial && *table[i].initial ? ", default " : "",
			table[i].initial ? table[i].initial : "");
	}
}
