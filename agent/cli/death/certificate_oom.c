// SPDX-License-Identifier: Apache-2.0
/* The rows of a kill for memory. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/death/certificate.h"
#include "cli/columns.h"
#include "model/json.h"
#include "model/sentence_oom.h"

#define NAME_WIDTH 32

static void kib(FILE *out, const char *comma, uint64_t kb, const char *what)
{
	if (kb)
		fprintf(out, "%s%s %s", comma, text_of_bytes(kb * 1024), what);
}

static void bytes(FILE *out, uint64_t count, const char *what)
{
	if (count)
		fprintf(out, ", %s %s", text_of_bytes(count), what);
}

static void one_victim(FILE *out, const struct death *death, const struct oom_victim *victim)
{
	sentence_victim(out, victim, *death->oom->subject.container_id);
	if (victim->start_ns && victim->start_ns < death->oom->boot_ns)
		fprintf(out, ", %s old", text_of_duration(death->oom->boot_ns - victim->start_ns));
	fprintf(out, ": %s anon", text_of_bytes(victim->anon_kb * 1024));
	kib(out, ", ", victim->file_kb, "file");
	kib(out, ", ", victim->shmem_kb, "shmem");
	kib(out, ", ", victim->swap_kb, "swap");
	kib(out, ", ", victim->pagetable_kb, "page tables");
	fprintf(out, "; oom_score_adj %" PRId32 ", uid %" PRIu32, victim->oom_score_adj,
		victim->uid);
}

static void victims(FILE *out, const struct death *death)
{
	const struct record_oom *oom = &death->oom->oom;

	for (uint32_t i = 0; i < oom->victim_count && i < OOM_VICTIMS_MAX; i++) {
		if (i)
			certificate_next_line(out);
		one_victim(out, death, &oom->victims[i]);
	}
	if (oom->victim_total > oom->victim_count) {
		certificate_next_line(out);
		fprintf(out, "and %" PRIu32 " more", oom->victim_total - oom->victim_count);
	}
}

static void survivors(FILE *out, const struct death *death)
{
	if (death->oom->oom.container_survived == SURVIVAL_YES)
		fputs("the container goes on: Kubernetes shows nothing", out);
}

static void limit(FILE *out, const struct death *death)
{
	const struct record_oom *oom = &death->oom->oom;

	if (oom->scope == SCOPE_NONE && *oom->killer)
		return;
	sentence_limit(out, oom);
	if (oom->scope == SCOPE_NODE)
		return;
	bytes(out, oom->usage_bytes, "used");
	if (oom->near_ns)
		fprintf(out, ", near it for %s", text_of_duration(oom->near_ns));
	if (*oom->limit_path && oom->scope != SCOPE_CGROUP) {
		certificate_next_line(out);
		text_print_safe(out, oom->limit_path);
	}
}

static void memory(FILE *out, const struct death *death)
{
	const struct memory_state *state = &death->oom->oom.memory;

	if (!state->usage_bytes && !state->peak_bytes && !state->anon_bytes)
		return;
	fprintf(out, "%s used after the kill", text_of_bytes(state->usage_bytes));
	bytes(out, state->anon_bytes, "anon");
	bytes(out, state->file_bytes, "file");
	bytes(out, state->shmem_bytes, "shmem");
	bytes(out, state->kernel_bytes, "kernel");
	bytes(out, state->swap_bytes, "swap");
	bytes(out, state->peak_bytes, "at its peak");
	if (state->limit_hits)
		fprintf(out, "; at its limit %" PRIu64 " times", state->limit_hits);
	if (state->kills)
		fprintf(out, ", %" PRIu64 " kill%s so far", state->kills,
			state->kills == 1 ? "" : "s");
}

static void stalled(FILE *out, const struct death *death)
{
	const struct memory_state *state = &death->oom->oom.memory;

	if (state->stalled10 || state->stalled60 || state->stalled300)
		fprintf(out, "on memory %.1f %% of the last 10s, %.1f %% of 60s, %.1f %% of 5min",
			state->stalled10 / 10.0, state->stalled60 / 10.0, state->stalled300 / 10.0);
}

static void triggered(FILE *out, const struct death *death)
{
	const struct record_oom *oom = &death->oom->oom;

	if (*oom->killer) {
		text_print_safe(out, oom->killer);
		fprintf(out, " (pid %" PRIu32 ") sent SIGKILL: no kill of the kernel's",
			oom->killer_pid);
	} else if (oom->invoker_pid == oom->victims[0].pid && oom->invoker_pid) {
		fputs("by the victim itself", out);
	} else if (oom->invoker_pid) {
		fputs("by ", out);
		text_print_safe(out, oom->invoker_comm);
		fprintf(out, " (pid %" PRIu32 ")%s", oom->invoker_pid,
			oom->invoker_inside ? " of the same container" : "");
	}
	if (oom->group_kill)
		fputs("; memory.oom.group: all of the cgroup die together", out);
	if (!oom->confirmed && !*oom->killer)
		fputs("; that it ended was not seen", out);
}

static void series(FILE *out, const struct death *death)
{
	const struct oom_series *of = &death->oom->oom.series;

	if (of->count < 2)
		return;
	sentence_series(out, of);
	if (of->first_ns) {
		fputs("; the first at ", out);
		certificate_time(out, death, of->first_ns);
	}
}

static void table_row(FILE *out, const char *name, const char *container, uint64_t rss_kb,
		      uint64_t swap_kb, int32_t adj)
{
	certificate_next_line(out);
	columns_print(out, name, NAME_WIDTH);
	fprintf(out, " %8s %8s %5" PRId32, text_of_bytes(rss_kb * 1024),
		text_of_bytes(swap_kb * 1024), adj);
	fputs(*container ? "  " : "", out);
	text_print_safe(out, container);
}

static void process_name(char *text, size_t size, const char *comm, uint32_t pid)
{
	snprintf(text, size, "%s (pid %" PRIu32 ")", comm, pid);
}

/* Why this one: the kernel takes the process with the most memory, and oom_score_adj thousandths of the limit on top. */
static void chosen(FILE *out, const struct death *death)
{
	const struct record_oom *oom = &death->oom->oom;
	const struct oom_victim *victim = &oom->victims[0];
	char name[64];

	if (!oom->neighbour_count)
		return;
	fprintf(out, "%-*s %8s %8s %5s", NAME_WIDTH, "the victim, then its neighbours", "RSS",
		"swap", "adj");
	process_name(name, sizeof(name), victim->comm, victim->pid);
	table_row(out, name, "", victim->anon_kb + victim->file_kb + victim->shmem_kb,
		  victim->swap_kb, victim->oom_score_adj);
	for (uint32_t i = 0; i < oom->neighbour_count && i < OOM_NEIGHBOURS_MAX; i++) {
		const struct oom_neighbour *other = &oom->neighbours[i];

		if (other->pid == victim->pid)
			continue;
		process_name(name, sizeof(name), other->comm, other->pid);
		table_row(out, name, other->container, other->rss_kb, other->swap_kb,
			  other->oom_score_adj);
	}
	if (oom->process_total > oom->neighbour_count + 1) {
		certificate_next_line(out);
		fprintf(out, "of %" PRIu32 " processes there", oom->process_total);
	}
}

static void pods(FILE *out, const struct death *death)
{
	const struct record_oom *oom = &death->oom->oom;

	for (uint32_t i = 0; i < oom->pod_count && i < OOM_PODS_MAX; i++) {
		const struct oom_pod *pod = &oom->pods[i];

		if (i)
			certificate_next_line(out);
		text_print_safe(out, pod->pod);
		fprintf(out, " %s, ", text_of_bytes(pod->usage_bytes));
		if (pod->request_bytes)
			fprintf(out, "requested %s", text_of_bytes(pod->request_bytes));
		else
			fputs(pod->request_known ? "requested nothing" : "request not known", out);
	}
	if (oom->pod_count && oom->pod_total > oom->pod_count) {
		certificate_next_line(out);
		fprintf(out, "and %" PRIu32 " more above their requests",
			oom->pod_total - oom->pod_count);
	}
}

const struct certificate_row certificate_oom_rows[] = {
	{"killed", victims}, {"survivors", survivors}, {"limit", limit},
	{"memory", memory},  {"stalled", stalled},     {"triggered", triggered},
	{"repeats", series}, {"chosen", chosen},       {"pods", pods},
	{NULL, NULL},
};
