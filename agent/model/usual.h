/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What something usually takes, and when once is slower than that: of boots (boot_history.h) and of the starts of an
 * image (start_history.h). No I/O.
 *
 * "Usual" is the median. The spread is the median absolute deviation times 1.4826, which is the standard deviation
 * where times scatter normally and does not move when one of them was extreme. Longer by more than three spreads, by
 * more than a fifth of the median and by more than a second is slower than usual: few are by chance only. Of fewer than
 * three nothing is said.
 */
#pragma once

#include <stdint.h>

#define USUAL_ENOUGH 3

struct usual {
	uint64_t median_ns, spread_ns;
};

/* Sorts the values; of an even number the mean of the middle two, 0 where there are none. */
uint64_t usual_median(uint64_t *values, uint32_t count);

/* Sorts and changes the values; zeroes where there are none. */
struct usual usual_of(uint64_t *values, uint32_t count);

/* Longer than this is slower than usual. */
uint64_t usual_limit_ns(const struct usual *usual);
