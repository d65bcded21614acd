/* SPDX-License-Identifier: Apache-2.0 */
/* Many pods, and what the client waited for each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cri/cri.h"

static void bench_one(int number)
{
	char *image = required("image"), *prefix = (char *)option("prefix", "bench");
	char name[64], uid[64], parent[256];
	uint64_t ns[4];

	snprintf(name, sizeof(name), "%s-%d", prefix, number);
	snprintf(uid, sizeof(uid), "%08x-0000-4000-8000-%012x", (unsigned int)number,
		 (unsigned int)(clock_boot_ns() / 1000));
	snprintf(parent, sizeof(parent), "%s/pod%s", option("parent", ""), uid);
	pod_describe(name, (char *)"bench", uid, parent);
	ns[0] = clock_boot_ns();
	char *pod = pod_run();
	ns[1] = clock_boot_ns();
	char *id = container_create(pod, (char *)"main", image);
	ns[2] = clock_boot_ns();
	call_by_id("StartContainer", id, 0);
	ns[3] = clock_boot_ns();
	print_json(json_pack("{s:s s:s s:s s:I s:I s:I s:I}", "pod", pod, "name", name, "id", id,
			     "run_ns", (json_int_t)(ns[1] - ns[0]), "create_ns",
			     (json_int_t)(ns[2] - ns[1]), "start_ns", (json_int_t)(ns[3] - ns[2]),
			     "total_ns", (json_int_t)(ns[3] - ns[0])));
	fflush(stdout);
}

/* Pods that are left running; their ids are for the clean-up. */
int verb_bench(void)
{
	int count = atoi(required("count")), workers = atoi(option("parallel", "1"));
	int worker = 0, failed = 0, status;

	if (workers < 1)
		workers = 1;
	/* before the first call: a connection does not live through a fork */
	while (worker < workers - 1 && fork() != 0)
		worker++;
	for (int i = worker; i < count; i += workers)
		bench_one(i);
	while (worker == workers - 1 && wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
