/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start that needs DNS: `ask SERVER connected|open COUNT WAIT_MS TRIES [THEN_LISTEN_PORT [PAUSE_MS]]`. COUNT questions, by
 * a socket each that is connected (as glibc does) or not (as musl does). Stamps by its own clock (CLOCK_BOOTTIME): "waited" is
 * how long in all, "longest" for one, "answered" how many.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "start.h"

static void listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		exit(9);
	stamp("listen", boot_ns());
}

/* Asks once, and again with the same id when no answer came in time, as libc does. Returns whether one came. */
static int ask(int fd, const struct sockaddr_storage *to, socklen_t size, uint16_t id, long wait_ms,
	       long tries)
{
	unsigned char question[] = {id >> 8, id & 0xff, 1, 0,	0,   1,	  0,   0, 0, 0, 0, 0, 2,
				    'd',     'b',	4, 't', 'e', 's', 't', 0, 0, 1, 0, 1};
	unsigned char answer[512];
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	for (long i = 0; i < tries; i++) {
		if (sendto(fd, question, sizeof(question), 0, (const struct sockaddr *)to, size) <
		    0)
			return 0;
		if (poll(&ready, 1, (int)wait_ms) > 0)
			return recv(fd, answer, sizeof(answer), 0) > 2 &&
			       memcmp(answer, question, 2) == 0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t waited = 0, longest = 0, answered = 0;
	struct sockaddr_storage address;

	if (argc < 6)
		return 9;
	socklen_t size = parse(argv[1], 53, &address);
	long count = strtol(argv[3], NULL, 10), port = argc > 6 ? strtol(argv[6], NULL, 10) : 0;

	stamp("first", boot_ns());
	for (long i = 0; i < count; i++) {
		int connected = strcmp(argv[2], "connected") == 0;
		int fd = socket(address.ss_family, SOCK_DGRAM, 0);
		uint64_t began = boot_ns(), took;

		if (connected && connect(fd, (struct sockaddr *)&address, size) < 0)
			return 9;
		answered += (uint64_t)ask(fd, connected ? NULL : &address, connected ? 0 : size,
					  (uint16_t)(getpid() * 7 + i), strtol(argv[4], NULL, 10),
					  strtol(argv[5], NULL, 10));
		took = boot_ns() - began;
		close(fd);
		waited += took;
		longest = took > longest ? took : longest;
		if (argc > 7)
			usleep((useconds_t)strtol(argv[7], NULL, 10) * 1000);
	}
	stamp("last", boot_ns());
	stamp("waited", waited);
	stamp("longest", longest);
	stamp("answered", answered);
	if (!port)
		return 0;
	listen_on((uint16_t)port);
	for (;;)
		pause();
}
