/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's log as it grows, without taking it from anybody else.
 *
 * /dev/kmsg where it may be opened: a record at a time. A container has no such device; there the log is read by
 * syslog(2), which gives all of it each time, and /proc/kmsg is polled for news but never read: to read it would
 * take lines away from the host's syslog daemon. Both need CAP_SYSLOG where dmesg_restrict is set.
 *
 * Who may write to /dev/kmsg can write anything, but not as the kernel: its facility is 0, that of others never
 * (devkmsg_write, kernel/printk/printk.c). It must not know what a line means.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_log;

struct kernel_line {
	bool from_kernel;
	uint64_t log_us;  /* on the log's own clock, which drifts from the boot clock */
	const char *text; /* not terminated */
	size_t length;
};

typedef void (*kernel_line_fn)(void *context, const struct kernel_line *line);

/* From now on. Returns 0 or a negative errno: -EPERM and -EACCES where it may not be read. */
int kernel_log_open(struct kernel_log **ret);
/* Takes the descriptor, of which each read gives records as /dev/kmsg does. */
int kernel_log_open_fd(struct kernel_log **ret, int fd);
void kernel_log_close(struct kernel_log *log);

/* What to poll, and for what (EPOLLET too). */
int kernel_log_fd(const struct kernel_log *log);
uint32_t kernel_log_events(const struct kernel_log *log);
/* True if a read costs the whole log: not to be done at each ring. */
bool kernel_log_is_costly(const struct kernel_log *log);

/* Tells what is new. Returns 1 if there may be more at once, 0, or a negative errno (then it is over). */
int kernel_log_read(struct kernel_log *log, kernel_line_fn on_line, void *context);

/* Times that the log had run over before it was read. */
uint64_t kernel_log_overruns(const struct kernel_log *log);

/* How a record or a line looks; for tests. The text is borrowed. False if it is none. */
bool kernel_log_parse_record(const char *record, size_t length, struct kernel_line *ret);
bool kernel_log_parse_line(const char *line, size_t length, struct kernel_line *ret);
