/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cause.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/json.h"

struct list {
	const struct record_start *start;
	const struct phase_span *phase; /* that is looked at */
	struct cause *causes;
	uint32_t count;
};

static uint64_t length(struct span span)
{
	return span.from_ns && span.to_ns > span.from_ns ? span.to_ns - span.from_ns : 0;
}

/* The part of span that lies in whole. */
static uint64_t inside(struct span span, struct span whole)
{
	if (span.from_ns < whole.from_ns)
		span.from_ns = whole.from_ns;
	if (span.to_ns > whole.to_ns)
		span.to_ns = whole.to_ns;
	return length(span);
}

static void add(struct list *list, enum cause_kind kind, uint32_t index, uint64_t ns)
{
	if (!ns || list->count == CAUSES_MAX)
		return;
	list->causes[list->count++] = (struct cause){
		.kind = kind,
		.phase = list->phase->phase,
		.phase_index = (uint32_t)(list->phase - list->start->phases),
		.index = index,
		.phase_ns = length(list->phase->span),
		.ns = ns,
	};
}

static const struct phase_stalls *stalls_of(const struct record_start *start, enum phase phase)
{
	for (uint32_t i = 0; i < start->why.stall_count && i < START_STALLS_MAX; i++)
		if (start->why.stalls[i].phase == phase &&
		    start->why.stalls[i].grade != STALLS_NONE)
			return &start->why.stalls[i];
	return NULL;
}

static uint64_t take(uint64_t *from, uint64_t wanted)
{
	uint64_t taken = *from < wanted ? *from : wanted;

	*from -= taken;
	return taken;
}

/*
 * How long it waited for a peer, of this phase. Tries that fail fill the time between them too; where it is known what
 * the program did meanwhile, only idle time is the peer's, and is taken away from there.
 */
static uint64_t peer_ns(const struct list *list, const struct peer_wait *peer,
			struct stall_times *idle)
{
	static const enum stall waits[] = {STALL_NETWORK, STALL_SLEEP, STALL_LOCK, STALL_OTHER};
	uint64_t ns = inside(peer->span, list->phase->span), found = 0;

	if (peer->kind != PEER_WAIT_FAILED && peer->wait_ns < ns)
		ns = peer->wait_ns;
	if (!idle)
		return ns;
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		found += take(&idle->ns[waits[i]], ns - found);
	return found;
}

static void add_peers(struct list *list, struct stall_times *idle)
{
	const struct start_why *why = &list->start->why;

	for (uint32_t i = 0; i < why->peer_count && i < START_PEERS_MAX; i++)
		add(list, why->peers[i].kind == PEER_WAIT_DNS ? CAUSE_DNS : CAUSE_PEER, i,
		    peer_ns(list, &why->peers[i], idle));
}

static void add_program(struct list *list)
{
	static const enum cause_kind kinds[STALL_COUNT] = {
		[STALL_CPU] = CAUSE_CPU,
		[STALL_RUN_QUEUE] = CAUSE_RUN_QUEUE,
		[STALL_THROTTLED] = CAUSE_THROTTLED,
		[STALL_DISK] = CAUSE_DISK,
		[STALL_NETWORK] = CAUSE_NETWORK,
		[STALL_LOCK] = CAUSE_LOCK,
		[STALL_SLEEP] = CAUSE_SLEEP,
	};
	const struct record_start *start = list->start;
	const struct phase_stalls *stalls = stalls_of(start, list->phase->phase);

	if (!stalls) {
		add_peers(list, NULL);
		if (start->why.file_count)
			add(list, CAUSE_READ, 0,
			    inside(start->why.files[0].span, list->phase->span));
		return;
	}
	struct stall_times left = stalls->wall;

	add_peers(list, &left);
	for (int i = 0; i < STALL_COUNT; i++)
		if (kinds[i])
			add(list, kinds[i], 0, left.ns[i]);
}

