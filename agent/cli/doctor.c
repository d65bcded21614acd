/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: can nodewake run here; one line for each thing it needs, with what to do. */
#include <errno.h>
#include <bpf/btf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "cli/sentence.h"
#include "cli/verbs.h"
#include "model/json.h"

enum health { HEALTH_OK, HEALTH_WARNING, HEALTH_FAILED };

struct finding {
	const char *what;
	enum health health;
	char text[256], todo[256];
};

#define FINDINGS_MAX 32

struct doctor {
	const char *root; /* before every path, so that tests can take things away */
	const char *state_dir;
	struct finding findings[FINDINGS_MAX];
	size_t count;
};

__attribute__((format(printf, 4, 5))) static struct finding *find(struct doctor *doctor,
								  const char *what,
								  enum health health,
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

__attribute__((format(printf, 2, 3))) static void advise(struct finding *finding,
							 const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->todo, sizeof(finding->todo), format, arguments);
	va_end(arguments);
}

static bool exists(const struct doctor *doctor, const char *path)
{
	cleanup_free char *full = NULL;

	return asprintf(&full, "%s%s", doctor->root, path) >= 0 && access(full, F_OK) == 0;
}

static void check_kernel(struct doctor *doctor)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	bool enough = major > 5 || (major == 5 && minor >= 10);
	struct finding *finding =
		find(doctor, "kernel", enough ? HEALTH_OK : HEALTH_FAILED, "%.200s", name.release);

	if (!enough)
		advise(finding, "5.10 or newer is needed for the eBPF ring buffer and boot clock");
}

static void check_btf(struct doctor *doctor)
{
	if (exists(doctor, "/sys/kernel/btf/vmlinux"))
		find(doctor, "btf", HEALTH_OK, "/sys/kernel/btf/vmlinux");
	else
		advise(find(doctor, "btf", HEALTH_FAILED, "/sys/kernel/btf/vmlinux is missing"),
		       "run a kernel built with CONFIG_DEBUG_INFO_BTF=y; without it only "
		       "containerd is watched");
}

static void check_tracepoints(struct doctor *doctor)
{
	static const struct {
		const char *name, *lost;
	} needed[] = {
		{"sched_process_exec", "starts"},	 {"sched_process_exit", "deaths"},
		{"task_rename", "starts with runc"},	 {"cgroup_mkdir", "containers' names"},
		{"cgroup_rmdir", "containers' ends"},	 {"signal_generate", "who killed it"},
		{"inet_sock_set_state", "first listen"}, {"mark_victim", "OOM kills"},
	};
	cleanup_free char *path = NULL;
	size_t found = 0;

	if (!exists(doctor, "/sys/kernel/btf/vmlinux") ||
	    asprintf(&path, "%s/sys/kernel/btf/vmlinux", doctor->root) < 0)
		return;
	struct btf *btf = btf__parse(path, NULL);

	for (size_t i = 0; btf && i < sizeof(needed) / sizeof(*needed); i++) {
		char type[64];

		snprintf(type, sizeof(type), "btf_trace_%s", needed[i].name);
		if (btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) >= 0)
			found++;
		else
			advise(find(doctor, "tracepoint", HEALTH_WARNING,
				    "%s is missing in this kernel", needed[i].name),
			       "records will lack %s; each is marked by a gap", needed[i].lost);
	}
	if (!btf)
		advise(find(doctor, "tracepoints", HEALTH_FAILED, "the kernel's BTF can't be read"),
		       "run doctor as root");
	else if (found == sizeof(needed) / sizeof(*needed))
		find(doctor, "tracepoints", HEALTH_OK, "all %zu are there", found);
	btf__free(btf);
}

static void check_tracefs(struct doctor *doctor)
{
	if (exists(doctor, "/sys/kernel/tracing/events") ||
	    exists(doctor, "/sys/kernel/debug/tracing/events"))
		find(doctor, "tracefs", HEALTH_OK, "mounted");
	else
		find(doctor, "tracefs", HEALTH_OK, "not mounted; not needed");
}

static void check_capabilities(struct doctor *doctor)
{
	static const struct {
		int bit;
		const char *name, *why;
	} needed[] = {
		{21, "CAP_SYS_ADMIN",
		 "loads tracing programs (libbpf also looks through modules' types)"},
		{38, "CAP_PERFMON", "lets tracing programs read kernel memory"},
		{39, "CAP_BPF", "loads eBPF programs"},
	};
	cleanup_free char *path = NULL;
	char line[256];
	uint64_t effective = 0;
	bool whole = true;

	if (asprintf(&path, "%s/proc/self/status", doctor->root) < 0)
		return;
	cleanup_fclose FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %" SCNx64, &effective) == 1)
			break;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		/* CAP_SYS_ADMIN contains the two others */
		if (effective & (UINT64_C(1) << needed[i].bit | UINT64_C(1) << 21))
			continue;
		whole = false;
		advise(find(doctor, "capability", HEALTH_FAILED, "%s is missing", needed[i].name),
		       "run as root, or grant it: it %s", needed[i].why);
	}
	if (whole)
		find(doctor, "capabilities", HEALTH_OK, "enough to load and attach");
}

