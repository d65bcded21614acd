/* SPDX-License-Identifier: Apache-2.0 */
/* What is expected around the agent: containerd, a disk, CNI plugins, systemd. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/doctor.h"

#define PATIENCE_S 2

/*
 * The begin of an HTTP/2 connection (RFC 9113, 3.4), which is what gRPC speaks: preface and empty
 * settings there, settings back. Returns 0 or a negative errno: -ETIMEDOUT if it is silent,
 * -EPROTO if it speaks something else.
 */
static int shake_hands(int fd)
{
	static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				    "\0\0\0\4\0\0\0\0";
	static const uint8_t settings_frame = 4;
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	uint8_t frame[9];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* the literal's own NUL is the last byte of the settings frame */
	if (send(fd, hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello))
		return -EPROTO;
	ssize_t size = recv(fd, frame, sizeof(frame), MSG_WAITALL);

	if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return -ETIMEDOUT;
	return size == sizeof(frame) && frame[3] == settings_frame ? 0 : -EPROTO;
}

static int try_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return shake_hands(fd);
}

static void tell_socket(struct doctor *doctor, const char *path)
{
	int r = try_socket(path);

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

void doctor_check_node(struct doctor *doctor)
{
	check_containerd(doctor);
	check_state_dir(doctor);
	check_cni(doctor);
	check_systemd(doctor);
}
