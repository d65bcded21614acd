// SPDX-License-Identifier: Apache-2.0
/* Lines of containerd, K3s and the kubelet as they come, and which of them are milestones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "source/log_line.h"
#include "source/journal/milestone_rules.h"

static const struct {
	const char *text, *message;
	int64_t wall_ns;
	bool fine;
} lines[] = {
	{"time=\"2024-05-09T21:34:46.040239842-04:00\" level=info msg=\"starting containerd\" "
	 "revision= version=1.6.31",
	 "starting containerd", 1715304886040239842, true},
	{"time=\"2026-05-06T11:05:04+02:00\" level=info msg=\"Starting k3s agent v1.35.4+k3s1 "
	 "(5dc8fe68)\"",
	 "Starting k3s agent v1.35.4+k3s1 (5dc8fe68)", 1778058304000000000, false},
	{"time=\"2023-04-23T06:50:10.490064256Z\" level=info msg=serving... "
	 "address=/run/containerd/containerd.sock",
	 "serving...", 1682232610490064256, true},
	{"time=\"2023-04-23T06:50:10Z\" level=error msg=\"say \\\"msg=x\\\" twice\" error=\"a\"",
	 "say \\\"msg=x\\\" twice", 1682232610000000000, false},
	{"time=\"yesterday\" level=info msg=\"a\"", "a", 0, false},
	{"time=\"9999-01-01T00:00:00Z\" level=info msg=\"a\"", "a", 0, false},
	{"time=\"1930-01-01T00:00:00Z\" level=info msg=\"a\"", "a", 0, false},
	{"time=\"2023-04-23T06:50:10Z\" level=info msg=\"cut", "cut", 1682232610000000000, false},
	{"I0613 01:11:39.122310    2573 kubelet_node_status.go:497] \"Fast updating node status as "
	 "it just became ready\"",
	 "Fast updating node status as it just became ready", 0, false},
	{"I0806 07:34:00.243705    3408 kubelet_node_status.go:82] Successfully registered node a",
	 "Successfully registered node a", 0, false},
	{"E0613 no header", "E0613 no header", 0, false},
	{"I0613 01:11:39.1 1 a.go:1] ", "", 0, false},
	{"a plain line", "a plain line", 0, false},
	{"", "", 0, false},
};

static void parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct log_line line;

		log_line_parse(lines[i].text, strlen(lines[i].text), &line);
		if (line.length != strlen(lines[i].message) ||
		    memcmp(line.message, lines[i].message, line.length) != 0 ||
		    line.wall_ns != lines[i].wall_ns || line.fine != lines[i].fine)
			fail_msg("%s: \"%.*s\" at %lld", lines[i].text, (int)line.length,
				 line.message, (long long)line.wall_ns);
	}
}

#define CONTAINERD "time=\"2024-05-09T21:34:46.040239842-04:00\" level=info "
#define K3S	   "time=\"2026-05-06T11:05:04+02:00\" level=info "
#define KLOG	   "I1213 09:15:34.607206     685 kubelet_node_status.go:124] "

/* Every row of the table is met by a line here, in its order: see each_row_has_a_line. */
static const struct {
	unsigned int program;
	const char *text;
	enum milestone what; /* MILESTONE_NONE: no row */
	bool denies;
} met[] = {
	{LOG_CONTAINERD,
	 CONTAINERD "msg=\"starting containerd\" revision=\"1.6.20~ds1-1+deb12u3\" "
		    "version=\"1.6.20~ds1\"",
	 MILESTONE_RUNTIME_STARTED, false},
	{LOG_CONTAINERD, CONTAINERD "msg=\"containerd successfully booted in 0.065807s\"",
	 MILESTONE_RUNTIME_READY, false},
	{LOG_K3S, K3S "msg=\"Containerd is now running\"", MILESTONE_RUNTIME_READY, false},
	{LOG_K3S, K3S "msg=\"containerd is now running\"", MILESTONE_RUNTIME_READY, false},
	{LOG_CONTAINERD,
	 CONTAINERD "msg=\"failed to load cni during init, please check CRI plugin status before "
		    "setting up network for pods\" error=\"cni config load failed: no network "
		    "config found in /etc/cni/net.d: cni plugin not initialized: failed to load "
		    "cni config\"",
	 MILESTONE_NETWORK_READY, true},
	{LOG_CONTAINERD, CONTAINERD "msg=\"Start cni network conf syncer for default\"",
	 MILESTONE_NETWORK_READY, false},
	{LOG_K3S, K3S "msg=\"Starting k3s v1.31.2+k3s1 (6da20424)\"", MILESTONE_KUBELET_STARTED,
	 false},
	{LOG_KUBELET, KLOG "\"Kubelet version\" kubeletVersion=\"v1.29.9\"",
	 MILESTONE_KUBELET_STARTED, false},
	{LOG_K3S, K3S "msg=\"Kube API server is now running\"", MILESTONE_API_READY, false},
	{LOG_KUBELET, KLOG "\"Successfully registered node\" node=\"node01\"", MILESTONE_API_READY,
	 false},
	{LOG_KUBELET, KLOG "\"Fast updating node status as it just became ready\"",
	 MILESTONE_NODE_READY, false},
	/* the same by K3s, which has both inside */
	{LOG_K3S, K3S "msg=\"Starting k3s agent v1.35.4+k3s1 (5dc8fe68)\"",
	 MILESTONE_KUBELET_STARTED, false},
	{LOG_K3S, KLOG "\"Successfully registered node\" node=\"node01\"", MILESTONE_API_READY,
	 false},
	{LOG_K3S, KLOG "\"Fast updating node status as it just became ready\"",
	 MILESTONE_NODE_READY, false},
	/* RKE2's kubelet is a process of its own */
	{LOG_K3S, K3S "msg=\"Starting rke2 v1.33.5+rke2r1 (d1092839)\"", MILESTONE_NONE, false},
	/* kubelet 1.20 */
	{LOG_KUBELET, KLOG "Successfully registered node node01", MILESTONE_API_READY, false},
	/* what is none, or not of this program */
	{LOG_K3S, K3S "msg=\"k3s is up and running\"", MILESTONE_NONE, false},
	{LOG_K3S, K3S "msg=\"Running kube-apiserver --advertise-port=6443\"", MILESTONE_NONE,
	 false},
	{LOG_KUBELET, KLOG "\"Starting k3s \"", MILESTONE_NONE, false},
	{LOG_CONTAINERD, CONTAINERD "msg=\"Starting k3s v1\"", MILESTONE_NONE, false},
	{LOG_CONTAINERD, CONTAINERD "msg=\"StartContainer for \\\"starting containerd\\\"\"",
	 MILESTONE_NONE, false},
};

