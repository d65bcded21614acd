/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal as it grows: only entries that match are read, and only when journald has written (it touches the file
 * then, at most four times a second). Where there is no journal yet, it is looked for again for some minutes.
 */
#include "source/host/host_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/clock.h"
#include "base/text.h"
#include "client/journal.h"
#include "source/host/host_unit_rules.h"

#define FILE_NAME   "system.journal"
#define RETRY_US    (30 * UINT64_C(1000000))
#define RETRIES	    20
#define ENTRIES_MAX 200 /* at once, then others have their turn */
#define REST_US	    10000

struct host_journal {
	struct host_source *source;
	sd_event *loop;
	char root[64];
	char boot_id[BOOT_ID_SIZE];
	char dir[JOURNAL_PATH_SIZE];
	uint64_t since_ns, last_ns; /* what is older is no news; the last that matched */
	uint32_t tries;
	bool stale; /* the file that is open is written no more */
	struct journal *journal;
	sd_event_source *watch, *timer;
};

static int match_all(struct journal *journal)
{
	int r = journal_match(journal, "MESSAGE_ID", MESSAGE_UNIT_FAILED);

	if (r >= 0)
		r = journal_match(journal, "MESSAGE_ID", MESSAGE_SHUTDOWN);
	if (r >= 0)
		r = journal_match_or(journal);
	for (size_t i = 0; r >= 0 && host_runtime_units[i]; i++)
		r = journal_match(journal, "_SYSTEMD_UNIT", host_runtime_units[i]);
	return r;
}

static void take_entry(struct host_journal *host)
{
	struct journal_stamp stamp;
	struct host_entry entry = {.pid = ""};
	struct event_host fact;
	struct journal *journal = host->journal;

	if (journal_stamp(journal, &stamp) < 0 || strcmp(stamp.boot_id, host->boot_id) != 0 ||
	    stamp.monotonic_ns < host->since_ns ||
	    journal_text(journal, "MESSAGE", entry.message, sizeof(entry.message)) < 0 ||
	    journal_text(journal, "MESSAGE_ID", entry.message_id, sizeof(entry.message_id)) < 0 ||
	    journal_text(journal, "_PID", entry.pid, sizeof(entry.pid)) < 0 ||
	    journal_text(journal, "UNIT", entry.unit, sizeof(entry.unit)) < 0 ||
	    journal_text(journal, "_SYSTEMD_UNIT", entry.systemd_unit, sizeof(entry.systemd_unit)) <
		    0)
		return;
	host->last_ns = stamp.monotonic_ns;
	if (host_unit_rule_match(&entry, &fact))
		host_source_tell(host->source, &fact, stamp.monotonic_ns);
}

static void again_in(struct host_journal *host, uint64_t us)
{
	sd_event_source_set_time_relative(host->timer, us);
	sd_event_source_set_enabled(host->timer, SD_EVENT_ONESHOT);
}

/* True if all there is was read. */
static bool read_new(struct host_journal *host)
{
	int r = 1;

	for (int i = 0; i < ENTRIES_MAX && r > 0; i++) {
		r = journal_next(host->journal);
		if (r > 0)
			take_entry(host);
	}
	return r <= 0;
}

static void close_file(struct host_journal *host)
{
	sd_event_source_disable_unref(host->watch);
	host->watch = NULL;
	journal_close(host->journal);
	host->journal = NULL;
	host->stale = false;
}

static void find_file(struct host_journal *host);

static int on_touch(sd_event_source *watch, const struct inotify_event *event, void *context)
{
	struct host_journal *host = context;

	(void)watch;
	if (event->len && strcmp(event->name, FILE_NAME) == 0)
		host->stale |= (event->mask & ~(uint32_t)IN_MODIFY) != 0;
	else if (!(event->mask & (IN_IGNORED | IN_DELETE_SELF)))
		return 0;
	else
		host->stale = true;
	again_in(host, 0);
	return 0;
}

/* What is in a file that was put aside is read to its end first. */
static int on_timer(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct host_journal *host = context;

	(void)timer;
	(void)time_us;
	if (host->journal && !read_new(host)) {
		again_in(host, REST_US);
		return 0;
	}
	if (!host->journal || host->stale)
		find_file(host);
	return 0;
}

static int open_file(struct host_journal *host, const char *path)
{
	int r = journal_open(&host->journal, path);

	if (r >= 0)
		r = match_all(host->journal);
	if (r >= 0)
		r = journal_from(host->journal, host->boot_id, host->since_ns);
	if (r < 0)
		return r;
	if (r > 0)
		take_entry(host);
	TEXT_COPY(host->dir, path);
	*strrchr(host->dir, '/') = '\0';
	return sd_event_add_inotify(
		host->loop, &host->watch, host->dir,
		IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF, on_touch, host);
}

static const char *live_file(const struct journal_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *slash = strrchr(files->files[i].path, '/');

		if (slash && strcmp(slash + 1, FILE_NAME) == 0)
			return files->files[i].path;
	}
	return NULL;
}

static void find_file(struct host_journal *host)
{
	struct journal_files *files = calloc(1, sizeof(*files));
	const char *path = NULL;

	if (files && journal_files_list(files, host->root) == 0)
		path = live_file(files);
	/* journald copies entries when it moves its journal to the disk: what was read is not read again */
	if (host->last_ns)
		host->since_ns = host->last_ns + 1;
	close_file(host);
	if (path && open_file(host, path) >= 0) {
		host->tries = 0;
		again_in(host, 0);
	} else {
		close_file(host);
		if (host->tries++ < RETRIES)
			again_in(host, RETRY_US);
	}
	free(files);
}

int host_journal_new(struct host_journal **ret, sd_event *loop, const char *root,
		     struct host_source *source)
{
	struct host_journal *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	host->source = source;
	host->loop = loop;
	host->since_ns = clock_boot_ns();
	TEXT_COPY(host->root, root);
	r = clock_boot_id(host->boot_id);
	if (r >= 0)
		r = sd_event_add_time_relative(loop, &host->timer, CLOCK_MONOTONIC, 0, 1000,
					       on_timer, host);
	if (r < 0) {
		host_journal_free(host);
		return r;
	}
	*ret = host;
	return 0;
}

void host_journal_free(struct host_journal *host)
{
	if (!host)
		return;
	close_file(host);
	sd_event_source_disable_unref(host->timer);
	free(host);
}
