// SPDX-License-Identifier: Apache-2.0
/* The last lines out of the end of a CRI log: whole, bounded, whatever a container wrote; and its loader's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/loader_words.h"
#include "source/log_lines.h"

#define T   "2026-11-28T23:35:27.123456789Z "
#define OUT T "stdout F "
#define ERR T "stderr F "

static struct log_tail tail;

static const char *last(const char *block, bool cut, uint32_t want)
{
	log_lines_last(block, strlen(block), cut, want, &tail);
	return tail.text;
}

static void the_last_lines(void **state)
{
	(void)state;
	assert_string_equal(last(OUT "one\n" ERR "two\n" OUT "three\n", false, 2), "two\nthree\n");
	assert_int_equal(tail.lines, 2);
	assert_string_equal(last(OUT "one\n", false, 20), "one\n");
	assert_string_equal(last(OUT "one\n", false, 0), "");
	assert_string_equal(last("", false, 3), "");
	assert_string_equal(last(OUT "\n" OUT "a b  c \n", false, 9), "\na b  c \n");
	/* written when it was read */
	assert_string_equal(last(OUT "one\n" ERR "tw", false, 9), "one\ntw\n");
}

static void parts_are_joined_by_stream(void **state)
{
	(void)state;
	assert_string_equal(last(T "stdout P one, "
				   "\n" T "stderr P red, "
				   "\n" T "stdout P two, "
				   "\n" T "stderr F blue\n" T "stdout F three\n",
				 false, 9),
			    "red, blue\none, two, three\n");
	/* a tag may have more in it (CRI: separated by colons) */
	assert_string_equal(last(T "stdout P:x a"
				   "\n" T "stdout F:y b\n",
				 false, 9),
			    "ab\n");
	/* it ended in the middle of a line */
	assert_string_equal(last(T "stdout P no newline"
				   "\n",
				 false, 9),
			    "no newline\n");
}

static void a_cut_line_is_left_out(void **state)
{
	(void)state;
	assert_string_equal(last("alf a line\n" OUT "whole\n", true, 9), "whole\n");
	/* unless it is all there is: the end of a line of many KB */
	assert_string_equal(last("xxxx the end\n", true, 9), "xxxx the end\n");
	assert_string_equal(last("xxxx the end", true, 9), "xxxx the end\n");
}

static void what_is_no_cri_line_is_left_out(void **state)
{
	(void)state;
	assert_string_equal(last("garbage\nstdout F x\n" T "stdin F x\n" T "stdout Q x\n" T
				 "stdout F\n" OUT "ok\n",
				 false, 9),
			    "\nok\n");
	assert_string_equal(last("{\"log\":\"docker\"}\n", false, 9), "");
}

static void a_text_without_end_is_bounded(void **state)
{
	static char block[16 * 1024];
	size_t length;

	(void)state;
	memset(block, 'x', sizeof(block));
	memcpy(block, OUT, strlen(OUT));
	block[sizeof(block) - 2] = 'y';
	block[sizeof(block) - 1] = '\n';
	log_lines_last(block, sizeof(block), false, 5, &tail);
	length = strlen(tail.text);
	assert_int_equal(tail.lines, 1);
	assert_int_equal(length, sizeof(tail.text) - 1);
	assert_string_equal(tail.text + length - 4, "xxy\n");
	/* and the same as parts, behind a line that no longer fits */
	memset(block, 'z', sizeof(block));
	memcpy(block, OUT "first\n" T "stdout P ", strlen(OUT "first\n" T "stdout P "));
	log_lines_last(block, sizeof(block), false, 5, &tail);
	assert_int_equal(tail.lines, 1);
	assert_int_equal(strlen(tail.text), sizeof(tail.text) - 1);
	assert_null(strstr(tail.text, "first"));
}

/* Cut at the front, a character stays whole. */
static void utf8_is_not_torn(void **state)
{
	static char block[8192];
	size_t used = strlen(OUT);

	(void)state;
	memcpy(block, OUT, used);
	block[used++] = 'x'; /* so that the cut is not between characters */
	while (used < 4096) {
		memcpy(block + used, "\xf0\x9f\xa6\x80", 4);
		used += 4;
	}
	block[used++] = '\n';
	log_lines_last(block, used, false, 5, &tail);
	assert_memory_equal(tail.text, "\xf0\x9f\xa6\x80", 4);
	assert_int_equal((strlen(tail.text) - 1) % 4, 0);
}

static void bytes_of_all_kinds(void **state)
{
	char block[64 + 256];
	size_t used = strlen(OUT);

	(void)state;
	memcpy(block, OUT, used);
	for (int byte = 0; byte < 256; byte++)
		if (byte != '\n')
			block[used++] = (char)byte;
	block[used++] = '\n';
	log_lines_last(block, used, false, 5, &tail);
	assert_int_equal(tail.lines, 1);
	assert_int_equal(strlen(tail.text), 256); /* none is lost, the NUL is shown as ? */
	assert_int_equal(tail.text[0], '?');
	assert_int_equal(tail.text[1], '\x01');
}

/* Random blocks: within bounds, as many lines as it says, never more than asked for. */
static void random_blocks(void **state)
{
	static const char *const words[] = {OUT,  ERR, T "stdout P ", T "stderr P ", "x",
					    "\n", " ", "\n",	      "long words "};

	(void)state;
	srand(11);
	for (int round = 0; round < 3000; round++) {
		char block[16 * 1024];
		size_t used = 0;
		uint32_t want = (uint32_t)rand() % 7, lines = 0;

		for (int i = rand() % 400; i > 0; i--) {
			const char *word = words[(size_t)rand() % (sizeof(words) / sizeof(*words))];

			if (used + strlen(word) > sizeof(block))
				break;
			memcpy(block + used, word, strlen(word));
			used += strlen(word);
		}
		log_lines_last(block, used, rand() % 2, want, &tail);
		for (const char *at = tail.text; *at; at++)
			lines += *at == '\n';
		assert_int_equal(lines, tail.lines);
		assert_true(tail.lines <= want);
	}
}