/* A plugin's own time: what those that it ran took is theirs. */
static void add_plugins(struct list *list)
{
	const struct record_start *start = list->start;

	for (uint32_t i = 0; i < start->plugin_count && i < START_PLUGINS_MAX; i++) {
		const struct plugin_span *own = &start->plugins[i];
		uint64_t ns = inside(own->span, list->phase->span), nested = 0;

		for (uint32_t k = 0; !own->nested && k < start->plugin_count; k++)
			if (start->plugins[k].nested)
				nested += inside(start->plugins[k].span, own->span);
		add(list, CAUSE_PLUGIN, i, ns > nested ? ns - nested : 0);
	}
}

/* The same of steps; those inside one follow it. */
static void add_work(struct list *list)
{
	const struct start_why *why = &list->start->why;

	for (uint32_t i = 0; i < why->work_count && i < START_WORK_MAX; i++) {
		const struct work_step *own = &why->work[i];
		uint64_t ns = inside(own->span, list->phase->span), nested = 0;

		if (own->phase != list->phase->phase)
			continue;
		for (uint32_t k = i + 1; !own->nested && k < why->work_count && why->work[k].nested;
		     k++)
			nested += inside(why->work[k].span, own->span);
		add(list, CAUSE_WORK, i, ns > nested ? ns - nested : 0);
	}
}

/* Layers are unpacked while others still come: what the unpacking cost is what was left of it then. */
static void add_pull(struct list *list)
{
	struct span download = list->start->download, unpack = list->start->unpack;

	add(list, CAUSE_DOWNLOAD, 0, inside(download, list->phase->span));
	if (unpack.from_ns && unpack.from_ns < download.to_ns)
		unpack.from_ns = download.to_ns;
	add(list, CAUSE_UNPACK, 0, inside(unpack, list->phase->span));
}

uint32_t cause_list(const struct record_start *start, struct cause ret[static CAUSES_MAX])
{
	struct list list = {.start = start, .causes = ret};

	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++) {
		list.phase = &start->phases[i];
		switch (list.phase->phase) {
		case PHASE_PROBE:
			add(&list, CAUSE_PROBE, 0, start->why.probe_delay_ns);
			add_program(&list);
			break;
		case PHASE_APP:
			add_program(&list);
			break;
		case PHASE_PULL:
			add_pull(&list);
			break;
		default:
			if (list.phase->phase == PHASE_SANDBOX)
				add_plugins(&list);
			add_work(&list);
		}
	}
	return list.count;
}

static const char *duration(uint64_t ns)
{
	static char texts[4][DURATION_TEXT_SIZE];
	static unsigned int next;
	char *text = texts[next++ % 4];

	text_duration(ns, text);
	return text;
}

static void print_rate(FILE *out, uint64_t bytes, uint64_t ns)
{
	char text[BYTES_TEXT_SIZE];

	text_bytes(bytes, text);
	fprintf(out, "%s", text);
	if (ns)
		fprintf(out, " at %.0f MB/s", (double)bytes / 1e6 / ((double)ns / 1e9));
}

static void print_file(FILE *out, const struct record_start *start)
{
	const struct file_read *file = &start->why.files[0];
	const char *slash = strrchr(file->path, '/');
	const char *name = slash && slash[1] ? slash + 1 : file->path;

	fprintf(out, "read %.48s ", *name ? name : "a file");
	print_rate(out, file->bytes, length(file->span));
}

