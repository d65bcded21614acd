/* SPDX-License-Identifier: Apache-2.0 */
#include "source/host/host_source.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "source/host/host_fold.h"
#include "source/host/host_private.h"

struct host_source {
	event_fn on_event;
	void *context;
	sd_event_source *timer; /* of what is folded */
	struct host_fold fold;
	/* each NULL if it can't be had */
	struct host_kernel *kernel;
	struct host_links *links;
	struct host_clock *clock;
	struct host_journal *journal;
};

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct host_source *source = context;
	uint64_t due_ns =
		host_fold_due(&source->fold, clock_boot_ns(), source->on_event, source->context);

	(void)time_us;
	if (due_ns != UINT64_MAX) {
		sd_event_source_set_time(timer, due_ns / 1000 + 1);
		sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	}
	return 0;
}

void host_source_tell(struct host_source *source, const struct event_host *host, uint64_t boot_ns)
{
	struct event event = {.type = EVENT_HOST, .boot_ns = boot_ns, .host = *host};
	int enabled = SD_EVENT_OFF;

	host_fold_note(&source->fold, &event, source->on_event, source->context);
	sd_event_source_get_enabled(source->timer, &enabled);
	if (enabled == SD_EVENT_OFF) {
		sd_event_source_set_time(source->timer, (boot_ns + HOST_FOLD_NS) / 1000);
		sd_event_source_set_enabled(source->timer, SD_EVENT_ONESHOT);
	}
}

static void note_missing(const char *part, int r)
{
	if (r < 0)
		log_info("deaths are told without a part of what the host does",
			 LOG_TEXT("part", part), LOG_ERRNO(r));
}

static void open_parts(struct host_source *source, sd_event *loop)
{
	note_missing("the kernel's log", host_kernel_new(&source->kernel, loop, source));
	note_missing("network links", host_links_new(&source->links, loop, source));
	note_missing("steps of the clock", host_clock_new(&source->clock, loop, source));
	note_missing("the journal", host_journal_new(&source->journal, loop, "", source));
}

int host_source_new(struct host_source **ret, sd_event *loop, event_fn on_event, void *context)
{
	struct host_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	source->on_event = on_event;
	source->context = context;
	r = sd_event_add_time(loop, &source->timer, CLOCK_BOOTTIME, 0, 100000, on_timer, source);
	if (r >= 0)
		r = sd_event_source_set_enabled(source->timer, SD_EVENT_OFF);
	if (r < 0) {
		host_source_free(source);
		return r;
	}
	open_parts(source, loop);
	*ret = source;
	return 0;
}

void host_source_free(struct host_source *source)
{
	if (!source)
		return;
	host_kernel_free(source->kernel);
	host_links_free(source->links);
	host_clock_free(source->clock);
	host_journal_free(source->journal);
	sd_event_source_disable_unref(source->timer);
	free(source);
}

void host_source_look(struct host_source *source)
{
	if (source->kernel)
		host_kernel_look(source->kernel);
}

void host_source_stats(const struct host_source *source, struct host_source_stats *ret)
{
	*ret = (struct host_source_stats){.kernel_log = source->kernel};
	if (source->kernel)
		host_kernel_stats(source->kernel, ret);
}
