/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/file_tree.h"

#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *tree_make(const struct tree_file *files)
{
	char *dir = strdup("/tmp/tree-XXXXXX");

	assert_non_null(mkdtemp(dir));
	for (; files->path; files++)
		tree_write(dir, files->path, files->text);
	return dir;
}

void tree_write(const char *dir, const char *path, const char *text)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s/%s", dir, path);
	for (char *c = whole + strlen(dir) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		mkdir(whole, 0700);
		*c = '/';
	}
	FILE *file = fopen(whole, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

void tree_remove(char *dir)
{
	char *const roots[] = {dir, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	for (FTSENT *entry; walk && (entry = fts_read(walk));)
		if (entry->fts_info != FTS_D)
			remove(entry->fts_accpath);
	fts_close(walk);
	free(dir);
}