static void complains(const char *line, const char *library, const char *text)
{
	struct failed_start failed;

	if (!loader_words(line, strlen(line), &failed))
		fail_msg("not seen: %s", line);
	assert_int_equal(failed.kind, FAILURE_LIBRARY);
	assert_string_equal(failed.what, library);
	assert_string_equal(failed.text, text);
}

static void is_silent(const char *line)
{
	struct failed_start failed;

	if (loader_words(line, strlen(line), &failed))
		fail_msg("taken for a loader's: %s (%s)", line, failed.what);
}

/* True wordings of glibc 2.36 and musl 1.2. */
static void each_phrase_of_a_loader(void **state)
{
	(void)state;
	complains("/app: error while loading shared libraries: libpq.so.5: cannot open shared "
		  "object file: "
		  "No such file or directory",
		  "libpq.so.5", "no such shared library");
	complains("/app: error while loading shared libraries: /opt/lib/liba.so: wrong ELF class: "
		  "ELFCLASS32",
		  "/opt/lib/liba.so", "library of another word size");
	complains("./app: error while loading shared libraries: libz.so.1: invalid ELF header",
		  "libz.so.1", "library is no ELF file");
	complains("app: error while loading shared libraries: libz.so.1: file too short",
		  "libz.so.1", "library is cut short");
	complains("/app: error while loading shared libraries: libz.so.1: failed to map segment "
		  "from shared object",
		  "libz.so.1", "library can't be mapped");
	complains("/app: error while loading shared libraries: libz.so.1: cannot read file data: "
		  "Is a directory",
		  "libz.so.1", "library can't be loaded");
	complains("/app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required "
		  "by /app)",
		  "/lib/x86_64-linux-gnu/libc.so.6", "library lacks version GLIBC_2.38");
	complains("/app: symbol lookup error: /lib/libx.so: undefined symbol: frobnicate",
		  "/lib/libx.so", "symbol not found");
	complains("Error loading shared library libssl.so.3: No such file or directory (needed by "
		  "/usr/bin/app)",
		  "libssl.so.3", "no such shared library");
	complains("Error loading shared library ld-linux-aarch64.so.1: Exec format error (needed "
		  "by /app)",
		  "ld-linux-aarch64.so.1", "library of another architecture");
	complains("Error loading shared library libssl.so.3: Permission denied (needed by /app)",
		  "libssl.so.3", "library can't be loaded");
	complains("Error relocating /usr/bin/app: SSL_new: symbol not found", "/usr/bin/app",
		  "symbol not found");
}

/* What only looks like it, or would carry more than a name. */
static void others_words_are_no_complaint(void **state)
{
	(void)state;
	is_silent("");
	is_silent("connection refused: no such host");
	is_silent("I saw: error while loading shared libraries: libz.so.1: file too short");
	is_silent("/app: error while loading shared libraries: my secret words: file too short");
	is_silent("/app: error while loading shared libraries: : file too short");
	is_silent("/app: error while loading shared libraries: libz.so.1");
	is_silent("token: hunter2: version mismatch");
	is_silent("Error relocating the office: nobody came");
	is_silent("ImportError: libGL.so.1: cannot open shared object file: No such file");
}

static bool complaint(const char *block, struct failed_start *ret)
{
	return log_lines_complaint(block, strlen(block), false, ret);
}

static void the_log_must_end_in_it(void **state)
{
#define MISSES(name) \
	ERR "Error loading shared library " name ": No such file or directory (needed by /a)\n"
#define LACKS(name) ERR "Error relocating /a: " name ": symbol not found\n"
	struct failed_start failed;

	(void)state;
	assert_true(complaint(OUT "hello\n" MISSES("liba.so.1"), &failed));
	assert_string_equal(failed.what, "liba.so.1");
	/* musl goes on with each symbol: the missing library is why */
	assert_true(
		complaint(MISSES("liba.so.1") MISSES("libb.so.1") LACKS("f") LACKS("g"), &failed));
	assert_string_equal(failed.what, "liba.so.1");
	assert_string_equal(failed.text, "no such shared library");
	assert_true(complaint(LACKS("f") LACKS("g"), &failed));
	assert_string_equal(failed.what, "/a");
	/* what comes behind ended the program, not this */
	assert_false(complaint(MISSES("liba.so.1") OUT "trying without it\n", &failed));
	assert_true(complaint(MISSES("liba.so.1") OUT "trying\n" MISSES("libb.so.1"), &failed));
	assert_string_equal(failed.what, "libb.so.1");
	assert_false(complaint("", &failed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_lines),
		cmocka_unit_test(parts_are_joined_by_stream),
		cmocka_unit_test(a_cut_line_is_left_out),
		cmocka_unit_test(what_is_no_cri_line_is_left_out),
		cmocka_unit_test(a_text_without_end_is_bounded),
		cmocka_unit_test(utf8_is_not_torn),
		cmocka_unit_test(bytes_of_all_kinds),
		cmocka_unit_test(random_blocks),
		cmocka_unit_test(each_phrase_of_a_loader),
		cmocka_unit_test(others_words_are_no_complaint),
		cmocka_unit_test(the_log_must_end_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
