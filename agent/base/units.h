/* SPDX-License-Identifier: Apache-2.0 */
/* What people write for times and sizes. */
#pragma once

#include <stdint.h>

/* One number and ms, s, min (or m), h or d: "90s", "5min". Returns 0 or -EINVAL. */
int units_duration(const char *text, uint64_t *ret_ns);

/* A number of bytes, KiB, MiB or GiB: "64MiB", "4096". Returns 0 or -EINVAL. */
int units_size(const char *text, uint64_t *ret_bytes);
