/* SPDX-License-Identifier: Apache-2.0 */
/* What `nodewake boot` can do instead of a report. Each returns an exit code. */
#pragma once

#include "cli/boot/boot_report.h"
#include "cli/options.h"

/* --list: a line per boot, newest first. */
int boot_list(struct store *store, const struct options *options);

/* --compare, --against: phase by phase, and what grew. */
int boot_compare(struct store *store, const struct options *options);

/* --follow: until the node is ready or did not recover. Opens the store itself, when there is one. */
int boot_follow(const struct options *options);

/* Says on stderr why there is no such boot; returns the exit code. */
int boot_refuse(int error, const char *which);

/* 0 if the node is ready, 1 while it is not, or did not recover. */
int boot_code(const struct record_boot *boot);
