// SPDX-License-Identifier: Apache-2.0
#include "track/death/exit_word.h"

#include <string.h>

static bool is(const char *reason, const char *word)
{
	return strcmp(reason, word) == 0;
}

bool exit_word_wrong(const struct record_exit *exit, int32_t kernel_code, const char *reason,
		     int32_t code)
{
	enum exit_verdict verdict = exit->verdict;

	if (!*reason || !exit->kernel_ns || exit->reconstructed)
		return false;
	/* a cgroup's OOM counter, or event, is not the init's end: a child may have been the victim */
	if (is(reason, "OOMKilled"))
		return verdict != EXIT_OOM_KILLED;
	/* whoever kills it for memory, an exit code of 137 is all that is left of it */
	if (verdict == EXIT_OOM_KILLED)
		return true;
	if (is(reason, "Completed"))
		return kernel_code != 0;
	/* "Unknown", 255, "ContainerStatusUnknown", 137: they had lost sight of it */
	if (is(reason, "Unknown") || is(reason, "ContainerStatusUnknown"))
		return true;
	if (is(reason, "StartError") || is(reason, "ContainerCannotRun"))
		return verdict != EXIT_START_FAILED;
	if (is(reason, "Error"))
		return verdict != EXIT_START_FAILED && code != kernel_code;
	return false; /* DeadlineExceeded, Evicted, ...: whose word it is on another matter */
}