static void milestones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(met) / sizeof(*met); i++) {
		const struct milestone_rule *rule;
		struct log_line line;

		log_line_parse(met[i].text, strlen(met[i].text), &line);
		rule = milestone_rule_find(met[i].program, &line);
		if ((rule ? rule->what : MILESTONE_NONE) != met[i].what ||
		    (rule && rule->denies != met[i].denies))
			fail_msg("%s", met[i].text);
	}
}

static void each_row_has_a_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < milestone_rule_count; i++) {
		struct log_line line;

		log_line_parse(met[i].text, strlen(met[i].text), &line);
		assert_ptr_equal(milestone_rule_find(met[i].program, &line), &milestone_rules[i]);
	}
}

static void programs(void **state)
{
	(void)state;
	for (size_t i = 0; milestone_identifiers[i]; i++)
		assert_int_not_equal(milestone_program(milestone_identifiers[i]), 0);
	assert_int_equal(milestone_program("containerd"), LOG_CONTAINERD);
	assert_int_equal(milestone_program("k3s-agent"), LOG_K3S);
	assert_int_equal(milestone_program("rke2"), LOG_K3S);
	assert_int_equal(milestone_program("kubelet"), LOG_KUBELET);
	assert_int_equal(milestone_program("sshd"), 0);
	assert_int_equal(milestone_program(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsed),
		cmocka_unit_test(milestones),
		cmocka_unit_test(each_row_has_a_line),
		cmocka_unit_test(programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
