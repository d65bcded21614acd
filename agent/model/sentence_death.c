// SPDX-License-Identifier: Apache-2.0
#include "model/sentence_death.h"

#include <inttypes.h>

#include "base/text.h"
#include "model/json.h"

void sentence_child(FILE *out, const struct record_child *child)
{
	text_print_safe(out, child->comm);
	if (*child->parent_comm) {
		fputs(" (of ", out);
		text_print_safe(out, child->parent_comm);
		fputc(')', out);
	}
	if (child->signal)
		fprintf(out, " ended by signal %" PRId32, child->signal);
	else
		fprintf(out, " ended with exit code %" PRId32, child->code);
	if (child->count > 1)
		fprintf(out, ", %" PRIu32 "x", child->count);
	if (child->container_survived == SURVIVAL_YES)
		fputs(": the container goes on", out);
}

void sentence_host(FILE *out, const struct record_host *host)
{
	fputs(host_fact_name(host->fact), out);
	if (*host->detail) {
		fputs(": ", out);
		text_print_safe(out, host->detail);
	}
	if (host->count > 1)
		fprintf(out, ", %" PRIu32 "x", host->count);
}
