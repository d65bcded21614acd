/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of pulls share; only pull*.c include it. */
#pragma once

#include <uthash.h>

#include "track/pods_waiting.h"
#include "track/pull/pull.h"

#define PULLS_MAX   64
#define ALIASES_MAX 6
#define PARTS_MAX   128
#define RUNNING_MAX 16
#define FAILED_MAX  16

/*
 * A blob seen in download, or a layer seen in unpack. The pull that its image is known for claims it; it is kept, since
 * another that goes on at the same time may have waited for it.
 */
struct work {
	char digest[DIGEST_SIZE];
	struct span span; /* to_ns 0: goes on */
	uint64_t bytes;
	uint64_t seen_ns; /* that so much had come */
	bool aborted;
	bool several_peers;
	char peer[ADDRESS_SIZE]; /* whom it came from */
	uint16_t peer_port;
	bool claimed;
	char owner[IMAGE_SIZE];	    /* whose pull claimed it */
	uint64_t owner_resolved_ns; /* when that one knew its layers */
	UT_hash_handle hh;
};

struct pull {
	struct record_pull record;
	char key[KEY_SIZE]; /* "": as its digest and beginning have it */
	char names[ALIASES_MAX][IMAGE_SIZE];
	uint32_t name_count;
	char image_id[DIGEST_SIZE];
	char top_chain[DIGEST_SIZE];
	struct span fetched; /* of the layers that it fetched itself */
	uint64_t told_ns;    /* 0: waits for its unpack */
	uint64_t due_ns;
	bool logged; /* not seen: containerd logged it */
};

/* One layer of an image that is being described. */
struct part {
	struct event_layer told;
	enum layer_origin origin;
	struct span download, unpack;
	const char
		*other; /* the pull that fetched it, or may have; as long as pulls don't change */
};

struct parts {
	uint32_t count;
	struct part all[PARTS_MAX];
};

struct running_layer {
	char digest[DIGEST_SIZE];
	uint64_t bytes;
	bool present; /* it was there before */
	bool done;    /* it had come when the manifest was read */
};

/* A pull that goes on. */
struct running {
	char name[IMAGE_SIZE]; /* "registry/repository"; "" free */
	char registry[REGISTRY_SIZE];
	char manifest[DIGEST_SIZE], image_id[DIGEST_SIZE], key[KEY_SIZE];
	uint64_t resolved_ns, began_ns;
	uint64_t touched_ns; /* when anything of it moved last */
	uint64_t next_ns;    /* when it is told again */
	struct {
		uint64_t boot_ns, bytes;
	} before[2]; /* when it was told, newest first */
	uint32_t layer_count;
	struct running_layer *layers;
};

/* An image whose last tries failed. */
struct failed {
	char image_id[DIGEST_SIZE];
	uint32_t count;
	uint64_t last_ns;
};

struct pulls {
	record_fn emit;
	void *context;
	const struct pods *pods;
	struct pods_waiting waiting;
	struct work *ingests, *unpacks;
	struct pull recent[PULLS_MAX];
	uint32_t next; /* ring position */
	uint32_t count;
	struct running running[RUNNING_MAX];
	struct failed failed[FAILED_MAX]; /* a ring */
	uint32_t next_failed;

	/* layers told so far of the image whose EVENT_IMAGE comes next */
	char layers_image[IMAGE_SIZE];
	struct parts parts;
	uint64_t failing_ns; /* first ingest that vanished unclaimed; 0 none */
	uint64_t since_ns;   /* from here on pulls are seen; 0: not yet */
};

void span_widen(struct span *span, uint64_t from_ns, uint64_t to_ns);
struct span span_overlap(struct span one, struct span other);

/* pull.c */
struct work *pull_find_work(struct work *table, const char *digest);
void pull_drop_work(struct work **table, struct work *work);
void pull_tell(struct pulls *pulls, struct pull *pull, uint64_t now_ns);
struct pull *pull_next_slot(struct pulls *pulls, uint64_t now_ns);
void pull_add_name(struct pull *pull, const char *name);
bool pull_has_name(const struct pull *pull, const char *image, const char *image_id);

/* pull_layers.c: what an image's layers took, and who fetched them; claims what was seen of them. */
void pull_layers(struct pulls *pulls, const struct event_image *image, uint64_t ready_ns,
		 struct pull *ret);
/* With whom it shared the link; its own download is known. */
void pull_link(const struct pulls *pulls, struct pull *pull);

/* pull_logged.c */
void pull_tell_logged(struct pulls *pulls, struct pull *pull, uint64_t now_ns);

/* pull_running.c */
void running_begin(struct pulls *pulls, const struct event_image *image, uint64_t now_ns);
void running_touch(struct pulls *pulls, const char *layer, uint64_t now_ns);
/* Another pull than that of image_id, which has this layer; NULL if none goes on. */
const struct running *running_of_layer(const struct pulls *pulls, const char *layer,
				       const char *image_id);
/* The image is there: the final record takes over its key. */
void running_end(struct pulls *pulls, struct pull *pull, uint64_t now_ns);
/* Tells those that failed; what they had fetched is dropped. */
void running_fail(struct pulls *pulls, uint64_t now_ns);
/* One that began before then goes on. */
bool running_at(const struct pulls *pulls, uint64_t boot_ns);
uint64_t running_next_tick_ns(const struct pulls *pulls);
void running_tick(struct pulls *pulls, uint64_t now_ns);
void running_clear(struct pulls *pulls);
