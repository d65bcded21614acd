/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pull consisted of: layer by layer, from where, and whom it shared layers or the link with.
 *
 * A part of struct record_pull and, once a container was started with the image, of struct record_start. Only what
 * was measured is in it; a span without a beginning is that of a layer too short to be seen in progress.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/names.h"
#include "model/why.h"

enum layer_origin {
	LAYER_NONE,
	LAYER_PRESENT, /* it was there already */
	LAYER_FETCHED,
	LAYER_WAITED, /* another pull was fetching it; download is the time waited for it */
	LAYER_SHARED, /* fetched once for two pulls: which of them asked first can't be told */
	LAYER_ORIGIN_COUNT
};

struct pull_layer {
	char digest[DIGEST_SIZE];
	enum layer_origin origin;
	uint64_t bytes;		 /* compressed */
	uint64_t unpacked_bytes; /* on disk; 0 not known */
	uint64_t unpacked_files; /* inodes */
	struct span download;
	struct span unpack; /* from when its download was complete and those below it were there */
};

#define PULL_LAYERS_MAX 12

struct pull_anatomy {
	char registry[REGISTRY_SIZE]; /* that the image names, not a mirror of it */
	char peer
		[ADDRESS_SIZE]; /* whom containerd's only connection led to meanwhile; "" not known */
	uint16_t peer_port;
	struct span queue;		/* of a start: another pull had its turn */
	char queued_behind[IMAGE_SIZE]; /* the last of them */
	struct span resolve; /* from the CRI client's call, where it was logged, to the manifest */
	uint64_t download_ns,
		unpack_ns; /* that at least one layer was coming; was being unpacked */
	uint64_t fetch_ns; /* of download_ns: without layers that another pull was fetching */
	uint64_t unpacked_bytes, unpacked_files;
	uint32_t parallel;  /* layers that came at once, at most */
	uint32_t failures;  /* tries before this one, in a row, that failed */
	struct span waited; /* for layers that another pull, shared_with, was fetching */
	char shared_with[IMAGE_SIZE], shared_layer[DIGEST_SIZE];
	struct span link; /* another pull was downloading too */
	char link_with[IMAGE_SIZE];
	uint32_t layer_count; /* the longest ones, in the image's order */
	struct pull_layer layers[PULL_LAYERS_MAX];
};

/* What took longer; for two that are near each other none. */
enum pull_bound { PULL_BOUND_NONE, PULL_BOUND_DOWNLOAD, PULL_BOUND_UNPACK };

enum pull_bound pull_bound(const struct pull_anatomy *anatomy);
