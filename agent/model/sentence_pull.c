// SPDX-License-Identifier: Apache-2.0
#include "model/sentence_pull.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Below this nobody asks what bounds it. */
#define WORTH_NS NS_PER_SECOND

static void duration(FILE *out, const char *before, uint64_t ns)
{
	char text[DURATION_TEXT_SIZE];

	text_duration(ns, text);
	fprintf(out, "%s%s", before, text);
}

static void bytes(FILE *out, const char *before, uint64_t count)
{
	char text[BYTES_TEXT_SIZE];

	text_bytes(count, text);
	fprintf(out, "%s%s", before, text);
}

static void rate(FILE *out, double bytes_per_s)
{
	fprintf(out, bytes_per_s < 10e6 ? " at %.1f MB/s" : " at %.0f MB/s", bytes_per_s / 1e6);
}

const char *sentence_layer(const char *digest, char ret[static LAYER_NAME_SIZE])
{
	const char *colon = strchr(digest, ':');

	text_copy(ret, LAYER_NAME_SIZE, colon ? colon + 1 : digest);
	return ret;
}

static void shared(FILE *out, const struct pull_anatomy *anatomy, const char *verb)
{
	char layer[LAYER_NAME_SIZE];

	if (!span_seen(anatomy->waited) || !*anatomy->shared_with)
		return;
	fprintf(out, ", %s", verb);
	duration(out, " ", span_seen(anatomy->waited));
	fputs(" for layer ", out);
	text_print_safe(out, sentence_layer(anatomy->shared_layer, layer));
	fputs(" of image ", out);
	text_print_safe(out, anatomy->shared_with);
}

static void running(FILE *out, const struct record *record)
{
	const struct record_pull *pull = &record->pull;
	bool came = pull->bytes >= pull->total_bytes;

	fputs(came ? "unpacking" : "pulling", out);
	if (*record->subject.pod) { /* else the line begins with it */
		fputc(' ', out);
		text_print_safe(out, pull->image);
		fputc(came ? ';' : ':', out);
	} else if (came) {
		fputc(';', out);
	}
	bytes(out, " ", pull->bytes);
	if (came) {
		duration(out, " came in ", span_seen(pull->download));
		duration(out, ", ", span_seen(pull->span));
		fputs(" so far", out);
		return;
	}
	bytes(out, " of ", pull->total_bytes);
	if (pull->bytes_per_s)
		rate(out, (double)pull->bytes_per_s);
	if (pull->left_ns)
		duration(out, ", ",
			 (pull->left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND * NS_PER_SECOND);
	if (pull->left_ns)
		fputs(" left", out);
	shared(out, &pull->anatomy, "waits");
}

static void failed(FILE *out, const struct record_pull *pull)
{
	duration(out, "pull failed after ", span_seen(pull->span));
	bytes(out, ", ", pull->bytes);
	if (pull->total_bytes)
		bytes(out, " of ", pull->total_bytes);
	fputs(" came", out);
}

static void parts(FILE *out, const struct record_pull *pull)
{
	const struct pull_anatomy *anatomy = &pull->anatomy;
	uint64_t download_ns = anatomy->download_ns ?: span_seen(pull->download);
	uint64_t fetch_ns = anatomy->fetch_ns ?: download_ns;
	uint64_t unpack_ns = anatomy->unpack_ns ?: span_seen(pull->unpack);

	duration(out, ": download ", download_ns);
	if (pull->bytes && fetch_ns)
		rate(out, (double)pull->bytes * NS_PER_SECOND / (double)fetch_ns);
	if (unpack_ns)
		duration(out, ", unpack ", unpack_ns);
	fprintf(out, ", %" PRIu32 " of %" PRIu32 " layers", pull->layers - pull->layers_present,
		pull->layers);
	if (span_seen(pull->span) >= WORTH_NS && pull_bound(anatomy) == PULL_BOUND_DOWNLOAD)
		fputs(", download-bound", out);
	if (span_seen(pull->span) >= WORTH_NS && pull_bound(anatomy) == PULL_BOUND_UNPACK)
		fputs(", unpack-bound", out);
	shared(out, anatomy, "waited");
	if (anatomy->failures)
		fprintf(out, ", after %" PRIu32 " failed tr%s", anatomy->failures,
			anatomy->failures > 1 ? "ies" : "y");
}

void sentence_pull(FILE *out, const struct record *record)
{
	const struct record_pull *pull = &record->pull;

	if (!record->final) {
		running(out, record);
	} else if (pull->failed) {
		failed(out, pull);
	} else if (pull_was_logged(pull)) { /* how much came is not known */
		duration(out, "pulled in ", span_seen(pull->span));
	} else {
		bytes(out, "pulled ", pull->bytes);
		duration(out, " in ", span_seen(pull->span));
		parts(out, pull);
	}
}
