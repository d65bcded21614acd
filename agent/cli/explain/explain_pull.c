// SPDX-License-Identifier: Apache-2.0
/* Below a pull: its turn, how its layers came and were unpacked, and whom it shared them or the link with. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/explain/explain_row.h"
#include "cli/explain/explain_topic.h"
#include "model/sentence_pull.h"

/* Layers that took less than this part of the pull don't matter. */
#define WORTH 20

/* A layer that came too fast to be seen in progress has an end only. */
static uint64_t known(struct span span)
{
	return span.from_ns ? span_length(span) : 0;
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

/* "191MiB at 200 MB/s"; and in which time, where that is less than from the first to the last of it. */
static void amount(FILE *out, uint64_t bytes, uint64_t ns, struct span span)
{
	char rate[EXPLAIN_RATE_SIZE];

	if (!bytes)
		return;
	explain_rate(bytes, ns ?: known(span), rate);
	fputs(rate, out);
	if (ns && ns + ns / WORTH < known(span))
		fprintf(out, " in %s", text_of_duration(ns));
}

static void download_note(const struct record_start *start, char *note, size_t size)
{
	const struct pull_anatomy *pull = &start->pull;
	FILE *text = fmemopen(note, size, "w");

	if (!text)
		return;
	amount(text, start->pull_bytes, pull->fetch_ns, start->download);
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
	FILE *text = fmemopen(note, size, "w");

	if (!text)
		return;
	amount(text, pull->unpacked_bytes, pull->unpack_ns, start->unpack);
	if (pull->unpacked_files)
		fprintf(text, ", %" PRIu64 " files", pull->unpacked_files);
	fclose(text);
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
	bool came = known(layer->download);

	sentence_layer(layer->digest, name);
	explain_rate(layer->bytes, known(layer->download), rate);
	snprintf(note, sizeof(note), "%s%s", rate, origin(layer));
	row(out, start, 2, name, layer->download, note);
	*note = '\0';
	if (layer->unpacked_bytes) {
		explain_rate(layer->unpacked_bytes, known(layer->unpack), rate);
		snprintf(note, sizeof(note), "%s%s, %" PRIu64 " files", came ? "" : "unpacked ",
			 rate, layer->unpacked_files);
	}
	row(out, start, 2, came ? "  unpacked" : name, layer->unpack, note);
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
				 text_of_duration(known(pull->waited)),
				 sentence_layer(pull->shared_layer, name), pull->shared_with);
	else if (*pull->shared_with)
		explain_row_line(out, 1, "layer %s came once, also for image %s",
				 sentence_layer(pull->shared_layer, name), pull->shared_with);
	if (*pull->link_with)
		explain_row_line(out, 1, "shared the link for %s with image %s",
				 text_of_duration(known(pull->link)), pull->link_with);
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
	*note = '\0';
	unpack_note(start, note, sizeof(note));
	row(out, start, 1, "unpack", start->unpack, note);
	print_layers(out, start, known(phase->span));
	print_shared(out, pull);
}
