// SPDX-License-Identifier: Apache-2.0
#include "model/sentence_oom.h"

#include <inttypes.h>

#include "base/text.h"

void sentence_victim(FILE *out, const struct oom_victim *victim, bool container)
{
	if (container)
		fputs(victim->init ? "init " : "child ", out);
	text_print_safe(out, victim->comm);
	fprintf(out, " (pid %" PRIu32, victim->pid);
	if (victim->workers > 1 && victim->worker)
		fprintf(out, ", worker %" PRIu32 " of %" PRIu32, victim->worker, victim->workers);
	if (*victim->parent_comm) {
		fputs(", of ", out);
		text_print_safe(out, victim->parent_comm);
	}
	fputc(')', out);
}

void sentence_limit(FILE *out, const struct record_oom *oom)
{
	static const char *const texts[SCOPE_COUNT] = {
		[SCOPE_CONTAINER] = "container limit ",
		[SCOPE_POD] = "pod limit ",
		[SCOPE_CGROUP] = "limit of ",
	};

	if (oom->scope == SCOPE_NODE) {
		fputs("the node ran out of memory", out);
		return;
	}
	if (oom->scope >= SCOPE_COUNT || !texts[oom->scope]) {
		fputs("whose limit was hit is not known", out);
		return;
	}
	fputs(texts[oom->scope], out);
	if (oom->scope == SCOPE_CGROUP) {
		text_print_safe(out, oom->limit_path);
		fputc(' ', out);
	}
	fputs(text_of_bytes(oom->limit_bytes), out);
}

void sentence_series(FILE *out, const struct oom_series *series)
{
	fprintf(out, "%" PRIu32 " times so far", series->count);
	if (series->interval_ns)
		fprintf(out, ", every %s", text_of_duration(series->interval_ns));
	if (series->growth_bytes_per_min)
		fprintf(out, ", growing %s a minute", text_of_bytes(series->growth_bytes_per_min));
	if (series->leak)
		fputs(": a leak", out);
}

static void invoker(FILE *out, const struct record_oom *oom)
{
	if (!oom->invoker_pid || *oom->killer)
		return;
	if (oom->invoker_pid == oom->victims[0].pid) {
		fputs("; triggered by itself", out);
		return;
	}
	fputs("; triggered by ", out);
	text_print_safe(out, oom->invoker_comm);
	fprintf(out, " (pid %" PRIu32 ")", oom->invoker_pid);
}

static void killer(FILE *out, const struct record_oom *oom)
{
	if (!*oom->killer) {
		fputs(" killed for memory", out);
		return;
	}
	fputs(" killed for memory by ", out);
	text_print_safe(out, oom->killer);
	if (oom->killer_pid)
		fprintf(out, " (pid %" PRIu32 ")", oom->killer_pid);
	fputs(", not by the kernel", out);
}

static void pod_above_request(FILE *out, const struct record_oom *oom)
{
	const struct oom_pod *pod = &oom->pods[0];

	if (oom->scope != SCOPE_NODE || !oom->pod_count)
		return;
	fputs("; furthest above its request: ", out);
	text_print_safe(out, pod->pod);
	fprintf(out, " with %s", text_of_bytes(pod->usage_bytes));
	if (pod->request_bytes)
		fprintf(out, ", requested %s", text_of_bytes(pod->request_bytes));
	else if (pod->request_known)
		fputs(", requested nothing", out);
}

void sentence_kill(FILE *out, const struct record *record)
{
	const struct record_oom *oom = &record->oom;

	sentence_victim(out, &oom->victims[0], *record->subject.container_id);
	if (oom->victim_total > 1)
		fprintf(out, " and %" PRIu32 " more", oom->victim_total - 1);
	killer(out, oom);
	if (oom->container_survived == SURVIVAL_YES)
		fputs(", container survived", out);
	else if (oom->container_survived == SURVIVAL_NO)
		fputs(", container ended", out);
}

void sentence_oom(FILE *out, const struct record *record)
{
	const struct record_oom *oom = &record->oom;
	const struct oom_victim *victim = &oom->victims[0];

	sentence_kill(out, record);
	if (oom->scope != SCOPE_NONE || !*oom->killer) { /* a user-space killer needs no limit */
		fputs("; ", out);
		sentence_limit(out, oom);
	}
	if (oom->near_ns)
		fprintf(out, " (near it for %s)", text_of_duration(oom->near_ns));
	fprintf(out, ", it held %s anon", text_of_bytes(victim->anon_kb * 1024));
	if (victim->shmem_kb)
		fprintf(out, ", %s shmem", text_of_bytes(victim->shmem_kb * 1024));
	invoker(out, oom);
	pod_above_request(out, oom);
	if (oom->series.count > 1) {
		fputs("; ", out);
		sentence_series(out, &oom->series);
	}
}
