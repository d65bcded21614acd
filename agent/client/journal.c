/* SPDX-License-Identifier: Apache-2.0 */
#include "client/journal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include "base/text.h"

/* A longer field is cut: kube-apiserver's command line in K3s's log has some KB. */
#define FIELD_MAX (64 * 1024)

struct journal {
	sd_journal *sd;
};

int journal_open(struct journal **ret, const char *path)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	const char *paths[] = {path, NULL};
	int r;

	if (!journal)
		return -ENOMEM;
	r = sd_journal_open_files(&journal->sd, paths, 0);
	if (r < 0) {
		free(journal);
		return r;
	}
	sd_journal_set_data_threshold(journal->sd, FIELD_MAX);
	*ret = journal;
	return 0;
}

void journal_close(struct journal *journal)
{
	if (!journal)
		return;
	sd_journal_close(journal->sd);
	free(journal);
}

void journal_match_all(struct journal *journal)
{
	sd_journal_flush_matches(journal->sd);
}

int journal_match(struct journal *journal, const char *field, const char *value)
{
	char match[256];
	int length = snprintf(match, sizeof(match), "%s=%s", field, value);

	if (length >= (int)sizeof(match))
		return -ENAMETOOLONG;
	return sd_journal_add_match(journal->sd, match, (size_t)length);
}

int journal_match_or(struct journal *journal)
{
	return sd_journal_add_disjunction(journal->sd);
}

int journal_match_boot(struct journal *journal, const char *boot_id)
{
	char hex[SD_ID128_STRING_MAX];
	sd_id128_t id;
	int r = sd_id128_from_string(boot_id, &id);

	return r < 0 ? r : journal_match(journal, "_BOOT_ID", sd_id128_to_string(id, hex));
}

int journal_first(struct journal *journal)
{
	int r = sd_journal_seek_head(journal->sd);

	return r < 0 ? r : sd_journal_next(journal->sd);
}

int journal_last(struct journal *journal)
{
	int r = sd_journal_seek_tail(journal->sd);

	return r < 0 ? r : sd_journal_previous(journal->sd);
}

int journal_next(struct journal *journal)
{
	return sd_journal_next(journal->sd);
}

int journal_previous(struct journal *journal)
{
	return sd_journal_previous(journal->sd);
}

int journal_from(struct journal *journal, const char *boot_id, uint64_t monotonic_ns)
{
	sd_id128_t id;
	int r = sd_id128_from_string(boot_id, &id);

	if (r == 0)
		r = sd_journal_seek_monotonic_usec(journal->sd, id, monotonic_ns / 1000);
	return r < 0 ? r : sd_journal_next(journal->sd);
}

/* As /proc/sys/kernel/random/boot_id has it. */
static void write_id(sd_id128_t id, char ret_id[static BOOT_ID_SIZE])
{
	sd_id128_to_uuid_string(id, ret_id);
}

int journal_stamp(struct journal *journal, struct journal_stamp *ret)
{
	struct journal_stamp stamp;
	uint64_t wall_us, monotonic_us;
	sd_id128_t boot_id;
	int r = sd_journal_get_realtime_usec(journal->sd, &wall_us);

	if (r >= 0)
		r = sd_journal_get_monotonic_usec(journal->sd, &monotonic_us, &boot_id);
	if (r < 0)
		return r;
	/* room for one to be added to the other, or taken from it */
	if (wall_us > INT64_MAX / 2000 || monotonic_us > INT64_MAX / 2000)
		return -EBADMSG;
	stamp.wall_ns = (int64_t)wall_us * 1000;
	stamp.monotonic_ns = monotonic_us * 1000;
	write_id(boot_id, stamp.boot_id);
	*ret = stamp;
	return 0;
}

int journal_text(struct journal *journal, const char *field, char *ret_text, size_t size)
{
	size_t length, name_length = strlen(field);
	const void *data;
	int r = sd_journal_get_data(journal->sd, field, &data, &length);

	if (r == -ENOENT) {
		text_copy(ret_text, size, "");
		return 0;
	}
	if (r < 0)
		return r;
	if (length <= name_length)
		return -EBADMSG;
	text_copy_n(ret_text, size, (const char *)data + name_length + 1, length - name_length - 1);
	return 0;
}

int journal_boots(struct journal *journal)
{
	return sd_journal_query_unique(journal->sd, "_BOOT_ID");
}

int journal_boots_next(struct journal *journal, char ret_id[static BOOT_ID_SIZE])
{
	static const size_t prefix = sizeof("_BOOT_ID=") - 1;
	const void *data;
	size_t length;

	for (;;) {
		char hex[SD_ID128_STRING_MAX];
		sd_id128_t id;
		int r = sd_journal_enumerate_unique(journal->sd, &data, &length);

		if (r <= 0)
			return r;
		if (length != prefix + sizeof(hex) - 1)
			continue;
		memcpy(hex, (const char *)data + prefix, sizeof(hex) - 1);
		hex[sizeof(hex) - 1] = '\0';
		if (sd_id128_from_string(hex, &id) == 0) {
			write_id(id, ret_id);
			return 1;
		}
	}
}
