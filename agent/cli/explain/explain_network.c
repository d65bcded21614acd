// SPDX-License-Identifier: Apache-2.0
/* The network inside the sandbox: plugin by plugin. */
#include "cli/explain/explain_row.h"
#include "cli/explain/explain_topic.h"

void explain_network(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	if (phase->phase != PHASE_SANDBOX || !start->plugin_count)
		return;
	explain_row_print(
		out, &(struct explain_row){.depth = 1, .name = "network", .span = start->network},
		start->span);
	for (uint32_t i = 0; i < start->plugin_count && i < START_PLUGINS_MAX; i++) {
		const struct plugin_span *plugin = &start->plugins[i];
		char failed[48] = "";

		if (plugin->code)
			snprintf(failed, sizeof(failed), "failed: exit code %d", plugin->code);
		explain_row_print(out,
				  &(struct explain_row){.depth = plugin->nested ? 3 : 2,
							.name = plugin->name,
							.span = plugin->span,
							.note = failed},
				  start->span);
	}
}
