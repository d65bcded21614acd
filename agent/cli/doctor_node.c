/* SPDX-License-Identifier: Apache-2.0 */
/* What is expected around the agent: containerd, a disk, CNI plugins, systemd. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "client/grpc_hello.h"

#define PATIENCE_MS 2000

static void tell_socket(struct doctor *doctor, const char *path)
{
	int r = grpc_hello(path, PATIENCE_MS);

	if (r == 0) {
		doctor_find(doctor, "containerd", HEALTH_OK, "speaks gRPC on %.200s", path);
		return;
	}
	doctor->no_containerd = true;
	struct finding *finding =
		doctor_find(doctor, "containerd", HEALTH_WARNING, "%.150s: %s", path, strerror(-r));

	if (r == -ETIMEDOUT)
		doctor_advise(finding, "it takes connections and does not answer: see its log");
	else if (r == -EPROTO)
		doctor_advise(finding, "who listens there is not containerd: name its socket with "
				       "--containerd-socket");
	else if (r == -EACCES)
		doctor_advise(finding, "run doctor as root");
	else
		doctor_advise(finding, "start containerd or K3s; until then containers have no "
				       "names");
}

static void check_containerd(struct doctor *doctor)
{
	static const char *const places[] = {
		"/run/containerd/containerd.sock",
		"/run/k3s/containerd/containerd.sock",
	};

	if (doctor->containerd_socket) {
		tell_socket(doctor, doctor->containerd_socket);
		return;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		cleanup_free char *path = NULL;

		if (!doctor_exists(doctor, places[i]) ||
		    asprintf(&path, "%s%s", doctor->root, places[i]) < 0)
			continue;
		tell_socket(doctor, path);
		return;
	}
	doctor->no_containerd = true;
	doctor_advise(
		doctor_find(doctor, "containerd", HEALTH_WARNING, "no socket in the known places"),
		"start containerd or K3s, or name the socket with --containerd-socket; until "
		"then containers have no names");
}

/* Returns 0 or a negative errno. */
static int can_write_below(const char *dir)
{
	struct stat found;

	if (stat(dir, &found) < 0)
		return -errno;
	if (!S_ISDIR(found.st_mode))
		return -ENOTDIR;
	return access(dir, W_OK | X_OK) < 0 ? -errno : 0;
}

static void check_state_dir(struct doctor *doctor)
{
	cleanup_free char *dir = strdup(doctor->state_dir);
	int r = dir ? can_write_below(dir) : -ENOMEM;

	/* the nearest one that exists must let us make the rest */
	while (r == -ENOENT) {
		char *slash = strrchr(dir, '/');

		if (slash > dir)
			*slash = '\0';
		else
			strcpy(dir, slash ? "/" : ".");
		r = can_write_below(dir);
	}
	if (r == 0)
		doctor_find(doctor, "state", HEALTH_OK, "%.200s can be written", doctor->state_dir);
	else
		doctor_advise(doctor_find(doctor, "state", HEALTH_WARNING, "%.150s: %s",
					  doctor->state_dir, strerror(-r)),
			      "make it writable or choose another with --state-dir; until then "
			      "records are lost with the daemon");
}

static void check_cni(struct doctor *doctor)
{
	const char *dirs = doctor->cni_dirs
				   ?: "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni:"
				      "/var/lib/rancher/k3s/data";
	char found[200] = "";

	while (*dirs) {
		size_t length = strcspn(dirs, ":");
		char dir[PATH_MAX];

		snprintf(dir, sizeof(dir), "%.*s", (int)length, dirs);
		dirs += length + (dirs[length] == ':');
		if (*dir && doctor_exists(doctor, dir) &&
		    strlen(found) + strlen(dir) + 3 < sizeof(found)) {
			strcat(found, *found ? ", " : "");
			strcat(found, dir);
		}
	}
	if (*found)
		doctor_find(doctor, "cni", HEALTH_OK, "plugins in %s", found);
	else
		doctor_advise(
			doctor_find(doctor, "cni", HEALTH_WARNING,
				    "no CNI plugins in the %s places",
				    doctor->cni_dirs ? "given" : "known"),
			"name their directory with --cni-dirs; else starts lack the network's "
			"part");
}

/* Only the boot report needs it; a machine may do without. */
static void check_systemd(struct doctor *doctor)
{
	if (doctor_exists(doctor, "/run/systemd/private"))
		doctor_find(doctor, "systemd", HEALTH_OK, "its own socket is there");
	else if (doctor_exists(doctor, "/run/dbus/system_bus_socket"))
		doctor_find(doctor, "systemd", HEALTH_OK, "asked through the bus, if at all");
	else if (doctor_exists(doctor, "/run/systemd/system"))
		doctor_advise(doctor_find(doctor, "systemd", HEALTH_WARNING,
					  "neither its socket nor a bus"),
			      "mount all of /run/systemd; else the boot report lacks its units");
	else
		doctor_find(doctor, "systemd", HEALTH_OK,
			    "not here, or not mounted: the boot report has no units");
}

/* Without it, and in its default place in memory only, boot reports know less; nothing else does. */
static void check_journal(struct doctor *doctor)
{
	if (doctor_exists(doctor, "/var/log/journal"))
		doctor_find(doctor, "journal", HEALTH_OK, "kept in /var/log/journal");
	else if (doctor_exists(doctor, "/run/log/journal"))
		doctor_find(doctor, "journal", HEALTH_OK,
			    "in memory only: how the last boot ended is not known from it; see "
			    "Storage= in journald.conf(5)");
	else
		doctor_find(doctor, "journal", HEALTH_OK,
			    "none: boot reports do without its milestones");
}

void doctor_check_node(struct doctor *doctor)
{
	check_containerd(doctor);
	check_state_dir(doctor);
	check_cni(doctor);
	check_systemd(doctor);
	check_journal(doctor);
}
