/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of the wall clock: a timer in the far future that each step cancels (TFD_TIMER_CANCEL_ON_SET), so exact and
 * without a poll. Slewing, leap smearing and sleep don't change the distance between wall and boot clock.
 */
#include "source/host/host_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

/* Smaller steps explain no death. */
#define STEP_NS	 ((int64_t)NS_PER_SECOND)
#define FAR_AWAY INT64_C(16725225600) /* the year 2500 */

struct host_clock {
	struct host_source *source;
	sd_event_source *io;
	int fd;
	int64_t offset_ns;
};

static int arm(struct host_clock *clock)
{
	struct itimerspec far_away = {.it_value.tv_sec = FAR_AWAY};

	return timerfd_settime(clock->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far_away,
			       NULL) < 0
		       ? -errno
		       : 0;
}

bool host_clock_describe(int64_t step_ns, struct event_host *ret)
{
	uint64_t length_ns = (uint64_t)(step_ns < 0 ? -step_ns : step_ns);
	char length[DURATION_TEXT_SIZE];

	if (length_ns < (uint64_t)STEP_NS)
		return false;
	text_duration(length_ns, length);
	*ret = (struct event_host){.fact = HOST_CLOCK_JUMP, .count = 1};
	snprintf(ret->detail, sizeof(ret->detail), "the clock was set %s by %s",
		 step_ns < 0 ? "back" : "forward", length);
	TEXT_COPY(ret->told_by, "timer");
	return true;
}

static int on_step(sd_event_source *io, int fd, uint32_t events, void *context)
{
	struct host_clock *clock = context;
	int64_t offset_ns, before_ns = clock->offset_ns;
	struct event_host host;
	uint64_t expirations;

	(void)events;
	if (read(fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return 0;
	/* armed first: a step between the two is seen twice rather than not at all */
	if (arm(clock) < 0)
		sd_event_source_set_enabled(io, SD_EVENT_OFF);
	offset_ns = clock_wall_offset_ns();
	clock->offset_ns = offset_ns;
	if (host_clock_describe(offset_ns - before_ns, &host))
		host_source_tell(clock->source, &host, clock_boot_ns());
	return 0;
}

int host_clock_new(struct host_clock **ret, sd_event *loop, struct host_source *source)
{
	struct host_clock *clock = calloc(1, sizeof(*clock));
	int r;

	if (!clock)
		return -ENOMEM;
	clock->source = source;
	clock->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	r = clock->fd < 0 ? -errno : arm(clock);
	clock->offset_ns = clock_wall_offset_ns();
	if (r >= 0)
		r = sd_event_add_io(loop, &clock->io, clock->fd, EPOLLIN, on_step, clock);
	if (r < 0) {
		host_clock_free(clock);
		return r;
	}
	*ret = clock;
	return 0;
}

void host_clock_free(struct host_clock *clock)
{
	if (!clock)
		return;
	sd_event_source_disable_unref(clock->io);
	if (clock->fd >= 0)
		close(clock->fd);
	free(clock);
}
