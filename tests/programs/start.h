/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of a start share: a clock of their own, pauses, the stamps that a test reads, an address in text. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t boot_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* "WHAT VALUE" in the file of the test, where there is one. */
static inline void stamp(const char *what, uint64_t value)
{
	int fd = open("/stamps/stamps", O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (fd < 0)
		return;
	dprintf(fd, "%s %llu\n", what, (unsigned long long)value);
	close(fd);
}

static inline void pause_ms(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Until a signal ends it; a verb that ends so returns what is never seen. */
static inline int forever(void)
{
	for (;;)
		pause();
	return 9;
}

/* An IPv4 or IPv6 address in text; returns its size. */
static inline socklen_t parse(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		exit(9);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}