static void print_peer(FILE *out, const struct cause *cause, const struct peer_wait *peer)
{
	char port[8] = "";

	if (peer->port)
		snprintf(port, sizeof(port), ":%" PRIu16, peer->port);
	if (cause->kind == CAUSE_DNS) {
		fprintf(out, "waited %s for DNS, server %s%s", duration(cause->ns), peer->address,
			port);
		return;
	}
	/* an IPv6 address' colons are not its port's */
	fprintf(out, strchr(peer->address, ':') ? "waited %s for [%s]%s" : "waited %s for %s%s",
		duration(cause->ns), peer->address, port);
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
		fprintf(out, "not asked for %s", duration(ns));
		return;
	}
	fprintf(out, " cost %s", duration(why->probe_setting_ns));
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

	fprintf(out, "%s%s%s", words[cause->kind].before, duration(cause->ns),
		words[cause->kind].behind);
	if (cause->kind == CAUSE_THROTTLED)
		fprintf(out, " (%.0f %%) by its CPU limit",
			100.0 * (double)cause->ns / (double)cause->phase_ns);
	if (cause->kind == CAUSE_DISK && start->why.file_count) {
		fputs(", ", out);
		print_file(out, start);
	}
}

/* Steps are called by their name, but for things: "volume data". */
static void print_work(FILE *out, const struct work_step *step, uint64_t ns)
{
	bool thing = step->kind == WORK_VOLUME || step->kind == WORK_DEVICE || !*step->name;

	fprintf(out, "%s%s%.60s %s%s", thing ? work_kind_name(step->kind) : "",
		thing && *step->name ? " " : "", step->name, step->at_most ? "at most " : "",
		duration(ns));
}

void cause_print(FILE *out, const struct record_start *start, const struct cause *cause)
{
	switch (cause->kind) {
	case CAUSE_NONE:
	case CAUSE_KIND_COUNT:
		break;
	case CAUSE_READ:
		print_file(out, start);
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
			duration(cause->ns));
		break;
	case CAUSE_WORK:
		print_work(out, &start->why.work[cause->index], cause->ns);
		break;
	case CAUSE_DOWNLOAD:
		fprintf(out, "download %s, ", duration(cause->ns));
		print_rate(out, start->pull_bytes, length(start->download));
		break;
	case CAUSE_UNPACK:
		fprintf(out, "unpack %s, ", duration(cause->ns));
		print_rate(out, start->pull_bytes, length(start->unpack));
		break;
	default:
		print_stall(out, start, cause);
	}
}

/* Of this kind, where it isn't PHASE_NONE. */
static const struct phase_span *longest_phase(const struct record_start *start, enum phase phase)
{
	const struct phase_span *longest = NULL;

	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++)
		if ((phase == PHASE_NONE || start->phases[i].phase == phase) &&
		    (!longest || length(start->phases[i].span) > length(longest->span)))
			longest = &start->phases[i];
	return longest;
}

static bool greatest(const struct record_start *start, const struct phase_span *phase,
		     struct cause *ret)
{
	struct cause causes[CAUSES_MAX], found = {0};

	for (uint32_t i = cause_list(start, causes); i-- > 0;)
		if (start->phases + causes[i].phase_index == phase &&
		    causes[i].ns * 3 >= causes[i].phase_ns && causes[i].ns >= found.ns)
			found = causes[i];
	if (found.kind == CAUSE_NONE)
		return false;
	*ret = found;
	return true;
}

bool cause_of_phase(const struct record_start *start, enum phase phase, struct cause *ret)
{
	const struct phase_span *longest = longest_phase(start, phase);

	return longest && greatest(start, longest, ret);
}

uint64_t start_cause(const struct record_start *start, char ret_text[static CAUSE_SIZE])
{
	const struct phase_span *phase = longest_phase(start, PHASE_NONE);
	struct cause found = {0};
	char text[4 * CAUSE_SIZE] = "";
	uint64_t phase_ns = phase ? length(phase->span) : 0;

	*ret_text = '\0';
	if (!phase_ns)
		return 0;
	greatest(start, phase, &found);
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return 0;
	fprintf(out, "%s %s", phase_name(phase->phase), duration(phase_ns));
	if (found.kind != CAUSE_NONE)
		fputs(": ", out);
	cause_print(out, start, &found);
	fclose(out);
	text_copy(ret_text, CAUSE_SIZE, text);
	return found.kind != CAUSE_NONE ? found.ns : phase_ns;
}
