/* SPDX-License-Identifier: Apache-2.0 */
/* Network links that go down. */
#include "source/host/host_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/links.h"

struct host_links {
	struct host_source *source;
	struct links *links;
	sd_event_source *io;
};

static void on_down(void *context, const struct link_down *down)
{
	struct host_links *links = context;
	struct event_host host = {.fact = HOST_LINK_DOWN, .count = 1};

	TEXT_COPY(host.resource, down->name);
	TEXT_COPY(host.detail, down->set_down ? "the link was set down" : "it lost its carrier");
	TEXT_COPY(host.told_by, "netlink");
	host_source_tell(links->source, &host, clock_boot_ns());
}

static int on_news(sd_event_source *io, int fd, uint32_t events, void *context)
{
	struct host_links *links = context;

	(void)fd;
	(void)events;
	if (links_read(links->links, on_down, links) < 0)
		sd_event_source_set_enabled(io, SD_EVENT_OFF);
	return 0;
}

int host_links_new(struct host_links **ret, sd_event *loop, struct host_source *source)
{
	struct host_links *links = calloc(1, sizeof(*links));
	int r;

	if (!links)
		return -ENOMEM;
	links->source = source;
	r = links_open(&links->links);
	if (r >= 0)
		r = sd_event_add_io(loop, &links->io, links_fd(links->links), EPOLLIN, on_news,
				    links);
	if (r < 0) {
		host_links_free(links);
		return r;
	}
	*ret = links;
	return 0;
}

void host_links_free(struct host_links *links)
{
	if (!links)
		return;
	sd_event_source_disable_unref(links->io);
	links_close(links->links);
	free(links);
}
