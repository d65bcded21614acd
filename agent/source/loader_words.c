/* SPDX-License-Identifier: Apache-2.0 */
#include "source/loader_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MISSING "no such shared library"

/*
 * glibc: elf/dl-load.c, elf/dl-version.c, elf/dl-lookup.c and the messages of elf/rtld.c, as "PROGRAM: error while loading
 * shared libraries: LIBRARY: PHRASE: errno"; "PROGRAM: LIBRARY: version `VERSION' not found (required by FILE)";
 * "PROGRAM: symbol lookup error: LIBRARY: undefined symbol: NAME". musl: ldso/dynlink.c, "Error loading shared
 * library LIBRARY: errno (needed by FILE)" and "Error relocating FILE: NAME: symbol not found".
 *
 * The library stands between `before` and `behind`.
 */
static const struct phrase {
	const char *before, *behind;
	const char *says; /* kept of it */
	enum start_failure kind;
} phrases[] = {
	{": error while loading shared libraries: ", ": cannot open shared object file", MISSING,
	 FAILURE_LIBRARY},
	{": error while loading shared libraries: ", ": wrong ELF class",
	 "library of another word size", FAILURE_LIBRARY},
	{": error while loading shared libraries: ", ": invalid ELF header",
	 "library is no ELF file", FAILURE_LIBRARY},
	{": error while loading shared libraries: ", ": file too short", "library is cut short",
	 FAILURE_LIBRARY},
	{": error while loading shared libraries: ", ": failed to map segment",
	 "library can't be mapped", FAILURE_LIBRARY},
	{": error while loading shared libraries: ", ": cannot ", "library can't be loaded",
	 FAILURE_LIBRARY},
	{": symbol lookup error: ", ": undefined symbol", "symbol not found", FAILURE_LIBRARY},
	{": ", ": version `", "library lacks a version", FAILURE_LIBRARY},
	{"Error loading shared library ", ": No such file or directory", MISSING, FAILURE_LIBRARY},
	{"Error loading shared library ", ": Exec format error", "library of another architecture",
	 FAILURE_LIBRARY},
	{"Error loading shared library ", ": ", "library can't be loaded", FAILURE_LIBRARY},
	{"Error relocating ", ": ", "symbol not found", FAILURE_LIBRARY},
	/* runc's init, when `runc create` has long returned: libcontainer/system, Exec */
	{"exec ", ": exec format error", "exec format error", FAILURE_FORMAT},
	{"exec ", ": no such file or directory", "interpreter not found", FAILURE_INTERPRETER},
	{"exec ", ": permission denied", "permission denied", FAILURE_PERMISSION},
};

/* A program's or a library's: no blank, nothing that could be more than a name. */
static bool is_name(const char *text, size_t length)
{
	if (!length || length >= FILE_SIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("._+-/@~", text[i]))
			return false;
	return text[0] != '\0' && memchr(text, '\0', length) == NULL;
}

static const char *find(const char *text, size_t length, const char *words)
{
	return memmem(text, length, words, strlen(words));
}

/* The version that is missing is no secret either: "GLIBC_2.38". */
static void add_version(const char *text, size_t length, struct failed_start *ret)
{
	const char *quote = memchr(text, '\'', length);
	char version[48];

	if (!quote || !is_name(text, (size_t)(quote - text)) ||
	    (size_t)(quote - text) >= sizeof(version) ||
	    !find(quote, length - (size_t)(quote - text), " not found"))
		return;
	text_copy_n(version, sizeof(version), text, (size_t)(quote - text));
	snprintf(ret->text, sizeof(ret->text), "library lacks version %s", version);
}

static bool matches(const struct phrase *phrase, const char *line, size_t length,
		    struct failed_start *ret)
{
	const char *end = line + length;
	const char *name = find(line, length, phrase->before), *stop;

	if (!name)
		return false;
	/* what begins with a blank or a colon stands behind the program's name, else at the line's begin */
	if (*phrase->before == ':' ? !is_name(line, (size_t)(name - line)) : name != line)
		return false;
	name += strlen(phrase->before);
	stop = find(name, (size_t)(end - name), phrase->behind);
	if (!stop || !is_name(name, (size_t)(stop - name)))
		return false;
	*ret = (struct failed_start){.kind = phrase->kind};
	text_copy_n(ret->what, sizeof(ret->what), name, (size_t)(stop - name));
	TEXT_COPY(ret->text, phrase->says);
	stop += strlen(phrase->behind);
	if (phrase->behind[strlen(phrase->behind) - 1] == '`')
		add_version(stop, (size_t)(end - stop), ret);
	return true;
}

bool loader_words(const char *line, size_t length, struct failed_start *ret)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++)
		if (matches(&phrases[i], line, length, ret))
			return true;
	return false;
}

bool loader_misses(const struct failed_start *failed)
{
	return strcmp(failed->text, MISSING) == 0;
}
