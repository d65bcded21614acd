/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/text.h"

#define BACKLOG 16

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t size;
	bool everywhere; /* both families */
};

static int read_port(const char *text, in_port_t *ret)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || port > UINT16_MAX)
		return -EINVAL;
	*ret = htons((uint16_t)port);
	return 0;
}

static struct address make_v4(struct in_addr host, in_port_t port)
{
	return (struct address){
		.v4 = {.sin_family = AF_INET, .sin_port = port, .sin_addr = host},
		.size = sizeof(struct sockaddr_in),
	};
}

static struct address make_v6(struct in6_addr host, in_port_t port)
{
	return (struct address){
		.v6 = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = host},
		.size = sizeof(struct sockaddr_in6),
	};
}

static int read_address(const char *text, struct address *ret)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	struct in6_addr v6;
	struct in_addr v4;
	in_port_t port;

	if (!colon || (size_t)(colon - text) >= sizeof(host) || read_port(colon + 1, &port) < 0)
		return -EINVAL;
	size_t length = (size_t)(colon - text);

	text_copy_n(host, sizeof(host), text, length);
	if (length == 0) {
		*ret = make_v6(in6addr_any, port);
		ret->everywhere = true;
		return 0;
	}
	if (inet_pton(AF_INET, host, &v4) == 1) {
		*ret = make_v4(v4, port);
		return 0;
	}
	if (host[0] != '[' || host[length - 1] != ']')
		return -EINVAL;
	host[length - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6) != 1)
		return -EINVAL;
	*ret = make_v6(v6, port);
	return 0;
}

static int listen_on(const struct address *address)
{
	cleanup_close int fd =
		socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, v6_only = !address->everywhere;

	if (fd < 0)
		return -errno;
	/* a restart must not wait for the old connections' TIME_WAIT */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    (address->any.sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) < 0) ||
	    bind(fd, &address->any, address->size) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	int taken_fd = fd;

	fd = -1;
	return taken_fd;
}

static void write_address(int fd, char ret_text[static HTTP_ADDRESS_SIZE])
{
	struct address bound = {.size = sizeof(bound.v6)};
	char host[INET6_ADDRSTRLEN] = "";

	getsockname(fd, &bound.any, &bound.size);
	if (bound.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &bound.v6.sin6_addr, host, sizeof(host));
		snprintf(ret_text, HTTP_ADDRESS_SIZE, "[%s]:%u", host, ntohs(bound.v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &bound.v4.sin_addr, host, sizeof(host));
		snprintf(ret_text, HTTP_ADDRESS_SIZE, "%s:%u", host, ntohs(bound.v4.sin_port));
	}
}

int http_listen(const char *text, char ret_address[static HTTP_ADDRESS_SIZE])
{
	struct address address;
	int r = read_address(text, &address);

	if (r < 0)
		return r;
	r = listen_on(&address);
	/* a machine whose IPv6 is turned off */
	if (r < 0 && address.everywhere && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
		address = make_v4((struct in_addr){.s_addr = htonl(INADDR_ANY)},
				  address.v6.sin6_port);
		r = listen_on(&address);
	}
	if (r >= 0)
		write_address(r, ret_address);
	return r;
}
