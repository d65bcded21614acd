// SPDX-License-Identifier: Apache-2.0
/* A cause in words. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/cause.h"
#include "model/json.h"

static void print_rate(FILE *out, uint64_t bytes, uint64_t ns)
{
	char text[BYTES_TEXT_SIZE];

	text_bytes(bytes, text);
	fprintf(out, "%s", text);
	if (ns)
		fprintf(out, " at %.0f MB/s", (double)bytes / 1e6 / ((double)ns / 1e9));
}

static void print_file(FILE *out, const struct file_read *file)
{
	const char *slash = strrchr(file->path, '/');
	const char *name = slash && slash[1] ? slash + 1 : file->path;

	fprintf(out, "read %.48s ", *name ? name : "a file");
	print_rate(out, file->bytes, span_seen(file->span));
}

static void print_peer(FILE *out, const struct cause *cause, const struct peer_wait *peer)
{
	char port[8] = "";

	if (peer->port)
		snprintf(port, sizeof(port), ":%" PRIu16, peer->port);
	if (cause->kind == CAUSE_DNS) {
		fprintf(out, "waited %s for DNS, server %s%s", text_of_duration(cause->ns),
			peer->address, port);
		return;
	}
	/* an IPv6 address' colons are not its port's */
	fprintf(out, strchr(peer->address, ':') ? "waited %s for [%s]%s" : "waited %s for %s%s",
		text_of_duration(cause->ns), peer->address, port);
	if (*peer->name)
		fprintf(out, " (%.40s)", peer->name);
	if (peer->kind == PEER_WAIT_FAILED)
		fprintf(out, ", %" PRIu32 " %sconnection%s",
			peer->failed ? peer->failed : peer->count,
			peer->error == ECONNREFUSED ? "refused " : "failed ",
			(peer->failed ? peer->failed : peer->count) == 1 ? "" : "s");
}

static void print_probe(FILE *out, const struct start_why *why, uint64_t ns)
{
	uint32_t value = why->probe_setting_value;
	const char *of_startup = why->probe_is_startup ? " of the startup probe" : "";

	switch (why->probe_setting) {
	case PROBE_INITIAL_DELAY:
		fprintf(out, "initialDelaySeconds %" PRIu32 "%s", value, of_startup);
		break;
	case PROBE_PERIOD:
		fprintf(out, "%sprobe period %" PRIu32 "s", why->probe_is_startup ? "startup " : "",
			value);
		break;
	case PROBE_SUCCESS_THRESHOLD:
		fprintf(out, "successThreshold %" PRIu32, value);
		break;
	default:
		fprintf(out, "not asked for %s", text_of_duration(ns));
		return;
	}
	fprintf(out, " cost %s", text_of_duration(why->probe_setting_ns));
}

static void print_stall(FILE *out, const struct record_start *start, const struct cause *cause)
{
	static const struct {
		const char *before, *behind;
	} words[CAUSE_KIND_COUNT] = {
		[CAUSE_CPU] = {"on CPU ", ""},
		[CAUSE_RUN_QUEUE] = {"waited ", " for a CPU"},
		[CAUSE_THROTTLED] = {"throttled ", ""},
		[CAUSE_DISK] = {"disk ", ""},
		[CAUSE_NETWORK] = {"network ", ""},
		[CAUSE_LOCK] = {"waited ", " for locks"},
		[CAUSE_SLEEP] = {"slept ", ""},
	};

	fprintf(out, "%s%s%s", words[cause->kind].before, text_of_duration(cause->ns),
		words[cause->kind].behind);
	if (cause->kind == CAUSE_THROTTLED)
		fprintf(out, " (%.0f %%) by its CPU limit",
			100.0 * (double)cause->ns / (double)cause->phase_ns);
	const struct file_read *file = cause_file(start, &start->phases[cause->phase_index]);

	if (cause->kind == CAUSE_DISK && file) {
		fputs(", ", out);
		print_file(out, file);
	}
}

/* Steps are called by their name, but for things: "volume data". */
static void print_work(FILE *out, const struct work_step *step, uint64_t ns)
{
	bool thing = step->kind == WORK_VOLUME || step->kind == WORK_DEVICE || !*step->name;

	fprintf(out, "%s%s%.60s %s%s", thing ? work_kind_name(step->kind) : "",
		thing && *step->name ? " " : "", step->name, step->at_most ? "at most " : "",
		text_of_duration(ns));
}

static void print_pull(FILE *out, const struct record_start *start, const struct cause *cause)
{
	const struct pull_anatomy *pull = &start->pull;
	uint64_t fetch_ns = pull->fetch_ns ? pull->fetch_ns : span_seen(start->download);

	switch (cause->kind) {
	case CAUSE_QUEUE:
		fprintf(out, "waited %s for the pull of %.60s", text_of_duration(cause->ns),
			pull->queued_behind);
		break;
	case CAUSE_LAYER:
		fprintf(out, "waited %s for a layer of %.60s", text_of_duration(cause->ns),
			pull->shared_with);
		break;
	case CAUSE_RESOLVE:
		fprintf(out, "resolve %s", text_of_duration(cause->ns));
		break;
	case CAUSE_DOWNLOAD:
		fprintf(out, "download %s, ", text_of_duration(cause->ns));
		print_rate(out, start->pull_bytes, fetch_ns);
		break;
	default:
		fprintf(out, "unpack %s", text_of_duration(cause->ns));
		if (pull->unpacked_bytes) {
			fputs(", ", out);
			print_rate(out, pull->unpacked_bytes, pull->unpack_ns);
		}
	}
}

void cause_print(FILE *out, const struct record_start *start, const struct cause *cause)
{
	switch (cause->kind) {
	case CAUSE_NONE:
	case CAUSE_KIND_COUNT:
		break;
	case CAUSE_READ:
		print_file(out, &start->why.files[cause->index]);
		break;
	case CAUSE_PEER:
	case CAUSE_DNS:
		print_peer(out, cause, &start->why.peers[cause->index]);
		break;
	case CAUSE_PROBE:
		print_probe(out, &start->why, cause->ns);
		break;
	case CAUSE_PLUGIN:
		fprintf(out, "CNI plugin %.60s %s", start->plugins[cause->index].name,
			text_of_duration(cause->ns));
		break;
	case CAUSE_WORK:
		print_work(out, &start->why.work[cause->index], cause->ns);
		break;
	default:
		if (cause->kind >= CAUSE_QUEUE)
			print_pull(out, start, cause);
		else
			print_stall(out, start, cause);
	}
}
