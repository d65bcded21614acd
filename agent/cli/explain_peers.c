/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_topic.h"

#include "base/text.h"
#include "model/peer_text.h"

/* App, or else the last phase: a start that waits may never get there. */
static bool is_place(const struct record_start *start, const struct phase_span *phase)
{
	for (uint32_t i = 0; i < start->phase_count; i++)
		if (start->phases[i].phase == PHASE_APP)
			return phase->phase == PHASE_APP;
	return phase == &start->phases[start->phase_count - 1];
}

void explain_peers(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	char text[PEER_TEXT_SIZE];

	for (uint32_t i = 0; is_place(start, phase) && i < start->why.peer_count; i++) {
		peer_text(&start->why.peers[i], text);
		fputs("    ", out);
		text_print_safe(out, text);
		fputc('\n', out);
	}
}
