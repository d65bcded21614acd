// SPDX-License-Identifier: Apache-2.0
/* Entries of the journal that are facts of the host, and who may say so; steps of the clock; links that go down. */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/links.h"
#include "source/host/host_private.h"
#include "source/host/host_unit_rules.h"

static struct event_host host;

static bool match(const char *id, const char *pid, const char *systemd_unit, const char *unit,
		  const char *message)
{
	struct host_entry entry = {.pid = ""};

	TEXT_COPY(entry.message_id, id);
	TEXT_COPY(entry.pid, pid);
	TEXT_COPY(entry.systemd_unit, systemd_unit);
	TEXT_COPY(entry.unit, unit);
	TEXT_COPY(entry.message, message);
	return host_unit_rule_match(&entry, &host);
}

static void units_that_failed(void **state)
{
	const char *message = "containerd.service: Failed with result 'exit-code'.";

	(void)state;
	assert_true(match(MESSAGE_UNIT_FAILED, "1", "init.scope", "containerd.service", message));
	assert_int_equal(host.fact, HOST_UNIT_FAILED);
	assert_string_equal(host.resource, "containerd.service");
	assert_string_equal(host.detail, message);
	assert_string_equal(host.told_by, "systemd");
	assert_string_equal(host.mount, "");
	/* anybody may send such an entry, but not as pid 1 */
	assert_false(
		match(MESSAGE_UNIT_FAILED, "77", "cron.service", "containerd.service", message));
	assert_false(match("", "1", "init.scope", "containerd.service", message));
	assert_false(match(MESSAGE_UNIT_FAILED, "1", "init.scope", "", message));
}

static void mounts_that_failed(void **state)
{
	(void)state;
	assert_true(match(MESSAGE_UNIT_FAILED, "1", "", "var-lib-containerd.mount", "x"));
	assert_string_equal(host.mount, "/var/lib/containerd");
	assert_true(match(MESSAGE_UNIT_FAILED, "1", "", "srv-my\\x2ddata.automount", "x"));
	assert_string_equal(host.mount, "/srv/my-data");
	assert_true(match(MESSAGE_UNIT_FAILED, "1", "", "-.mount", "x"));
	assert_string_equal(host.mount, "/");
	assert_true(match(MESSAGE_UNIT_FAILED, "1", "", "odd\\x.mount", "x"));
	assert_string_equal(host.mount, "/odd\\x");
}

static void a_shutdown(void **state)
{
	(void)state;
	assert_true(match(MESSAGE_SHUTDOWN, "500", "systemd-logind.service", "",
			  "System is rebooting."));
	assert_int_equal(host.fact, HOST_SHUTDOWN);
	assert_false(match(MESSAGE_SHUTDOWN, "500", "cron.service", "", "System is rebooting."));
}

static void a_disk_that_is_full(void **state)
{
	(void)state;
	/* containerd's, the kubelet's */
	assert_true(
		match("", "9", "containerd.service", "",
		      "level=error msg=\"PullImage failed\" error=\"failed to extract layer: write "
		      "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs/"
		      "x: no space left "
		      "on device\""));
	assert_int_equal(host.fact, HOST_DISK_FULL);
	assert_string_equal(host.mount, "/var/lib/containerd");
	assert_true(
		match("", "9", "kubelet.service", "",
		      "E1123 07:00:00.000000 9 pod_workers.go:1] \"Error syncing pod\" err=\"mkdir "
		      "/var/lib/kubelet/pods/0f0f/volumes/x: no space left on device\""));
	assert_string_equal(host.resource, "/var/lib/kubelet/pods/0f0f/volumes/x");
	assert_string_equal(host.mount, "/var/lib/kubelet/pods/0f0f/volumes/x");
	assert_true(match("", "9", "k3s.service", "", "error: no space left on device"));
	assert_string_equal(host.resource, "");
	/* what a container said of itself, and other programs */
	assert_false(match(
		"", "9", "kubelet.service", "",
		"\"Probe failed\" output=\"/var/lib/containerd/x: no space left on device\""));
	assert_false(
		match("", "9", "kubelet.service", "",
		      "\"Exec lifecycle hook failed\" message=\"/x: no space left on device\""));
	assert_false(match("", "9", "backup.service", "", "write /x: no space left on device"));
	assert_false(match("", "9", "k3s.service", "", "all is well"));
}

