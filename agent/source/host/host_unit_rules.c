/* SPDX-License-Identifier: Apache-2.0 */
#include "source/host/host_unit_rules.h"

#include <string.h>

#include "base/text.h"

#define NO_SPACE "no space left on device"

const char *const host_runtime_units[] = {"containerd.service",
					  "k3s.service",
					  "k3s-agent.service",
					  "kubelet.service",
					  "rke2-server.service",
					  "rke2-agent.service",
					  NULL};

static int hex(char digit)
{
	const char *digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* "var-lib-foo\x2dbar.mount" is /var/lib/foo-bar; "-.mount" is /. */
static void mount_of_unit(const char *unit, char *ret, size_t size)
{
	const char *end = strrchr(unit, '.');
	size_t used = 0;

	if (!end || (strcmp(end, ".mount") != 0 && strcmp(end, ".automount") != 0))
		return;
	ret[used++] = '/';
	if (unit[0] == '-' && end == unit + 1)
		end = unit;
	while (unit < end && used < size - 1) {
		if (end - unit >= 4 && unit[0] == '\\' && unit[1] == 'x' && hex(unit[2]) >= 0 &&
		    hex(unit[3]) >= 0) {
			ret[used++] = (char)(hex(unit[2]) << 4 | hex(unit[3]));
			unit += 4;
		} else {
			ret[used++] = *unit == '-' ? '/' : *unit;
			unit++;
		}
	}
	ret[used] = '\0';
}

static bool take_unit(const struct host_entry *entry, struct event_host *ret)
{
	if (strcmp(entry->message_id, MESSAGE_UNIT_FAILED) != 0 || strcmp(entry->pid, "1") != 0 ||
	    !*entry->unit)
		return false;
	ret->fact = HOST_UNIT_FAILED;
	TEXT_COPY(ret->resource, entry->unit);
	TEXT_COPY(ret->told_by, "systemd");
	mount_of_unit(entry->unit, ret->mount, sizeof(ret->mount));
	return true;
}

static bool take_shutdown(const struct host_entry *entry, struct event_host *ret)
{
	if (strcmp(entry->message_id, MESSAGE_SHUTDOWN) != 0 ||
	    strcmp(entry->systemd_unit, "systemd-logind.service") != 0)
		return false;
	ret->fact = HOST_SHUTDOWN;
	TEXT_COPY(ret->told_by, "logind");
	return true;
}

/* All containers' data lie below these; a pod's own below its uid. */
static void take_path(const char *path, size_t length, struct event_host *ret)
{
	static const char *const shared[] = {"/var/lib/containerd/", "/var/lib/rancher/"};

	text_copy_n(ret->resource, sizeof(ret->resource), path, length);
	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (strncmp(ret->resource, shared[i], strlen(shared[i])) == 0)
			text_copy_n(ret->mount, sizeof(ret->mount), shared[i],
				    strlen(shared[i]) - 1);
	if (strstr(ret->resource, "/pods/"))
		text_copy_n(ret->mount, sizeof(ret->mount), path, length);
}

/* "... write /var/lib/containerd/x/y: no space left on device": the path before it, where there is one. */
static bool take_no_space(const struct host_entry *entry, struct event_host *ret)
{
	const char *at = strstr(entry->message, ": " NO_SPACE), *from = at;
	bool runtime = false;

	for (size_t i = 0; host_runtime_units[i]; i++)
		runtime |= strcmp(entry->systemd_unit, host_runtime_units[i]) == 0;
	/* what a probe's program or a hook had to say is that container's word */
	if (!runtime || !at || strcasestr(entry->message, "probe") ||
	    strcasestr(entry->message, "hook"))
		return false;
	while (from > entry->message && !strchr(" \"'=(", from[-1]))
		from--;
	ret->fact = HOST_DISK_FULL;
	TEXT_COPY(ret->told_by, entry->systemd_unit);
	if (*from == '/')
		take_path(from, (size_t)(at - from), ret);
	return true;
}

bool host_unit_rule_match(const struct host_entry *entry, struct event_host *ret)
{
	struct event_host host = {.count = 1};

	if (!take_unit(entry, &host) && !take_shutdown(entry, &host) &&
	    !take_no_space(entry, &host))
		return false;
	TEXT_COPY(host.detail, entry->message);
	*ret = host;
	return true;
}
