/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer: each file of a corpus, each of its truncations, and a
 * number of seeded mutations, fewer of large ones. Fails only by crashing: build it with the sanitizers too.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"

#define BYTES_MAX (1 << 16)
#define MUTATIONS 2000
#define LARGE	  32768 /* files above that are a database: each run of one takes milliseconds */
#define CUTS	  512

static unsigned int state = 1;

static unsigned int next_random(void)
{
	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

/* An exact allocation each time, so that a read beyond the end is seen. */
static void feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void mutate(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size);

	for (int i = 0; copy && i < MUTATIONS / (size > LARGE ? 4 : 1); i++) {
		memcpy(copy, data, size);
		for (unsigned int n = 1 + next_random() % 8; n > 0; n--)
			copy[next_random() % size] =
				(uint8_t)(next_random() % 3 ? next_random() : 0xff);
		feed(copy, 1 + next_random() % size);
		feed(copy, size);
	}
	free(copy);
}

static int run_file(const char *path)
{
	static uint8_t data[BYTES_MAX];
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		return 1;
	}
	size_t size = fread(data, 1, sizeof(data), file);

	fclose(file);
	for (size_t length = 0; length <= size; length += size > LARGE	? size / CUTS
							  : size > 4096 ? 37
									: 1)
		feed(data, length);
	if (size)
		mutate(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	int files = 0, failed = 0;

	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[4096];

		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		failed += run_file(path);
		files++;
	}
	closedir(dir);
	printf("%s: %d files with their truncations and mutations\n", argv[1], files);
	return failed || !files;
}
