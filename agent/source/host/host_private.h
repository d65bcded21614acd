/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the host source share. */
#pragma once

#include "source/host/host_source.h"

/* Tells a fact of now, or folds it with others like it. host->count is 1. */
void host_source_tell(struct host_source *source, const struct event_host *host, uint64_t boot_ns);

/* host_clock.c: steps of the wall clock. */
struct host_clock;
int host_clock_new(struct host_clock **ret, sd_event *loop, struct host_source *source);
void host_clock_free(struct host_clock *clock);
/* False for a step that is too small to explain anything. */
bool host_clock_describe(int64_t step_ns, struct event_host *ret);

/* host_links.c: network links that go down. */
struct host_links;
int host_links_new(struct host_links **ret, sd_event *loop, struct host_source *source);
void host_links_free(struct host_links *links);

/* host_journal.c: the journal's entries as they come. root: "" for this machine's. */
struct host_journal;
int host_journal_new(struct host_journal **ret, sd_event *loop, const char *root,
		     struct host_source *source);
void host_journal_free(struct host_journal *host);

/* host_kernel.c: lines of the kernel's log. */
struct host_kernel;
int host_kernel_new(struct host_kernel **ret, sd_event *loop, struct host_source *source);
void host_kernel_free(struct host_kernel *kernel);
void host_kernel_look(struct host_kernel *kernel);
void host_kernel_stats(const struct host_kernel *kernel, struct host_source_stats *ret);
