/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's manager over D-Bus (org.freedesktop.systemd1(5)), on the sd-event loop: a connection for one reading.
 *
 * It is meant to be closed again: whoever stays connected is sent a signal for every change of every unit. systemd's
 * own socket comes first, as with systemctl: a process that connects to the bus would start the bus, and be a
 * part of the boot that it watches. It only reads, never waits, and each question has a deadline. No policy.
 *
 * Times are systemd's: us on CLOCK_MONOTONIC, 0 where it never happened.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct systemd;

struct systemd_options {
	const char *private_socket; /* NULL: /run/systemd/private; root only */
	const char *
		bus_address; /* NULL: $DBUS_SYSTEM_BUS_ADDRESS, which then comes first, or the known place */
	uint64_t deadline_ms; /* of each question; 0: 5 s */
};

struct systemd_manager {
	uint64_t firmware_us, loader_us; /* before the kernel's start */
	uint64_t initrd_us, userspace_us, finish_us;
};

/* error is 0 or a negative errno; why says it in words, to be shown with care: the peer may have written it. Both
 * texts and stamps die with the client. */
typedef void (*systemd_manager_fn)(void *context, int error, const char *why,
				   const struct systemd_manager *manager);

/*
 * Connects and asks for the manager's stamps; where that fails, by the other way. Calls back exactly once, later,
 * unless it is freed before; after an error nothing else can be asked. Returns 0 or a negative errno.
 */
int systemd_open(struct systemd **ret, sd_event *loop, const struct systemd_options *options,
		 systemd_manager_fn on_manager, void *context);

/* What is under way is not answered any more. May be called from a callback. */
void systemd_free(struct systemd *systemd);

/* Texts of answers die on return. */
struct systemd_listed {
	const char *name;
	const char *load_state;	  /* loaded, not-found, masked, ... */
	const char *active_state; /* active, activating, inactive, failed, ... */
	const char *sub_state;	  /* running, auto-restart, ... */
};

typedef void (*systemd_listed_fn)(void *context, const struct systemd_listed *unit);
typedef void (*systemd_done_fn)(void *context, int error);

/* All loaded units, one by one, then on_done. Returns 0 or a negative errno, and then calls nothing. */
int systemd_list(struct systemd *systemd, systemd_listed_fn on_listed, systemd_done_fn on_done,
		 void *context);

struct systemd_unit {
	uint64_t inactive_exit_us, active_enter_us, active_exit_us, inactive_enter_us;
	char *const *after; /* ends with NULL */
};

/* token is the caller's. unit is NULL unless error is 0. */
typedef void (*systemd_unit_fn)(void *context, uint32_t token, int error,
				const struct systemd_unit *unit);

int systemd_read_unit(struct systemd *systemd, const char *name, systemd_unit_fn on_unit,
		      void *context, uint32_t token);

/* "success", "exit-code", "timeout", ...; NULL unless error is 0. */
typedef void (*systemd_result_fn)(void *context, uint32_t token, int error, const char *result);

/* -EOPNOTSUPP for the types of units that have none: targets, devices, slices. */
int systemd_read_result(struct systemd *systemd, const char *name, systemd_result_fn on_result,
			void *context, uint32_t token);
