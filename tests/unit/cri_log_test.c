// SPDX-License-Identifier: Apache-2.0
/* The end of a log is read where it is a log, and nothing else whatever lies in its place. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/cri_log.h"

#define SECRET "root:$6$hash\n"

static char top[64], block[CRI_LOG_BLOCK];

static const char *at(const char *name)
{
	static char paths[4][160];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void put(const char *name, const char *text, size_t length)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
}

static int make(void **state)
{
	(void)state;
	strcpy(top, "/tmp/nodewake-cri-log-XXXXXX");
	assert_non_null(mkdtemp(top));
	assert_int_equal(mkdir(at("pods"), 0755), 0);
	assert_int_equal(mkdir(at("pods/shop_web_uid"), 0755), 0);
	assert_int_equal(mkdir(at("pods/shop_web_uid/app"), 0755), 0);
	put("shadow", SECRET, strlen(SECRET));
	return 0;
}

static int gone(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", top, NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status;
}

#define LOG "pods/shop_web_uid/app/0.log"

static int end_of(const char *name, size_t *ret_length, bool *ret_cut)
{
	memset(block, 0, sizeof(block));
	return cri_log_end(at(name), block, ret_length, ret_cut);
}

static void refused(const char *name, int error)
{
	size_t length = 7;
	bool cut = true;

	assert_int_equal(end_of(name, &length, &cut), error);
	assert_int_equal(length, 7);
	assert_null(strstr(block, "hash"));
}

static void a_log_is_read_to_its_end(void **state)
{
	static char much[100000];
	size_t length;
	bool cut;

	(void)state;
	put(LOG, "one\ntwo\n", 8);
	assert_int_equal(end_of(LOG, &length, &cut), 0);
	assert_int_equal(length, 8);
	assert_false(cut);
	assert_memory_equal(block, "one\ntwo\n", 8);
	memset(much, 'x', sizeof(much));
	much[sizeof(much) - 1] = 'y';
	put(LOG, much, sizeof(much));
	assert_int_equal(end_of(LOG, &length, &cut), 0);
	assert_int_equal(length, CRI_LOG_BLOCK);
	assert_true(cut);
	assert_int_equal(block[CRI_LOG_BLOCK - 1], 'y');
	put(LOG, "", 0);
	assert_int_equal(end_of(LOG, &length, &cut), 0);
	assert_int_equal(length, 0);
}

static void a_file_that_is_gone(void **state)
{
	(void)state;
	refused(LOG, -ENOENT);
	refused("pods/shop_web_uid/none/0.log", -ENOENT);
	refused("none/a/b/0.log", -ENOENT);
}

static void links_are_not_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink("../../../shadow", at(LOG)), 0);
	refused(LOG, -ELOOP);
	unlink(at(LOG));
	/* nor where a folder was put aside for one */
	put("0.log", SECRET, strlen(SECRET));
	assert_int_equal(rmdir(at("pods/shop_web_uid/app")), 0);
	assert_int_equal(symlink("../..", at("pods/shop_web_uid/app")), 0);
	refused(LOG, -ENOTDIR);
	/* nor as a second name of the file */
	unlink(at("pods/shop_web_uid/app"));
	assert_int_equal(mkdir(at("pods/shop_web_uid/app"), 0755), 0);
	assert_int_equal(link(at("shadow"), at(LOG)), 0);
	refused(LOG, -EINVAL);
}

/* The administrator's own: /var/log/pods on another disk. */
static void a_link_above_is_followed(void **state)
{
	size_t length;
	bool cut;

	(void)state;
	put(LOG, "one\n", 4);
	assert_int_equal(rename(at("pods"), at("disk")), 0);
	assert_int_equal(symlink("disk", at("pods")), 0);
	assert_int_equal(end_of(LOG, &length, &cut), 0);
	assert_int_equal(length, 4);
}

static void what_is_no_plain_file(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(at(LOG), 0644), 0); /* and it does not wait for a writer */
	refused(LOG, -EINVAL);
	unlink(at(LOG));
	assert_int_equal(mkdir(at(LOG), 0755), 0);
	refused(LOG, -EINVAL);
}

static void paths_that_are_none(void **state)
{
	size_t length;
	bool cut;
	char long_path[4096];

	(void)state;
	memset(long_path, '/', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(cri_log_end("", block, &length, &cut), -EINVAL);
	assert_int_equal(cri_log_end("a/b/c/0.log", block, &length, &cut), -EINVAL);
	assert_int_equal(cri_log_end("/0.log", block, &length, &cut), -EINVAL);
	assert_int_equal(cri_log_end(long_path, block, &length, &cut), -EINVAL);
	refused("pods/shop_web_uid/../../shadow", -EINVAL);
	refused("pods/./shop_web_uid/app/.", -EINVAL);
	refused("pods//shadow", -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_log_is_read_to_its_end, make, gone),
		cmocka_unit_test_setup_teardown(a_file_that_is_gone, make, gone),
		cmocka_unit_test_setup_teardown(links_are_not_followed, make, gone),
		cmocka_unit_test_setup_teardown(a_link_above_is_followed, make, gone),
		cmocka_unit_test_setup_teardown(what_is_no_plain_file, make, gone),
		cmocka_unit_test_setup_teardown(paths_that_are_none, make, gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
