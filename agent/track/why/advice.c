/* SPDX-License-Identifier: Apache-2.0 */
#include "track/why/advice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/cause.h"

/* What is saved by less is not worth a person's time. */
#define SAVING_NS      (5 * NS_PER_SECOND)
#define SAVING_PERCENT 20
/* Others that start at the same time, from where they are the reason for want of CPUs. */
#define COMPETING_MANY 3

/* One rule that a cause meets. */
struct finding {
	const struct record_start *start;
	const struct cause *cause;
};

static const struct phase_stalls *stalls_of(const struct finding *f)
{
	const struct start_why *why = &f->start->why;

	for (uint32_t i = 0; i < why->stall_count; i++)
		if (why->stalls[i].phase == f->cause->phase)
			return &why->stalls[i];
	return NULL;
}

/*
 * Each switch of each thread was seen. A cgroup's own counters sum the throttling of all CPUs, and without either it is
 * not known whether a thread that waited was the one that the start waited for.
 */
static bool measured(const struct finding *f)
{
	const struct phase_stalls *stalls = stalls_of(f);

	return stalls && stalls->grade == STALLS_MEASURED;
}

static const struct peer_wait *peer_of(const struct finding *f)
{
	return &f->start->why.peers[f->cause->index];
}

/* --- the rules' conditions and words --------------------------------------------------------- */

static bool always(const struct finding *f)
{
	(void)f;
	return true;
}

static void cpu_limit_words(FILE *out, const struct finding *f)
{
	fprintf(out, "raise the CPU limit: throttled %.0f %% of %s",
		100.0 * (double)f->cause->ns / (double)f->cause->phase_ns,
		text_of_duration(f->cause->phase_ns));
}

static bool is_probe_delay(const struct finding *f)
{
	return f->start->why.probe_setting == PROBE_INITIAL_DELAY;
}

static bool is_probe_period(const struct finding *f)
{
	return f->start->why.probe_setting == PROBE_PERIOD ||
	       f->start->why.probe_setting == PROBE_SUCCESS_THRESHOLD;
}

static void cause_words(FILE *out, const struct finding *f)
{
	cause_print(out, f->start, f->cause);
}

static bool has_pull_bytes(const struct finding *f)
{
	return f->start->pull_bytes > 0;
}

static void pull_words(FILE *out, const struct finding *f)
{
	uint64_t fetch_ns = f->start->pull.fetch_ns;
	uint64_t ns = fetch_ns ? fetch_ns : span_seen(f->start->download);

	fprintf(out, "pull %s", text_of_bytes(f->start->pull_bytes));
	if (ns)
		fprintf(out, " at %.0f MB/s",
			(double)f->start->pull_bytes / 1e6 / ((double)ns / 1e9));
	fputs(": pre-pull or mirror", out);
}

static void queue_words(FILE *out, const struct finding *f)
{
	cause_print(out, f->start, f->cause);
	fputs(": pre-pull, or let pulls run in parallel", out);
}

static void unpack_words(FILE *out, const struct finding *f)
{
	fprintf(out, "unpack took %s of a pull of %s: pre-pull or a smaller image",
		text_of_duration(f->cause->ns), text_of_duration(f->cause->phase_ns));
}

/* Cold reads explain a wait for the disk; writing back or another's reads don't. */
static const struct file_read *file_of(const struct finding *f)
{
	return cause_file(f->start, &f->start->phases[f->cause->phase_index]);
}

static bool read_cold(const struct finding *f)
{
	const struct file_read *file = file_of(f);

	return measured(f) && file && *file->path && file->bytes * 2 >= f->start->why.disk_bytes &&
	       span_seen(file->span);
}

static void disk_words(FILE *out, const struct finding *f)
{
	const struct file_read *file = file_of(f);
	const char *slash = strrchr(file->path, '/');

	fprintf(out, "read %.40s, %s cold at %.0f MB/s: a faster disk, or keep it in memory",
		slash && slash[1] ? slash + 1 : file->path, text_of_bytes(file->bytes),
		(double)file->bytes / 1e6 / ((double)span_seen(file->span) / 1e9));
}

/* A try that is refused is over at once; one that takes so long got no answer at all. */
static bool is_silent(const struct peer_wait *peer)
{
	return peer->longest_ns >= NS_PER_SECOND;
}

