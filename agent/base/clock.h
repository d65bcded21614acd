/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where wall time and boot time meet.
 *
 * Everything inside nodewake is on CLOCK_BOOTTIME in ns. Peers that speak wall time are converted
 * when they are read, with the offset of that moment; people get wall time when records are shown.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define NS_PER_MS      UINT64_C(1000000)
#define NS_PER_SECOND  UINT64_C(1000000000)

#define BOOT_ID_SIZE   37
#define WALL_TEXT_SIZE 36

uint64_t clock_boot_ns(void);

/* CLOCK_REALTIME - CLOCK_BOOTTIME now, from the tightest of a few readings. */
int64_t clock_wall_offset_ns(void);

/* 0 where the wall time is 0 or lies before the boot. */
uint64_t clock_boot_from_wall(uint64_t wall_ns, int64_t wall_offset_ns);

/* /proc/sys/kernel/random/boot_id: 36 characters. Returns 0 or a negative errno. */
int clock_boot_id(char ret_id[static BOOT_ID_SIZE]);

/*
 * RFC 3339, as Kubernetes writes it: "2026-11-23T06:12:04Z", with up to 9 decimals, Z or an offset.
 * Returns 0 or -EINVAL.
 */
int clock_wall_parse(const char *text, int64_t *ret_wall_ns);

/* RFC 3339 in UTC with the given number of decimals (0 to 9): "2026-11-23T06:12:04.123Z". */
void clock_wall_text(int64_t wall_ns, int decimals, char ret_text[static WALL_TEXT_SIZE]);
