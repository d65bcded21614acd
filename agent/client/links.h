/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network links of this machine as they lose their carrier or are set down, by rtnetlink: in each driver's log that
 * has other words, and virtual links have none.
 *
 * Left out are the loopback, bridges (they follow their ports), and links whose other end is in another network
 * namespace: those are the pods' own, and go with them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct links;

struct link_down {
	char name[16];
	bool set_down; /* by somebody; else its carrier was lost */
};

typedef void (*link_down_fn)(void *context, const struct link_down *down);

/* Returns 0 or a negative errno. */
int links_open(struct links **ret);
void links_close(struct links *links);
int links_fd(const struct links *links); /* to poll for reading */

/* Tells which went down since. Returns 0 or a negative errno. */
int links_read(struct links *links, link_down_fn on_down, void *context);

/* The messages of one datagram; for tests. */
void links_take(struct links *links, const void *data, size_t size, link_down_fn on_down,
		void *context);
