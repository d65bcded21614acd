/* SPDX-License-Identifier: Apache-2.0 */
#include "source/systemd/systemd_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "source/systemd/systemd_told.h"
#include "source/systemd/systemd_units.h"

#define INTERVAL_MS   2000
#define SLOW_FACTOR   15 /* a boot that lasts longer than EARLY_US is looked at every 30 s */
#define EARLY_US      UINT64_C(600000000)
#define DEEP_AGAIN_NS (60 * NS_PER_SECOND) /* then 2 min, 4 min, ... */
#define LENGTH_MAX_US UINT64_C(86400000000)
#define QUESTIONS_MAX 8
#define TIMEOUTS_MAX  3 /* of one reading: it ends, and another is tried */
/* Without a systemd: for as long as it may still come up, or its socket be mounted. */
#define TRIES_MAX 60
/* The difference of two clocks that are read one after the other. */
#define SUSPEND_NOISE_NS NS_PER_MS

struct systemd_source {
	sd_event *loop;
	event_fn on_event;
	void *context;
	struct systemd_source_options options;
	sd_event_source *timer;
	struct systemd_frame frame;
	struct systemd_told *told;
	struct event_boot boot; /* as told */
	uint32_t tries;		/* in vain, one behind the other */
	bool finish_read;	/* a deep reading began when the boot was over */
	uint64_t deep_ns, deep_wait_ns;
	struct systemd_source_stats stats;

