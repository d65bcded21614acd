/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

static uint64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall_offset_ns(void)
{
	uint64_t best_width = UINT64_MAX;
	int64_t best = 0;

	/* A reading between two of the other clock errs by half their distance at most. */
	for (int i = 0; i < 5; i++) {
		uint64_t before = read_clock(CLOCK_BOOTTIME);
		uint64_t wall = read_clock(CLOCK_REALTIME);
		uint64_t after = read_clock(CLOCK_BOOTTIME);

		if (after - before < best_width) {
			best_width = after - before;
			best = (int64_t)(wall - (before + (after - before) / 2));
		}
	}
	return best;
}

uint64_t clock_boot_from_wall(uint64_t wall_ns, int64_t wall_offset_ns)
{
	int64_t boot_ns = (int64_t)wall_ns - wall_offset_ns;

	return wall_ns && boot_ns > 0 ? (uint64_t)boot_ns : 0;
}

int clock_boot_id(char ret_id[static BOOT_ID_SIZE])
{
	cleanup_fclose FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	char id[BOOT_ID_SIZE];

	if (!file)
		return -errno;
	if (fread(id, 1, BOOT_ID_SIZE - 1, file) != BOOT_ID_SIZE - 1)
		return -EIO;
	id[BOOT_ID_SIZE - 1] = '\0';
	memcpy(ret_id, id, BOOT_ID_SIZE);
	return 0;
}

void clock_wall_text(int64_t wall_ns, int decimals, char ret_text[static WALL_TEXT_SIZE])
{
	int64_t second = wall_ns / (int64_t)NS_PER_SECOND;
	int64_t fraction = wall_ns % (int64_t)NS_PER_SECOND;
	struct tm utc;

	if (fraction < 0) {
		fraction += (int64_t)NS_PER_SECOND;
		second--;
	}
	time_t seconds = (time_t)second;
	if (!gmtime_r(&seconds, &utc)) {
		snprintf(ret_text, WALL_TEXT_SIZE, "?");
		return;
	}
	size_t used = strftime(ret_text, WALL_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	if (decimals > 0) {
		char digits[10];

		snprintf(digits, sizeof(digits), "%09lld", (long long)fraction);
		used += (size_t)snprintf(ret_text + used, WALL_TEXT_SIZE - used, ".%.*s",
					 decimals > 9 ? 9 : decimals, digits);
	}
	snprintf(ret_text + used, WALL_TEXT_SIZE - used, "Z");
}
