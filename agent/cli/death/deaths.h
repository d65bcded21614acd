/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deaths of a pod, picked from its dossier: ends of containers, kills for memory, children that died while their
 * container went on. An end and the kill that brought it are one death.
 */
#pragma once

#include <stddef.h>

#include "cli/death/dossier.h"

/* One of exit, oom and child at least; borrowed from the dossier. */
struct death {
	const struct record *exit, *oom, *child;
};

struct death_list {
	struct death *deaths; /* newest first */
	size_t count;
};

/*
 * container: of that name only; NULL: all. A container that completed is a death only where nothing else is. Returns 0
 * or -ENOMEM.
 */
int deaths_find(struct death_list *ret, const struct dossier *dossier, const char *container);
void deaths_done(struct death_list *list);

/* The record that the death is told by. */
const struct record *death_head(const struct death *death);
