/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain/explain_topic.h"

#include "base/text.h"
#include "cli/explain/explain_place.h"
#include "model/peer_text.h"

void explain_peers(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	char text[PEER_TEXT_SIZE];

	for (uint32_t i = 0; i < start->why.peer_count; i++) {
		if (explain_place(start, start->why.peers[i].span) != phase)
			continue;
		peer_text(&start->why.peers[i], text);
		fputs("    ", out);
		text_print_safe(out, text);
		fputc('\n', out);
	}
}