	/* one reading */
	struct systemd *systemd;
	struct systemd_units *units;
	bool deep;
	bool cut_short; /* it does not answer: what was not asked is not known */
	uint32_t questions, timeouts;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void emit_step(struct systemd_source *source, enum source_step step, const char *cause,
		      uint64_t count)
{
	struct event event = {
		.type = EVENT_SOURCE,
		.boot_ns = clock_boot_ns(),
		.source = {.source = SOURCE_SYSTEMD, .step = step, .count = count},
	};

	TEXT_COPY(event.source.cause, cause);
	source->on_event(source->context, &event);
}

static void end_reading(struct systemd_source *source)
{
	systemd_free(source->systemd);
	systemd_units_free(source->units);
	source->systemd = NULL;
	source->units = NULL;
	source->questions = 0;
	source->timeouts = 0;
	source->cut_short = false;
}

static void read_again(struct systemd_source *source)
{
	uint64_t wait_ms = source->options.interval_ms ?: INTERVAL_MS;

	if (monotonic_ns() / 1000 > source->frame.userspace_us + EARLY_US)
		wait_ms *= SLOW_FACTOR;
	sd_event_source_set_time_relative(source->timer, wait_ms * 1000);
	sd_event_source_set_enabled(source->timer, SD_EVENT_ONESHOT);
}

static void finish(struct systemd_source *source)
{
	source->stats.finished = true;
	systemd_told_free(source->told);
	source->told = NULL;
}

static void went_missing(struct systemd_source *source, const char *why)
{
	bool news = source->stats.connected || !*source->stats.cause;

	/* why may be the client's, which goes with the reading */
	TEXT_COPY(source->stats.cause, why);
	end_reading(source);
	source->stats.connected = false;
	if (source->deep && !source->finish_read)
		source->deep_wait_ns = 0; /* it is still to be done */
	if (news) {
		log_info("systemd can't be asked about the boot",
			 LOG_TEXT("why", source->stats.cause));
		emit_step(source, SOURCE_MISSING, source->stats.cause, 0);
	}
	if (++source->tries < TRIES_MAX)
		read_again(source);
	else
		finish(source);
}

static void went_up(struct systemd_source *source)
{
	bool news = !source->stats.connected;

	source->stats.connected = true;
	source->stats.cause[0] = '\0';
	if (news)
		emit_step(source, SOURCE_UP, "", 0);
}

/* 0 for what is absurd: firmware may tell anything. */
static uint64_t length_ns(uint64_t us)
{
	return us < LENGTH_MAX_US ? us * 1000 : 0;
}

static void take_stamps(struct systemd_source *source, const struct systemd_manager *manager)
{
	struct systemd_frame *frame = &source->frame;
	uint64_t now_ns = monotonic_ns(), suspended_ns = clock_boot_ns() - now_ns;
	/* both are counted from their begin to the kernel's; a loader may be told of without firmware */
	uint64_t loader_us = manager->loader_us, firmware_us = manager->firmware_us;

	frame->now_us = now_ns / 1000;
	frame->suspended_ns = suspended_ns > SUSPEND_NOISE_NS ? suspended_ns : 0;
	frame->userspace_us = manager->userspace_us;
	frame->finish_us = manager->finish_us;

	struct event event = {.type = EVENT_BOOT,
			      .flags = manager->finish_us && manager->finish_us < frame->began_us
					       ? EVENT_RECONSTRUCTED
					       : 0,
			      .boot = {
				      .firmware_ns = firmware_us > loader_us
							     ? length_ns(firmware_us - loader_us)
							     : 0,
				      .loader_ns = length_ns(loader_us),
				      .initrd_ns = systemd_boot_ns(manager->initrd_us, frame),
				      .userspace_ns = systemd_boot_ns(manager->userspace_us, frame),
				      .finish_ns = systemd_boot_ns(manager->finish_us, frame),
			      }};

	if (memcmp(&event.boot, &source->boot, sizeof(event.boot)) == 0)
		return;
	source->boot = event.boot;
	event.boot_ns = event.boot.finish_ns ?: clock_boot_ns();
	source->on_event(source->context, &event);
}

/* A gap is told once, when it is known how much is missing. */
static void tell_left_out(struct systemd_source *source, const struct systemd_units_stats *units)
{
	char cause[CAUSE_SIZE];

	source->stats.left_out = units->left_out + units->edges_left_out + units->unanswered;
	if (!source->stats.left_out)
		return;
	snprintf(cause, sizeof(cause),
		 "of the boot %" PRIu32 " units and %" PRIu32 " orderings left out, %" PRIu32
		 " not answered for",
		 units->left_out, units->edges_left_out, units->unanswered);
	log_warning("systemd has more units than a boot report takes",
		    LOG_NUMBER("units", units->left_out),
		    LOG_NUMBER("orderings", units->edges_left_out),
		    LOG_NUMBER("unanswered", units->unanswered));
	emit_step(source, SOURCE_LOST, cause, source->stats.left_out);
}

static void take_all(struct systemd_source *source)
{
	struct systemd_told_stats told;
	struct systemd_units_stats units;
	bool over = source->frame.finish_us != 0;

	source->stats.readings++;
	if (source->cut_short) {
		/* half of it would leave units whose orderings are never told */
		went_missing(source, source->timeouts ? "systemd does not answer in time"
						      : "the connection was lost");
		return;
	}
	source->tries = 0;
	systemd_units_tell(source->units, source->told);
	systemd_units_stats(source->units, &units);
	systemd_told_stats(source->told, &told);
	source->stats.units = told.units;
	source->stats.edges = told.edges;
	if (source->deep)
		source->stats.restarted = units.restarted;
	if (source->deep && over && !source->finish_read) {
		source->finish_read = true;
		tell_left_out(source, &units);
		log_info("systemd was asked about the boot", LOG_NUMBER("units", told.units),
			 LOG_NUMBER("orderings", told.edges),
			 LOG_NUMBER("restarted", units.restarted));
	}
	end_reading(source);
	/* a service that failed and is tried again does not keep the boot from being over */
	if (!source->finish_read ||
	    (units.awaited && source->frame.now_us < source->frame.finish_us + SYSTEMD_BEHIND_US))
		read_again(source);
	else
		finish(source);
}

static void on_unit(void *context, uint32_t token, int error, const struct systemd_unit *unit);

static void ask_on(struct systemd_source *source)
{
	uint32_t token;
	const char *name;

	while (!source->cut_short && source->questions < QUESTIONS_MAX &&
	       systemd_units_next(source->units, &token, &name)) {
		if (systemd_read_unit(source->systemd, name, on_unit, source, token) < 0)
			source->cut_short = true;
		else
			source->questions++;
	}
	if (!source->questions)
		take_all(source);
}

static void on_result(void *context, uint32_t token, int error, const char *result)
{
	struct systemd_source *source = context;

	source->questions--;
	if (!error)
		systemd_units_result(source->units, token, result);
	ask_on(source);
}

static void on_unit(void *context, uint32_t token, int error, const struct systemd_unit *unit)
{
	struct systemd_source *source = context;
	const char *name = systemd_units_name(source->units, token);

	source->questions--;
	/* what happened since the reading began is no nonsense */
	source->frame.now_us = monotonic_ns() / 1000;
	if (error == -ETIMEDOUT && ++source->timeouts == TIMEOUTS_MAX)
		source->cut_short = true;
	if (systemd_units_note(source->units, token, unit) &&
	    systemd_read_result(source->systemd, name, on_result, source, token) == 0)
		source->questions++;
	ask_on(source);
}

static void on_listed(void *context, const struct systemd_listed *unit)
{
	struct systemd_source *source = context;

	systemd_units_add(source->units, unit);
}

static void on_listed_all(void *context, int error)
{
	struct systemd_source *source = context;

	if (error)
		went_missing(source, log_errno_text(error));
	else
		ask_on(source);
}

/* Everything is read at first, when the boot is over, and now and then while it does not end. */
static bool is_deep_due(struct systemd_source *source)
{
	uint64_t now_ns = clock_boot_ns();

	if (source->finish_read)
		return false;
	if (source->frame.finish_us || !source->deep_wait_ns) {
		source->deep_wait_ns = source->deep_wait_ns ?: DEEP_AGAIN_NS;
	} else if (now_ns >= source->deep_ns + source->deep_wait_ns) {
		source->deep_wait_ns *= 2;
	} else {
		return false;
	}
	source->deep_ns = now_ns;
	return true;
}

static void on_manager(void *context, int error, const char *why,
		       const struct systemd_manager *manager)
{
	struct systemd_source *source = context;

	if (error) {
		went_missing(source, why);
		return;
	}
	went_up(source);
	take_stamps(source, manager);
	source->deep = is_deep_due(source);
	source->units = systemd_units_new(source->told, &source->frame, source->deep);
	int r = source->units ? systemd_list(source->systemd, on_listed, on_listed_all, source)
			      : -ENOMEM;

	if (r < 0)
		went_missing(source, log_errno_text(r));
}

static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct systemd_source *source = context;

	(void)timer;
	(void)time_us;
	int r = systemd_open(&source->systemd, source->loop, &source->options.systemd, on_manager,
			     source);

	if (r < 0)
		went_missing(source, log_errno_text(r));
	return 0;
}

int systemd_source_new(struct systemd_source **ret, sd_event *loop,
		       const struct systemd_source_options *options, event_fn on_event,
		       void *context)
{
	struct systemd_source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return -ENOMEM;
	source->loop = loop;
	source->options = *options;
	source->on_event = on_event;
	source->context = context;
	source->frame.began_us = monotonic_ns() / 1000;
	source->told = systemd_told_new(on_event, context);
	r = source->told ? sd_event_add_time_relative(loop, &source->timer, CLOCK_MONOTONIC, 0,
						      50000, on_timer, source)
			 : -ENOMEM;
	if (r < 0) {
		systemd_source_free(source);
		return r;
	}
	*ret = source;
	return 0;
}

void systemd_source_free(struct systemd_source *source)
{
	if (!source)
		return;
	end_reading(source);
	systemd_told_free(source->told);
	sd_event_source_disable_unref(source->timer);
	free(source);
}

void systemd_source_stats(const struct systemd_source *source, struct systemd_source_stats *ret)
{
	*ret = source->stats;
}
