/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cause.h"

#include <stdio.h>

#include "base/text.h"
#include "model/json.h"

struct list {
	const struct record_start *start;
	const struct phase_span *phase; /* that is looked at */
	struct cause *causes;
	uint32_t count;
};

/* The part of span that lies in whole. */
static uint64_t inside(struct span span, struct span whole)
{
	if (span.from_ns < whole.from_ns)
		span.from_ns = whole.from_ns;
	if (span.to_ns > whole.to_ns)
		span.to_ns = whole.to_ns;
	return span_seen(span);
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
		.phase_ns = span_seen(list->phase->span),
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

uint64_t cause_peer_ns(const struct peer_wait *peer, const struct phase_span *phase)
{
	uint64_t ns = inside(peer->span, phase->span);
	uint64_t most_ns =
		phase->phase == PHASE_PROBE ? peer->probe_ns : peer->wait_ns - peer->probe_ns;

	return peer->kind == PEER_WAIT_FAILED || ns < most_ns ? ns : most_ns;
}

const struct file_read *cause_file(const struct record_start *start, const struct phase_span *phase)
{
	for (uint32_t i = 0; i < start->why.file_count && i < START_FILES_MAX; i++)
		if (inside(start->why.files[i].span, phase->span))
			return &start->why.files[i];
	return NULL;
}

/* Where it is known what the program did meanwhile, only idle time is the peer's, and is taken away from there. */
static uint64_t peer_ns(const struct list *list, const struct peer_wait *peer,
			struct stall_times *idle)
{
	static const enum stall waits[] = {STALL_NETWORK, STALL_SLEEP, STALL_LOCK, STALL_OTHER};
	uint64_t ns = cause_peer_ns(peer, list->phase), found = 0;

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
		const struct file_read *file = cause_file(start, list->phase);

		if (file)
			add(list, CAUSE_READ, (uint32_t)(file - start->why.files),
			    inside(file->span, list->phase->span));
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

/* Layers are unpacked while others still come: the slower of both is what the pull waited for, the other only alone. */
static void add_pull(struct list *list)
{
	const struct pull_anatomy *pull = &list->start->pull;
	struct span whole = list->phase->span, behind = list->start->unpack;
	uint64_t download_ns = inside(list->start->download, whole);
	uint64_t layer_ns = inside(pull->waited, whole);

	if (behind.from_ns && behind.from_ns < list->start->download.to_ns)
		behind.from_ns = list->start->download.to_ns;
	uint64_t unpack_ns = inside(behind, whole);

	if (pull->download_ns && pull->download_ns < download_ns)
		download_ns = pull->download_ns;
	if (pull_bound(pull) == PULL_BOUND_UNPACK) {
		unpack_ns = pull->unpack_ns < span_seen(whole) ? pull->unpack_ns : span_seen(whole);
		download_ns = span_seen(whole) > unpack_ns ? span_seen(whole) - unpack_ns : 0;
	}
	add(list, CAUSE_RESOLVE, 0, inside(pull->resolve, whole));
	add(list, CAUSE_DOWNLOAD, 0, download_ns > layer_ns ? download_ns - layer_ns : 0);
	add(list, CAUSE_LAYER, 0, layer_ns);
	add(list, CAUSE_UNPACK, 0, unpack_ns);
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
			add(&list, CAUSE_QUEUE, 0, inside(start->pull.queue, list.phase->span));
			add_work(&list);
		}
	}
	return list.count;
}

/* Of this kind, where it isn't PHASE_NONE. */
static const struct phase_span *longest_phase(const struct record_start *start, enum phase phase)
{
	const struct phase_span *longest = NULL;

	for (uint32_t i = 0; i < start->phase_count && i < START_PHASES_MAX; i++)
		if ((phase == PHASE_NONE || start->phases[i].phase == phase) &&
		    (!longest || span_seen(start->phases[i].span) > span_seen(longest->span)))
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
	char text[4 * CAUSE_SIZE] = "", length_text[DURATION_TEXT_SIZE];
	uint64_t phase_ns = phase ? span_seen(phase->span) : 0;

	*ret_text = '\0';
	if (!phase_ns)
		return 0;
	greatest(start, phase, &found);
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return 0;
	text_duration(phase_ns, length_text);
	fprintf(out, "%s %s", phase_name(phase->phase), length_text);
	if (found.kind != CAUSE_NONE)
		fputs(": ", out);
	cause_print(out, start, &found);
	fclose(out);
	text_copy(ret_text, CAUSE_SIZE, text);
	return found.kind != CAUSE_NONE ? found.ns : phase_ns;
}
