/* SPDX-License-Identifier: Apache-2.0 */
/* What why.c asks of each topic: to note an event, and to tell what it knows of a start. */
#pragma once

#include "track/why/why.h"

void why_stalls_note(struct why_facts *facts, const struct event *event);
void why_stalls_fill(const struct why_facts *facts, struct record_start *start);

/* Returns false if there was no room for one more. */
bool why_peers_note(struct why_facts *facts, const struct event *event);
/* All waits so far came before it. */
void why_peers_listen(struct why_facts *facts, uint64_t listen_ns);
void why_peers_named(struct address_names *names, const struct event *event);
void why_peers_fill(const struct why_facts *facts, const struct address_names *names,
		    const struct pods *pods, struct record_start *start);
/* told: NULL without Kubernetes. After the stalls and peers. */
void why_probe_fill(const struct pod_container *told, struct record_start *start);
void why_files_note(struct why_facts *facts, const struct event *event);
void why_files_fill(const struct why_facts *facts, struct record_start *start);
