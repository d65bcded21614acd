/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes there are, and whose they are: by name, by the socket they listen on, by their unit. No policy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* comm is borrowed; at most 15 characters of the program's name. */
typedef void (*process_visit_fn)(void *context, uint32_t pid, const char *comm);

/* Every process that `proc`, a mount of proc, shows. Returns 0 or a negative errno. */
int process_walk(const char *proc, process_visit_fn visit, void *context);

/*
 * The systemd unit (a .service) that a process is in, as its cgroup's path has it; "" where it is in none. Returns 0,
 * -ENOENT for a container's process, or another negative errno.
 */
int process_unit_read(const char *proc, uint32_t pid, char *ret_unit, size_t size);

/* The container that a process is in; "" where it is in none. Returns 0 or a negative errno. */
int process_container_read(const char *proc, uint32_t pid, char *ret_id, size_t size);

/* Who listens on a unix socket, in our pid namespace. Connects and hangs up. Returns 0 or a negative errno. */
int process_of_socket(const char *path, uint32_t *ret_pid);
