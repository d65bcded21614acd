/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: joins sources, tracker, store and sinks on one event loop. The only file that knows
 * them all. Events go to the tracker, records to the store first and then to the sinks.
 */
#pragma once

#include "settings.h"

/* Runs until SIGTERM or SIGINT. Returns 0 or a negative errno, after one log line that says why. */
int daemon_run(const struct settings *settings);
