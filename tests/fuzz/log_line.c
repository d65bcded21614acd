/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of logs, and the rules that read them. */
#include "fuzz/target.h"

#include <stdlib.h>

#include "source/containerd/cri_calls.h"
#include "source/journal/milestone_rules.h"
#include "source/journal/wall_steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cri_calls calls;
	struct wall_steps steps = {0};
	struct event event;
	struct log_line line;

	log_line_parse((const char *)data, size, &line);
	/* the message lies within the line */
	if (line.length > size ||
	    (line.length && (line.message < (const char *)data ||
			     line.message + line.length > (const char *)data + size)))
		abort();
	if (line.wall_ns < 0)
		abort();
	for (unsigned int program = LOG_CONTAINERD; program <= LOG_KUBELET; program <<= 1)
		if (milestone_rule_find(program, &line) && !line.length)
			abort();
	/* twice: what is a begin is not its end */
	calls.count = 0;
	for (uint64_t ns = 1; ns <= 2; ns++)
		if (cri_calls_line(&calls, &line, ns, 3, &event) &&
		    ((!*event.cri_call.container_id && !*event.cri_call.image) ||
		     event.cri_call.began_ns >= event.boot_ns))
			abort();
	wall_steps_note(&steps, 1000, INT64_MAX / 2);
	wall_steps_note(&steps, INT64_MAX / 2, 0);
	if (wall_steps_boot_ns(&steps, line.wall_ns) > INT64_MAX)
		abort();
	return 0;
}
