/* SPDX-License-Identifier: Apache-2.0 */
/* How long each unit and each container's start took, in one boot and in others: for boot_compare.c. */
#pragma once

#include "cli/boot/boot_report.h"

#define BOOT_PARTS_MAX	  600
#define BOOT_BASELINE_MAX 10

enum boot_part_kind { BOOT_PART_POD, BOOT_PART_UNIT };

struct boot_part {
	enum boot_part_kind kind;
	char name[POD_PATH_SIZE + NAME_SIZE]; /* "namespace/pod/container", or the unit */
	uint64_t ns;			      /* in the boot that is looked at */
	uint64_t before_ns[BOOT_BASELINE_MAX];
	uint32_t before; /* in how many of the others it was */
};

struct boot_parts {
	struct boot_part *all;
	size_t count;
};

/* Returns 0 or -ENOMEM; the parts are freed by boot_parts_done. */
int boot_parts_of(struct boot_parts *ret, const struct boot_report *report);
void boot_parts_done(struct boot_parts *parts);

/* Adds one of the boots that it is compared with. Parts that only that one has are passed over. */
void boot_parts_add(struct boot_parts *parts, const struct boot_report *other);

/* Median in the others; 0 where there was none. */
uint64_t boot_part_before(const struct boot_part *part);

/* What grew most first; parts that are as long as before, or new, come last. */
void boot_parts_sort(struct boot_parts *parts);

/* By how much, 0 if it did not, or was not there before. */
uint64_t boot_part_grown(const struct boot_part *part);
