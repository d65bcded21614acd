/* SPDX-License-Identifier: Apache-2.0 */
#include "source/log_lines.h"

#include <string.h>

#include "source/loader_words.h"

enum stream { STREAM_OUT, STREAM_ERROR, STREAM_COUNT };

/* One line of the file, parted. */
struct cri_line {
	enum stream stream;
	bool partial; /* the next of this stream goes on with it */
	const char *text;
	size_t length;
};

/* A line that is made whole; of a longer one the end. */
struct whole {
	char text[LOG_TEXT_SIZE];
	size_t length;
};

typedef void (*line_fn)(void *context, const char *text, size_t length);

/* "2026-11-28T23:35:27.123456789Z stderr F text"; the tag may have more parts, "P:…". */
static bool parse(const char *line, const char *end, struct cri_line *ret)
{
	static const char *const names[STREAM_COUNT] = {" stdout ", " stderr "};
	const char *space = memchr(line, ' ', (size_t)(end - line));

	if (!space || end - space < 9)
		return false;
	for (int i = 0; i < STREAM_COUNT; i++) {
		const char *tag = space + 8;
		const char *text;

		if (memcmp(space, names[i], 8) != 0 || (*tag != 'F' && *tag != 'P'))
			continue;
		text = memchr(tag, ' ', (size_t)(end - tag));
		ret->stream = (enum stream)i;
		ret->partial = *tag == 'P';
		ret->text = text ? text + 1 : end;
		ret->length = (size_t)(end - ret->text);
		return true;
	}
	return false;
}

static void append(struct whole *whole, const char *text, size_t length)
{
	size_t over;

	if (length > sizeof(whole->text)) {
		text += length - sizeof(whole->text);
		length = sizeof(whole->text);
	}
	if (whole->length + length > sizeof(whole->text)) {
		over = whole->length + length - sizeof(whole->text);
		memmove(whole->text, whole->text + over, whole->length - over);
		whole->length -= over;
	}
	memcpy(whole->text + whole->length, text, length);
	whole->length += length;
}

static void flush(struct whole *whole, line_fn on_line, void *context)
{
	on_line(context, whole->text, whole->length);
	whole->length = 0;
}

/* Each line of the block, whole. */
static void each(const char *block, size_t length, bool cut, line_fn on_line, void *context)
{
	struct whole pending[STREAM_COUNT] = {{.length = 0}};
	const char *at = block, *end = block + length;

	if (cut) { /* somewhere in a line; the end of a very long one may be all there is */
		const char *newline = memchr(at, '\n', length);

		at = newline ? newline + 1 : end;
		if (at == end)
			on_line(context, block, (size_t)((newline ? newline : end) - block));
	}
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		struct cri_line line;

		if (parse(at, stop, &line)) {
			append(&pending[line.stream], line.text, line.length);
			if (!line.partial)
				flush(&pending[line.stream], on_line, context);
		}
		at = newline ? newline + 1 : end;
	}
	for (int i = 0; i < STREAM_COUNT; i++)
		if (pending[i].length)
			flush(&pending[i], on_line, context);
}

struct keeping {
	struct log_tail *tail;
	size_t used;
	uint32_t want;
};

static void drop_first(struct keeping *keeping)
{
	char *text = keeping->tail->text;
	const char *newline = memchr(text, '\n', keeping->used);
	size_t gone = newline ? (size_t)(newline - text) + 1 : keeping->used;

	memmove(text, text + gone, keeping->used - gone);
	keeping->used -= gone;
	keeping->tail->lines--;
}

static bool continues(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static void keep(void *context, const char *text, size_t length)
{
	struct keeping *keeping = context;
	struct log_tail *tail = keeping->tail;
	size_t room = sizeof(tail->text) - 2; /* a newline and the end */

	if (length > room) {
		text += length - room;
		length = room;
		for (; length && continues(*text); length--)
			text++;
	}
	while (tail->lines &&
	       (tail->lines >= keeping->want || keeping->used + length + 2 > sizeof(tail->text)))
		drop_first(keeping);
	for (size_t i = 0; i < length; i++) /* a text ends at a NUL */
		tail->text[keeping->used++] = text[i] ? text[i] : '?';
	tail->text[keeping->used++] = '\n';
	tail->lines++;
}

void log_lines_last(const char *block, size_t length, bool cut, uint32_t want, struct log_tail *ret)
{
	struct keeping keeping = {.tail = ret, .want = want};

	*ret = (struct log_tail){0};
	if (!want)
		return;
	each(block, length, cut, keep, &keeping);
	memset(ret->text + keeping.used, 0, sizeof(ret->text) - keeping.used);
}

/* Of the loader's lines at the log's end the first that names a library that is missing, else the last. */
static void weigh(void *context, const char *text, size_t length)
{
	struct failed_start *kept = context, found;

	if (!loader_words(text, length, &found))
		*kept = (struct failed_start){0};
	else if (kept->kind == FAILURE_NONE || !loader_misses(kept))
		*kept = found;
}

bool log_lines_complaint(const char *block, size_t length, bool cut, struct failed_start *ret)
{
	struct failed_start kept = {0};

	each(block, length, cut, weigh, &kept);
	if (kept.kind == FAILURE_NONE)
		return false;
	*ret = kept;
	return true;
}