static void check_cgroups(struct doctor *doctor)
{
	bool unified = exists(doctor, "/sys/fs/cgroup/cgroup.controllers");
	bool hybrid = exists(doctor, "/sys/fs/cgroup/unified");
	bool v1 = exists(doctor, "/sys/fs/cgroup/memory");

	if (unified || hybrid || v1)
		find(doctor, "cgroups", HEALTH_OK, "%s",
		     unified  ? "v2"
		     : hybrid ? "hybrid: controllers on v1"
			      : "v1");
	else
		advise(find(doctor, "cgroups", HEALTH_FAILED, "/sys/fs/cgroup is not mounted"),
		       "mount it, or mount the host's into the container");
}

static bool answers(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void check_containerd(struct doctor *doctor)
{
	static const char *const places[] = {
		"/run/containerd/containerd.sock",
		"/run/k3s/containerd/containerd.sock",
	};
	const char *given = getenv("NODEWAKE_CONTAINERD_SOCKET");

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s%s", given ? "" : doctor->root, given ?: places[i]) < 0)
			return;
		if (access(path, F_OK) < 0)
			continue;
		if (answers(path))
			find(doctor, "containerd", HEALTH_OK, "answers on %.200s", path);
		else
			advise(find(doctor, "containerd", HEALTH_WARNING, "%.200s: %s", path,
				    strerror(errno)),
			       "start containerd (or K3s), or run doctor as root");
		return;
	}
	advise(find(doctor, "containerd", HEALTH_WARNING, "no socket in the known places"),
	       "start containerd or K3s, or name the socket with --containerd-socket; until then "
	       "containers have no names");
}

static void check_state_dir(struct doctor *doctor)
{
	cleanup_free char *dir = strdup(doctor->state_dir);

	/* the nearest one that exists must let us make the rest */
	while (dir && access(dir, F_OK) < 0 && strrchr(dir, '/') && strrchr(dir, '/') != dir)
		*strrchr(dir, '/') = '\0';
	if (dir && access(dir, W_OK) == 0)
		find(doctor, "state", HEALTH_OK, "%.200s can be written", doctor->state_dir);
	else
		advise(find(doctor, "state", HEALTH_WARNING, "%.200s: %s", doctor->state_dir,
			    strerror(errno)),
		       "make it writable or choose another with --state-dir; until then records "
		       "are lost with the daemon");
}

static void check_cni(struct doctor *doctor)
{
	static const char *const places[] = {"/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni",
					     "/var/lib/rancher/k3s/data"};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (exists(doctor, places[i])) {
			find(doctor, "cni", HEALTH_OK, "plugins in %s", places[i]);
			return;
		}
	advise(find(doctor, "cni", HEALTH_WARNING, "no CNI plugins in the known places"),
	       "name their directory with --cni-dirs; else starts lack the network's part");
}

static const char *health_name(enum health health)
{
	return health == HEALTH_OK ? "ok" : health == HEALTH_WARNING ? "warn" : "fail";
}

static void print(const struct doctor *doctor, bool json)
{
	static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};
	bool colour = sentence_colour(stdout);
	json_auto_t *list = json_array();

	for (size_t i = 0; i < doctor->count; i++) {
		const struct finding *finding = &doctor->findings[i];

		if (json) {
			json_array_append_new(
				list, json_pack("{s:s s:s s:s s:s}", "check", finding->what,
						"health", health_name(finding->health), "text",
						finding->text, "todo", finding->todo));
			continue;
		}
		printf("%s%-4s%s  %-12s %s\n", colour ? colours[finding->health] : "",
		       health_name(finding->health), colour ? "\033[0m" : "", finding->what,
		       finding->text);
		if (*finding->todo)
			printf("      %-12s %s\n", "", finding->todo);
	}
	if (json) {
		json_dumpf(list, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	}
}

int cli_doctor(int argc, char **argv)
{
	static void (*const checks[])(struct doctor * doctor) = {
		check_kernel,	  check_btf,	      check_tracepoints,
		check_tracefs,	  check_capabilities, check_cgroups,
		check_containerd, check_state_dir,    check_cni,
	};
	struct doctor doctor = {0};
	struct options options;
	enum health worst = HEALTH_OK;
	int r = options_read(&options, OPTION_OUTPUT | OPTION_STATE_DIR | OPTION_ROOT,
			     "doctor [OPTION ...]", NULL, argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	doctor.root = options.root;
	doctor.state_dir = options.state_dir;
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		checks[i](&doctor);
	for (size_t i = 0; i < doctor.count; i++)
		if (doctor.findings[i].health > worst)
			worst = doctor.findings[i].health;
	print(&doctor, options.json);
	return worst == HEALTH_OK ? CLI_OK : worst == HEALTH_WARNING ? CLI_FAILED : CLI_USAGE;
}
