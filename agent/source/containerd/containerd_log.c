/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container wrote last: kept where --log-lines asks for it. Of one that ended at once, the loader's complaint
 * about a library is looked for whether it does or not.
 *
 * CRI calls a container exited when its log is complete, and tells where that is; so it is read here, with no poll
 * and once per death. It is 16 KB at most, just written, so in the page cache.
 */
#include "source/containerd/containerd_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client/cri_log.h"
#include "source/log_lines.h"

/* A loader gives up before the program's first instruction, but a slow disk or a busy node may take its time. */
#define LOADER_NS (5 * (int64_t)NS_PER_SECOND)

/*
 * glibc's loader ends with 127, or 1 where it can't relocate; musl's with 127. A shell passes it on. CRI takes the time of a
 * start when the runtime has returned from it: what ended at once may have finished before it started.
 */
static bool may_be_loader(const Cri__ContainerStatus *status)
{
	int64_t age_ns = status->finished_at - status->started_at;

	return (status->exit_code == 127 || status->exit_code == 1) && status->started_at > 0 &&
	       age_ns >= -LOADER_NS && age_ns <= LOADER_NS;
}

static void emit_complaint(struct containerd_source *source, const char *id,
			   const struct failed_start *failed)
{
	struct event event = {
		.type = EVENT_START_FAILED,
		.boot_ns = clock_boot_ns(),
		.start_failed.failed = *failed,
	};

	TEXT_COPY(event.start_failed.container_id, id);
	containerd_emit(source, &event);
}

static void emit_tail(struct containerd_source *source, const char *id, const char *block,
		      size_t length, bool cut)
{
	struct event event = {.type = EVENT_LOG_TAIL, .boot_ns = clock_boot_ns()};

	TEXT_COPY(event.log_tail.container_id, id);
	log_lines_last(block, length, cut, source->log_lines, &event.log_tail.tail);
	if (event.log_tail.tail.lines)
		containerd_emit(source, &event);
}

void containerd_emit_log(struct containerd_source *source, const Cri__ContainerStatus *status)
{
	bool complaint = may_be_loader(status);
	char block[CRI_LOG_BLOCK];
	struct failed_start failed;
	size_t length;
	bool cut;
	int r;

	if (!*status->log_path || (!source->log_lines && !complaint))
		return;
	r = cri_log_end(status->log_path, block, &length, &cut);
	if (r < 0) {
		log_debug("a container's log can't be read", LOG_TEXT("id", status->id),
			  LOG_ERRNO(r));
		return;
	}
	if (complaint && log_lines_complaint(block, length, cut, &failed))
		emit_complaint(source, status->id, &failed);
	if (source->log_lines)
		emit_tail(source, status->id, block, length, cut);
}
