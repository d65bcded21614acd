// SPDX-License-Identifier: Apache-2.0
#include "cli/death/death_filter.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool death_filter_chooses(const struct options *options)
{
	return options->verdict != EXIT_VERDICT_NONE || options->scope != SCOPE_COUNT ||
	       options->signal;
}

bool death_filter_passes(const struct options *options, const struct record *record)
{
	bool end = record->type == RECORD_EXIT, child = record->type == RECORD_CHILD;
	enum exit_verdict verdict = end	    ? record->exit.verdict
				    : child ? record->child.verdict
					    : EXIT_VERDICT_NONE;
	int32_t signal = end ? record->exit.signal : child ? record->child.signal : 0;
	int32_t sent = end ? record->exit.sender_signal : 0;

	if (options->verdict != EXIT_VERDICT_NONE && verdict != options->verdict)
		return false;
	if (options->scope != SCOPE_COUNT &&
	    (record->type != RECORD_OOM || record->oom.scope != options->scope))
		return false;
	return !options->signal || signal == options->signal || sent == options->signal;
}

int death_filter_signal(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text && !*end)
		return number > 0 && number < NSIG ? (int)number : 0;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && strcasecmp(name, text) == 0)
			return i;
	}
	return 0;
}