static bool peer_refused(const struct finding *f)
{
	const struct peer_wait *peer = peer_of(f);

	return measured(f) && peer->kind == PEER_WAIT_FAILED && peer->count > 1 && !is_silent(peer);
}

static bool peer_silent(const struct finding *f)
{
	return measured(f) && peer_of(f)->kind == PEER_WAIT_FAILED && is_silent(peer_of(f));
}

static bool peer_slow(const struct finding *f)
{
	return measured(f) && peer_of(f)->kind == PEER_WAIT_SLOW;
}

static void print_peer(FILE *out, const struct finding *f)
{
	const struct peer_wait *peer = peer_of(f);
	bool v6 = strchr(peer->address, ':') != NULL;

	fprintf(out, "waited %s for ", text_of_duration(f->cause->ns));
	if (*peer->name)
		fprintf(out, "%.60s", peer->name);
	else
		fprintf(out, "%s%s%s:%" PRIu16, v6 ? "[" : "", peer->address, v6 ? "]" : "",
			peer->port);
}

static void peer_refused_words(FILE *out, const struct finding *f)
{
	print_peer(out, f);
	fputs(": start it first or retry sooner", out);
}

static void peer_silent_words(FILE *out, const struct finding *f)
{
	print_peer(out, f);
	fputs(", no answer: check its address and network policies", out);
}

static void peer_slow_words(FILE *out, const struct finding *f)
{
	print_peer(out, f);
	fprintf(out, ": it took up to %s to accept", text_of_duration(peer_of(f)->longest_ns));
}

static void dns_words(FILE *out, const struct finding *f)
{
	const struct peer_wait *peer = peer_of(f);

	fprintf(out, "DNS server %s cost %s: %" PRIu32 " slow or failed of the questions to it",
		peer->address, text_of_duration(f->cause->ns), peer->count);
}

static bool plugin_succeeded(const struct finding *f)
{
	return f->start->plugins[f->cause->index].code == 0;
}

static void cni_words(FILE *out, const struct finding *f)
{
	fprintf(out, "CNI plugin %.48s took %s: see its log",
		f->start->plugins[f->cause->index].name, text_of_duration(f->cause->ns));
}

static bool is_volume(const struct finding *f)
{
	const struct work_step *step = &f->start->why.work[f->cause->index];

	return step->kind == WORK_VOLUME && !step->at_most;
}

static void volume_words(FILE *out, const struct finding *f)
{
	const char *name = f->start->why.work[f->cause->index].name;

	fprintf(out, "volume %.60s%stook %s: see its driver", name, *name ? " " : "",
		text_of_duration(f->cause->ns));
}

static bool many_compete(const struct finding *f)
{
	return measured(f) && f->start->why.competing >= COMPETING_MANY;
}

static void competing_words(FILE *out, const struct finding *f)
{
	fprintf(out,
		"%" PRIu32
		" other containers were starting: waited %s for a CPU, start fewer at once",
		f->start->why.competing, text_of_duration(f->cause->ns));
}

static bool few_compete(const struct finding *f)
{
	return measured(f) && f->start->why.competing < COMPETING_MANY;
}

static void cpu_busy_words(FILE *out, const struct finding *f)
{
	fprintf(out, "the node's CPUs were busy: waited %s for one, %.0f %% of %s",
		text_of_duration(f->cause->ns),
		100.0 * (double)f->cause->ns / (double)f->cause->phase_ns,
		text_of_duration(f->cause->phase_ns));
}

/*
 * What a cause must be for the advice to be given: its share of its phase in percent, and what else makes it
 * clear. The saving is the cause's time; of a pull it is all of it.
 */
