/* SPDX-License-Identifier: Apache-2.0 */
#include "predecessor.h"

#include <libgen.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "store/event_log.h"

/* A bookmark: when the first agent of this boot began. */
#define FIRST_AGENT "first-agent"

void predecessor_find(struct predecessor *predecessor, struct store *store, uint64_t since_ns)
{
	struct span *watched = &predecessor->watched;

	if (store_bookmark_get(store, FIRST_AGENT, &watched->from_ns) < 0) {
		watched->from_ns = since_ns;
		store_bookmark_set(store, FIRST_AGENT, since_ns);
	}
	if (store_bookmark_get(store, STORE_HEARTBEAT, &watched->to_ns) < 0)
		watched->to_ns = 0;
}

static const char *folder_of(const char *socket, char room[static 4096])
{
	text_copy(room, 4096, socket);
	return dirname(room);
}

static void on_old_event(void *context, const struct event *event, uint64_t seen_ns)
{
	tracker_replay(context, event, seen_ns);
}

void predecessor_learn(struct predecessor *predecessor, struct tracker *tracker, const char *socket,
		       const char *boot_id)
{
	char path[4096];
	const char *dir = folder_of(socket, path);
	int count, r;

	r = event_log_open(&predecessor->log, dir, boot_id, 0);
	if (r < 0) {
		log_warning("the next agent will not know what this one knew", LOG_TEXT("dir", dir),
			    LOG_ERRNO(r));
		return;
	}
	count = event_log_read(predecessor->log, on_old_event, tracker);
	if (count > 0)
		log_info("the agent before is followed", LOG_NUMBER("events", count));
}

void predecessor_keep(struct predecessor *predecessor, const struct event *event, uint64_t seen_ns)
{
	int r = predecessor->log ? event_log_write(predecessor->log, event, seen_ns) : 0;

	if (r < 0)
		log_warning("the next agent will not know what this one knew", LOG_ERRNO(r));
}

const char *predecessor_absence(const struct predecessor *predecessor,
				const struct kernel_source *kernel)
{
	enum kernel_heritage heritage = kernel ? kernel_source_heritage(kernel) : KERNEL_FRESH;

	if (heritage == KERNEL_REPLACED)
		return "the agent was not running; its probes were, of another version";
	if (!predecessor->watched.to_ns)
		return NULL;
	return heritage == KERNEL_ADOPTED ? "the agent was not running; its probes were"
					  : "the agent was not running";
}

void predecessor_forget(const char *socket)
{
	char path[4096];

	event_log_remove(folder_of(socket, path));
}

void predecessor_done(struct predecessor *predecessor)
{
	event_log_close(predecessor->log);
}
