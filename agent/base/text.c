/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

/* Length of the longest prefix within `length` that does not split a UTF-8 sequence. */
static size_t whole_sequences(const char *text, size_t length)
{
	size_t cut = length;

	while (cut > 0 && length - cut < 4 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return ((unsigned char)text[cut] & 0xc0) == 0x80 ? length : cut;
}

void text_copy_n(char *to, size_t size, const char *from, size_t length)
{
	length = strnlen(from, length);
	if (length >= size)
		length = whole_sequences(from, size - 1);
	memcpy(to, from, length);
	to[length] = '\0';
}

void text_copy(char *to, size_t size, const char *from)
{
	text_copy_n(to, size, from, strlen(from));
}

void text_copy_tail(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	text_copy(to, size, length >= size ? from + length - (size - 1) : from);
}

bool text_is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* Decodes one sequence; returns its length, 0 if it is not valid UTF-8. */
static size_t decode(const unsigned char *text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80	     ? 1
			: text[0] >> 5 == 6  ? 2
			: text[0] >> 4 == 14 ? 3
			: text[0] >> 3 == 30 ? 4
					     : 0;
	uint32_t code = length == 1 ? text[0] : text[0] & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (length == 0 || (length > 1 && code < smallest[length]) || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

size_t text_utf8_length(const char *text, size_t length)
{
	unsigned char start[5] = {0}; /* terminated, so that decode stops at the end */
	uint32_t code;

	memcpy(start, text, length < 4 ? length : 4);
	return length ? decode(start, &code) : 0;
}

static bool printable(uint32_t code)
{
	return code >= 0x20 && code != 0x7f && !(code >= 0x80 && code < 0xa0) &&
	       !(code >= 0x200b && code <= 0x200f) && /* zero width, direction marks */
	       !(code >= 0x2028 && code <= 0x202e) && /* line separators, embeddings */
	       !(code >= 0x2060 && code <= 0x206f) && code != 0xfeff &&
	       !(code >= 0xe0000 && code <= 0xe007f); /* tags */
}

void text_print_safe(FILE *out, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	while (*c) {
		uint32_t code;
		size_t length = decode(c, &code);

		if (length && printable(code)) {
			fwrite(c, 1, length, out);
			c += length;
			continue;
		}
		for (size_t i = 0; i < (length ? length : 1); i++)
			fprintf(out, "\\x%02x", *c++);
	}
}

void text_duration(uint64_t ns, char ret_text[static DURATION_TEXT_SIZE])
{
	double s = (double)ns / 1e9;

	if (ns < 1000)
		snprintf(ret_text, DURATION_TEXT_SIZE, "%" PRIu64 "ns", ns);
	else if (ns < 1000 * 1000)
		snprintf(ret_text, DURATION_TEXT_SIZE, "%.0fus", s * 1e6);
	else if (s < 0.9995)
		snprintf(ret_text, DURATION_TEXT_SIZE, s < 0.01 ? "%.1fms" : "%.0fms", s * 1e3);
	else if (s < 9.995)
		snprintf(ret_text, DURATION_TEXT_SIZE, "%.2fs", s);
	else if (s < 59.95)
		snprintf(ret_text, DURATION_TEXT_SIZE, "%.1fs", s);
	else if (s < 3599.95) {
		uint64_t tenths = (uint64_t)(s * 10 + 0.5);
		snprintf(ret_text, DURATION_TEXT_SIZE, "%" PRIu64 "min %" PRIu64 ".%" PRIu64 "s",
			 tenths / 600, tenths % 600 / 10, tenths % 10);
	} else if (s < 86400) {
		uint64_t minutes = (uint64_t)(s / 60 + 0.5);
		snprintf(ret_text, DURATION_TEXT_SIZE, "%" PRIu64 "h %" PRIu64 "min", minutes / 60,
			 minutes % 60);
	} else {
		uint64_t hours = (uint64_t)(s / 3600 + 0.5);
		snprintf(ret_text, DURATION_TEXT_SIZE, "%" PRIu64 "d %" PRIu64 "h", hours / 24,
			 hours % 24);
	}
}

void text_bytes(uint64_t bytes, char ret_text[static BYTES_TEXT_SIZE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	snprintf(ret_text, BYTES_TEXT_SIZE,
		 unit && value < 10 && value != (double)(uint64_t)value ? "%.1f%s" : "%.0f%s",
		 value, units[unit]);
}

const char *text_of_duration(uint64_t ns)
{
	static char texts[8][DURATION_TEXT_SIZE];
	static unsigned int next;
	char *text = texts[next++ % 8];

	text_duration(ns, text);
	return text;
}

const char *text_of_bytes(uint64_t bytes)
{
	static char texts[4][BYTES_TEXT_SIZE];
	static unsigned int next;
	char *text = texts[next++ % 4];

	text_bytes(bytes, text);
	return text;
}