static const struct rule {
	enum advice_rule rule;
	enum cause_kind kind;
	uint32_t phase_percent;
	bool whole_phase;
	bool (*clear)(const struct finding *f);
	void (*words)(FILE *out, const struct finding *f);
} rules[] = {
	{ADVICE_CPU_LIMIT, CAUSE_THROTTLED, 25, false, measured, cpu_limit_words},
	{ADVICE_PROBE_DELAY, CAUSE_PROBE, 0, false, is_probe_delay, cause_words},
	{ADVICE_PROBE_PERIOD, CAUSE_PROBE, 0, false, is_probe_period, cause_words},
	{ADVICE_PULL, CAUSE_DOWNLOAD, 50, true, has_pull_bytes, pull_words},
	{ADVICE_PULL, CAUSE_QUEUE, 50, false, always, queue_words},
	{ADVICE_UNPACK, CAUSE_UNPACK, 50, true, has_pull_bytes, unpack_words},
	{ADVICE_DISK, CAUSE_DISK, 30, false, read_cold, disk_words},
	{ADVICE_PEER, CAUSE_PEER, 30, false, peer_refused, peer_refused_words},
	{ADVICE_PEER, CAUSE_PEER, 30, false, peer_silent, peer_silent_words},
	{ADVICE_PEER, CAUSE_PEER, 30, false, peer_slow, peer_slow_words},
	{ADVICE_DNS, CAUSE_DNS, 30, false, measured, dns_words},
	{ADVICE_CNI, CAUSE_PLUGIN, 50, false, plugin_succeeded, cni_words},
	{ADVICE_VOLUME, CAUSE_WORK, 50, false, is_volume, volume_words},
	{ADVICE_COMPETING, CAUSE_RUN_QUEUE, 30, false, many_compete, competing_words},
	{ADVICE_CPU_BUSY, CAUSE_RUN_QUEUE, 30, false, few_compete, cpu_busy_words},
};

/* --- of the node as a whole ------------------------------------------------------------------ */

/*
 * Memory: what all of the node's work stalled for it together (PSI full) would be saved. Nothing by free memory alone:
 * a node that has little is not slow by that.
 */
static uint64_t memory_saving_ns(const struct record_start *start)
{
	const struct start_pressure *pressure = &start->why.pressure;

	return pressure->measured ? pressure->node.memory_full_ns : 0;
}

static void memory_words(FILE *out, const struct start_pressure *pressure)
{
	fprintf(out, "the node was short of memory: all stalled for it for %s of %s",
		text_of_duration(pressure->node.memory_full_ns),
		text_of_duration(span_seen(pressure->span)));
	if (pressure->memory_total_bytes)
		fprintf(out, ", %s of %s were left",
			text_of_bytes(pressure->memory_available_bytes),
			text_of_bytes(pressure->memory_total_bytes));
}

/* --- the choice ------------------------------------------------------------------------------ */

static uint64_t saving_ns(const struct rule *rule, const struct finding *f)
{
	const struct cause *cause = f->cause;

	if (rule->kind != cause->kind || cause->ns * 100 < cause->phase_ns * rule->phase_percent ||
	    !rule->clear(f))
		return 0;
	if (cause->kind == CAUSE_PROBE)
		return f->start->why.probe_setting_ns;
	return rule->whole_phase ? cause->phase_ns : cause->ns;
}

/* Without the time in which the pod had no node: that it fitted nowhere says nothing of its start. */
static bool worth_it(const struct record_start *start, uint64_t saving)
{
	uint64_t whole_ns = span_seen(start->span);

	for (uint32_t i = 0; i < start->phase_count; i++)
		if (start->phases[i].phase == PHASE_SCHEDULE)
			whole_ns -= span_seen(start->phases[i].span);
	return saving >= SAVING_NS && saving * 100 >= whole_ns * SAVING_PERCENT;
}

static void write_advice(struct record_start *start, const struct rule *rule,
			 const struct finding *f)
{
	char text[4 * CAUSE_SIZE] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return;
	start->why.advice_rule = rule ? rule->rule : ADVICE_MEMORY;
	if (rule)
		rule->words(out, f);
	else
		memory_words(out, &start->why.pressure);
	fclose(out);
	text_copy(start->why.advice, sizeof(start->why.advice), text);
}

void advice_give(struct record_start *start)
{
	struct cause causes[CAUSES_MAX];
	uint32_t count = cause_list(start, causes);
	uint64_t best_ns = memory_saving_ns(start);
	const struct rule *best = NULL; /* memory */
	struct finding found = {.start = start};

	start->why.advice_rule = ADVICE_NONE;
	*start->why.advice = '\0';
	for (uint32_t i = 0; i < count; i++)
		for (size_t k = 0; k < sizeof(rules) / sizeof(*rules); k++) {
			struct finding f = {start, &causes[i]};
			uint64_t ns = saving_ns(&rules[k], &f);

			if (ns <= best_ns)
				continue;
			best_ns = ns;
			best = &rules[k];
			found = f;
		}
	if (worth_it(start, best_ns))
		write_advice(start, best, &found);
}
