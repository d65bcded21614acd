/* SPDX-License-Identifier: Apache-2.0 */
#include "client/links.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

#define LINKS_MAX 128 /* of a machine that has more, the others are not watched */
#define BLOCK	  (32 * 1024)

struct links {
	int fd;
	uint32_t count;
	struct link {
		int index;
		bool up; /* and has a carrier */
	} links[LINKS_MAX];
	/* netlink wants its messages aligned */
	_Alignas(struct nlmsghdr) char block[BLOCK];
};

static int ask_for_all(int fd)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.ifi_family = AF_UNSPEC},
	};

	return send(fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

int links_open(struct links **ret)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct links *links = calloc(1, sizeof(*links));
	int r = 0;

	if (!links)
		return -ENOMEM;
	links->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (links->fd < 0 || bind(links->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	else
		r = ask_for_all(links->fd);
	if (r < 0) {
		links_close(links);
		return r;
	}
	*ret = links;
	return 0;
}

void links_close(struct links *links)
{
	if (!links)
		return;
	if (links->fd >= 0)
		close(links->fd);
	free(links);
}

int links_fd(const struct links *links)
{
	return links->fd;
}

static struct link *get(struct links *links, int index)
{
	for (uint32_t i = 0; i < links->count; i++)
		if (links->links[i].index == index)
			return &links->links[i];
	if (links->count == LINKS_MAX)
		return NULL;
	links->links[links->count] = (struct link){.index = index};
	return &links->links[links->count++];
}

static void forget(struct links *links, int index)
{
	struct link *link = get(links, index);

	if (link)
		*link = links->links[--links->count];
}

struct told {
	char name[16];
	bool elsewhere, bridge;
};

static void take_text(char *to, size_t size, const struct rtattr *attribute)
{
	text_copy_n(to, size, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
}

static bool is_bridge(struct rtattr *info)
{
	int left = (int)RTA_PAYLOAD(info);
	char kind[16] = "";

	for (struct rtattr *at = RTA_DATA(info); RTA_OK(at, left); at = RTA_NEXT(at, left))
		if (at->rta_type == IFLA_INFO_KIND)
			take_text(kind, sizeof(kind), at);
	return strcmp(kind, "bridge") == 0;
}

static struct told read_attributes(struct nlmsghdr *header)
{
	struct ifinfomsg *body = NLMSG_DATA(header);
	int left = (int)IFLA_PAYLOAD(header);
	struct told told = {0};

	for (struct rtattr *at = IFLA_RTA(body); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if (at->rta_type == IFLA_IFNAME)
			take_text(told.name, sizeof(told.name), at);
		else if (at->rta_type == IFLA_LINK_NETNSID)
			told.elsewhere = true;
		else if ((at->rta_type & NLA_TYPE_MASK) == IFLA_LINKINFO)
			told.bridge = is_bridge(at);
	}
	return told;
}

static void take_link(struct links *links, struct nlmsghdr *header, link_down_fn on_down,
		      void *context)
{
	struct ifinfomsg *body = NLMSG_DATA(header);
	bool up = body->ifi_flags & IFF_UP, carrier = body->ifi_flags & IFF_LOWER_UP;
	struct told told = read_attributes(header);
	struct link *link;
	struct link_down down = {.set_down = !up};

	/* ports of a bridge are told under its family too */
	if (body->ifi_family != AF_UNSPEC || body->ifi_flags & IFF_LOOPBACK || told.elsewhere ||
	    told.bridge)
		return;
	link = get(links, body->ifi_index);
	if (!link)
		return;
	if (link->up && !(up && carrier)) {
		TEXT_COPY(down.name, told.name);
		on_down(context, &down);
	}
	link->up = up && carrier;
}

void links_take(struct links *links, const void *data, size_t size, link_down_fn on_down,
		void *context)
{
	struct nlmsghdr *header = (struct nlmsghdr *)data;

	for (; NLMSG_OK(header, size); header = NLMSG_NEXT(header, size)) {
		if (header->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			continue;
		if (header->nlmsg_type == RTM_NEWLINK)
			take_link(links, header, on_down, context);
		else if (header->nlmsg_type == RTM_DELLINK &&
			 ((struct ifinfomsg *)NLMSG_DATA(header))->ifi_family == AF_UNSPEC)
			forget(links, ((struct ifinfomsg *)NLMSG_DATA(header))->ifi_index);
	}
}

int links_read(struct links *links, link_down_fn on_down, void *context)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		socklen_t from_size = sizeof(from);
		ssize_t size = recvfrom(links->fd, links->block, sizeof(links->block), 0,
					(struct sockaddr *)&from, &from_size);

		if (size < 0 && errno == ENOBUFS) /* some were lost: how they stand now */
			return ask_for_all(links->fd);
		if (size < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (from.nl_pid == 0) /* the kernel's; a process may write to us too */
			links_take(links, links->block, (size_t)size, on_down, context);
	}
}
