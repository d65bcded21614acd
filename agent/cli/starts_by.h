/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `starts --by image`: the starts of each image, and its latest against those before it. The first of a boot are kept
 * apart: they found nothing cached. So are containers of other names: the same image, told to do something else.
 */
#pragma once

#include <stdio.h>

#include "cli/options.h"
#include "model/start_history.h"
#include "store/store.h"

enum start_class { STARTS_COLD, STARTS_WARM, STARTS_CLASS_COUNT };

/* Of one class; oldest first. */
struct image_starts {
	struct start_sample *samples;
	uint32_t count, room;
	uint32_t boots;
	char last_boot_id[BOOT_ID_SIZE];
	struct record latest;
	struct start_verdict verdict;
};

struct image_group {
	char image[IMAGE_SIZE];
	char digest[DIGEST_SIZE]; /* that the name stood for, as far as a pull told; "" not known */
	char container[NAME_SIZE];
	struct image_starts classes[STARTS_CLASS_COUNT];
};

/* Returns an exit code. */
int starts_by_image(struct store *store, const struct options *options);

/* starts_by_show.c */
void starts_by_text(FILE *out, const struct image_group *group);
void starts_by_json(FILE *out, const struct image_group *group);
