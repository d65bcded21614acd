/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel put the core of a process: its core pattern, expanded as it does (fs/coredump.c, core(5)). */
#pragma once

#include <stdbool.h>

#include "model/event.h"

/*
 * pattern: /proc/sys/kernel/core_pattern without its newline; uses_pid: core_uses_pid. A pattern that begins with a
 * bar names a program; its arguments are left out. What an exit does not tell (the host's name, the user, the pid as the
 * container sees it ...) stays as it is, with its percent sign. A relative path is below the process's directory.
 */
void kernel_core_path(const char *pattern, bool uses_pid, const struct event_exit *exit,
		      int64_t wall_s, char ret[static FILE_SIZE]);

/* Tells it by EVENT_CORE, before the exit itself; nothing where no core was dumped. */
void kernel_core_tell(const struct event *exit, event_fn on_event, void *context);
