/* SPDX-License-Identifier: Apache-2.0 */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static int scaled(const char *text, const char *const *units, const uint64_t *factors, size_t count,
		  uint64_t *ret)
{
	char *end;

	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);

	if (errno || end == text || !isdigit((unsigned char)*text))
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (strcmp(end, units[i]) == 0) {
			if (number > UINT64_MAX / 2 / factors[i])
				return -EINVAL;
			*ret = number * factors[i];
			return 0;
		}
	return -EINVAL;
}

int units_duration(const char *text, uint64_t *ret_ns)
{
	static const char *const units[] = {"ms", "s", "min", "m", "h", "d"};
	static const uint64_t factors[] = {
		NS_PER_MS,	    NS_PER_SECOND,	  60 * NS_PER_SECOND,
		60 * NS_PER_SECOND, 3600 * NS_PER_SECOND, 86400 * NS_PER_SECOND};

	return scaled(text, units, factors, 6, ret_ns);
}

int units_size(const char *text, uint64_t *ret_bytes)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB"};
	static const uint64_t factors[] = {1, 1 << 10, 1 << 20, 1 << 30};

	return scaled(text, units, factors, 4, ret_bytes);
}
