// SPDX-License-Identifier: Apache-2.0
/* Below a pull: its turn, how its layers came and were unpacked, and whom it shared them or the link with. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/columns.h"
#include "cli/explain_row.h"
#include "cli/explain_topic.h"
#include "model/sentence_pull.h"

/* Layers that took less than this part of the pull don't matter. */
#define WORTH 20

/* A layer that came too fast to be seen in progress has an end only. */
static uint64_t known(struct span span)
{
	return span.from_ns ? explain_length(span) : 0;
}

static void row(FILE *out, const struct record_start *start, unsigned int depth, const char *name,
		struct span span, const char *note)
{
	if (known(span))
		explain_row_print(out,
				  &(struct explain_row){.depth = depth,
							.name = name,
							.span = span,
							.note = *note ? note : NULL},
				  start->span);
}

static void download_note(const struct record_start *start, char *note, size_t size)
{
	const struct pull_anatomy *pull = &start->pull;
	char rate[EXPLAIN_RATE_SIZE] = "";
	FILE *text = fmemopen(note, size, "w");

	if (!text)
		return;
	if (start->pull_bytes)
		explain_rate(start->pull_bytes, pull->download_ns ?: known(start->download), rate);
	fputs(rate, text);
	if (*pull->registry)
		fprintf(text, " from %s", pull->registry);
	if (*pull->peer)
		fprintf(text, " (%s:%u)", pull->peer, pull->peer_port);
	if (pull->parallel > 1)
		fprintf(text, ", %" PRIu32 " layers at once", pull->parallel);
	fclose(text);
}

static void unpack_note(const struct record_start *start, char *note, size_t size)
{
	const struct pull_anatomy *pull = &start->pull;
	char rate[EXPLAIN_RATE_SIZE];

	if (!pull->unpacked_bytes)
		return;
	explain_rate(pull->unpacked_bytes, pull->unpack_ns ?: known(start->unpack), rate);
	snprintf(note, size, "%s, %" PRIu64 " files", rate, pull->unpacked_files);
}

/* What it spent its time on may have pauses; then so much of it was work. */
static void busy(FILE *out, struct span span, uint64_t busy_ns, const char *what)
{
	if (busy_ns && busy_ns + busy_ns / WORTH < known(span))
		explain_row_line(out, 1, "%s %s of it", what, columns_duration(busy_ns));
}

static const char *origin(const struct pull_layer *layer)
{
	switch (layer->origin) {
	case LAYER_WAITED:
		return ", came for another image";
	case LAYER_SHARED:
		return ", came for another image too";
	case LAYER_PRESENT:
		return ", was there";
	default:
		return "";
	}
}

static void print_layer(FILE *out, const struct record_start *start, const struct pull_layer *layer)
{
	char name[LAYER_NAME_SIZE], rate[EXPLAIN_RATE_SIZE], note[160] = "";

	sentence_layer(layer->digest, name);
	explain_rate(layer->bytes, known(layer->download), rate);
	snprintf(note, sizeof(note), "%s%s", rate, origin(layer));
	row(out, start, 2, name, layer->download, note);
	*note = '\0';
	if (layer->unpacked_bytes) {
		explain_rate(layer->unpacked_bytes, known(layer->unpack), rate);
		snprintf(note, sizeof(note), "%s, %" PRIu64 " files", rate, layer->unpacked_files);
	}
	row(out, start, 2, "  unpacked", layer->unpack, note);
}

static void print_layers(FILE *out, const struct record_start *start, uint64_t whole_ns)
{
	for (uint32_t i = 0; i < start->pull.layer_count && i < PULL_LAYERS_MAX; i++) {
		const struct pull_layer *layer = &start->pull.layers[i];

		if ((known(layer->download) + known(layer->unpack)) * WORTH > whole_ns)
			print_layer(out, start, layer);
	}
}

static void print_shared(FILE *out, const struct pull_anatomy *pull)
{
	char name[LAYER_NAME_SIZE];

	if (*pull->shared_with && known(pull->waited))
		explain_row_line(out, 1, "waited %s for layer %s of image %s",
				 columns_duration(known(pull->waited)),
				 sentence_layer(pull->shared_layer, name), pull->shared_with);
	else if (*pull->shared_with)
		explain_row_line(out, 1, "layer %s came once, also for image %s",
				 sentence_layer(pull->shared_layer, name), pull->shared_with);
	if (*pull->link_with)
		explain_row_line(out, 1, "shared the link for %s with image %s",
				 columns_duration(known(pull->link)), pull->link_with);
	if (pull->failures)
		explain_row_line(out, 1, "%" PRIu32 " tr%s before failed", pull->failures,
				 pull->failures > 1 ? "ies" : "y");
}

void explain_pull(FILE *out, const struct record_start *start, const struct phase_span *phase)
{
	const struct pull_anatomy *pull = &start->pull;
	char note[400] = "", behind[IMAGE_SIZE + 32];

	if (phase->phase != PHASE_PULL)
		return;
	snprintf(behind, sizeof(behind), "before: image %s had its turn", pull->queued_behind);
	row(out, start, 1, "queue", pull->queue, behind);
	row(out, start, 1, "resolve", pull->resolve, "");
	download_note(start, note, sizeof(note));
	row(out, start, 1, "download", start->download, note);
	busy(out, start->download, pull->download_ns, "layers came");
	*note = '\0';
	unpack_note(start, note, sizeof(note));
	row(out, start, 1, "unpack", start->unpack, note);
	busy(out, start->unpack, pull->unpack_ns, "was worked on");
	print_layers(out, start, known(phase->span));
	print_shared(out, pull);
}
