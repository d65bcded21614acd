/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that the store knows of one pod, for `nodewake explain`. Gathered here, shown by explain_text, explain_svg, …
 * (explain_show.h), which read nothing themselves.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define DOSSIER_MAX 1000 /* records; the newest */

struct dossier {
	struct record *records; /* oldest first */
	uint32_t *boots; /* of each: a number per boot, since boot clocks can't be compared */
	size_t count;
	size_t earlier; /* other pods of the same name, before this one */
};

/*
 * By the pod's name, else as the beginning of a container id; pod_namespace may be NULL. Returns 0, -ENOENT (nothing is
 * recorded), -ENOTUNIQ (more than one pod: the dossier has the records of them all), or another negative errno. It is
 * the caller's to free by dossier_done, whatever is returned.
 */
int dossier_read(struct dossier *ret, struct store *store, const char *pod_namespace,
		 const char *word);
void dossier_done(struct dossier *dossier);

/* Are both of one pod (by name), or of one container that has no pod? */
bool dossier_same_name(const struct subject *one, const struct subject *other);

/* A pod's own start; its phases are those of the container that was ready last. */
bool dossier_is_pod_start(const struct record *record);

/* The last start of a container of this name? Earlier ones are not shown. */
bool dossier_is_latest_start(const struct dossier *dossier, size_t index);