static void steps_of_the_clock(void **state)
{
	(void)state;
	assert_true(host_clock_describe(3725 * (int64_t)NS_PER_SECOND, &host));
	assert_int_equal(host.fact, HOST_CLOCK_JUMP);
	assert_string_equal(host.detail, "the clock was set forward by 1h 2min");
	assert_true(host_clock_describe(-2 * (int64_t)NS_PER_SECOND, &host));
	assert_string_equal(host.detail, "the clock was set back by 2.00s");
	assert_false(host_clock_describe(NS_PER_SECOND / 2, &host));
	assert_false(host_clock_describe(0, &host));
}

/* --- links --- */

struct message {
	struct nlmsghdr header;
	struct ifinfomsg body;
	char attributes[128];
};

static void add(struct message *message, unsigned short type, const void *data, size_t size)
{
	struct rtattr at = {.rta_type = type, .rta_len = (unsigned short)RTA_LENGTH(size)};
	char *to = (char *)message + NLMSG_ALIGN(message->header.nlmsg_len);

	memcpy(to, &at, sizeof(at));
	memcpy(to + RTA_LENGTH(0), data, size);
	message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + RTA_ALIGN(at.rta_len);
}

static struct message a_link(int index, unsigned int flags)
{
	struct message message = {
		.header = {.nlmsg_type = RTM_NEWLINK,
			   .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg))},
		.body = {.ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = flags},
	};

	add(&message, IFLA_IFNAME, "eth0", 5);
	return message;
}

struct told {
	int count;
	struct link_down last;
};

static void on_down(void *context, const struct link_down *down)
{
	struct told *told = context;

	told->count++;
	told->last = *down;
}

static void take(struct links *links, struct message message, struct told *told)
{
	links_take(links, &message, message.header.nlmsg_len, on_down, told);
}

#define RUNS (IFF_UP | 0x10000)

static void links_that_go_down(void **state)
{
	struct links *links;
	struct told told = {0};
	struct message far, bridge;
	char kind[] = {11, 0, IFLA_INFO_KIND, 0, 'b', 'r', 'i', 'd', 'g', 'e', 0, 0};
	uint32_t id = 0;

	(void)state;
	assert_int_equal(links_open(&links), 0);
	take(links, a_link(900, RUNS), &told);
	assert_int_equal(told.count, 0);
	take(links, a_link(900, IFF_UP), &told);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.last.name, "eth0");
	assert_false(told.last.set_down);
	take(links, a_link(900, IFF_UP), &told); /* no news */
	assert_int_equal(told.count, 1);
	take(links, a_link(900, RUNS), &told);
	take(links, a_link(900, 0), &told);
	assert_int_equal(told.count, 2);
	assert_true(told.last.set_down);
	/* pods' own, bridges, the loopback */
	far = a_link(901, RUNS);
	add(&far, IFLA_LINK_NETNSID, &id, sizeof(id));
	take(links, far, &told);
	far.body.ifi_flags = IFF_UP;
	take(links, far, &told);
	bridge = a_link(902, RUNS);
	add(&bridge, IFLA_LINKINFO, kind, sizeof(kind));
	take(links, bridge, &told);
	bridge.body.ifi_flags = IFF_UP;
	take(links, bridge, &told);
	take(links, a_link(903, RUNS | IFF_LOOPBACK), &told);
	take(links, a_link(903, IFF_UP | IFF_LOOPBACK), &told);
	assert_int_equal(told.count, 2);
	links_close(links);
}

static void truncated_messages(void **state)
{
	struct links *links;
	struct told told = {0};
	struct message message = a_link(900, RUNS);

	(void)state;
	assert_int_equal(links_open(&links), 0);
	for (size_t size = 0; size < message.header.nlmsg_len; size++)
		links_take(links, &message, size, on_down, &told);
	message.header.nlmsg_len = sizeof(message.header);
	links_take(links, &message, sizeof(message), on_down, &told);
	assert_int_equal(told.count, 0);
	links_close(links);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_that_failed),  cmocka_unit_test(mounts_that_failed),
		cmocka_unit_test(a_shutdown),	      cmocka_unit_test(a_disk_that_is_full),
		cmocka_unit_test(steps_of_the_clock), cmocka_unit_test(links_that_go_down),
		cmocka_unit_test(truncated_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
