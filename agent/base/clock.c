/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ".123" as ns; *end is behind the digits. */
static int64_t parse_fraction(const char *text, const char **end)
{
	int64_t ns = 0, unit = (int64_t)NS_PER_SECOND / 10;

	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
			ns += (*text - '0') * unit;
	*end = text;
	return ns;
}

int clock_wall_parse(const char *text, int64_t *ret_wall_ns)
{
	unsigned int hours, minutes;
	int64_t offset_s = 0;
	struct tm utc = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

	if (!rest)
		return -EINVAL;
	int64_t fraction = parse_fraction(rest, &rest);

	if (sscanf(rest, "%*1[+-]%2u:%2u", &hours, &minutes) == 2) {
		if (strlen(rest) != strlen("+00:00") || hours > 23 || minutes > 59)
			return -EINVAL;
		offset_s = (int64_t)(hours * 3600 + minutes * 60) * (*rest == '+' ? 1 : -1);
	} else if (strcmp(rest, "Z") != 0) {
		return -EINVAL;
	}
	int64_t second = (int64_t)timegm(&utc) - offset_s;

	/* years that ns don't reach */
	if (llabs(second) >= INT64_MAX / (int64_t)NS_PER_SECOND)
		return -EINVAL;
	*ret_wall_ns = second * (int64_t)NS_PER_SECOND + fraction;
	return 0;
}
