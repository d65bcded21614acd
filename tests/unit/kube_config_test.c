// SPDX-License-Identifier: Apache-2.0
/* Kubeconfigs and service accounts: what is taken, and one clear sentence for what is not. */
#include "client/kube/kube_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD                                                                 \
	"apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n"   \
	"- name: there\n  context: {cluster: other, user: other}\n"          \
	"- name: here\n  context: {cluster: main, user: me}\n"               \
	"clusters:\n- name: other\n  cluster: {server: 'https://other:1'}\n" \
	"- name: main\n  cluster:\n"
#define USERS  "users:\n- name: other\n  user: {token: others}\n- name: me\n  user:\n"
#define SERVER "    server: https://10.0.0.1:6443\n"

static int parse(struct kube_config *ret, const char *text, char why[static KUBE_WHY_SIZE])
{
	/* an exact copy, so that a sanitizer sees a read beyond it */
	size_t size = strlen(text);
	char *copy = malloc(size ? size : 1);

	memcpy(copy, text, size);
	*why = '\0';
	int r = kube_config_parse(ret, copy, size, "/etc/kube/", why);

	free(copy);
	return r;
}

static void token_and_inline_authority(void **state)
{
	struct kube_config config;
	char why[KUBE_WHY_SIZE];

	(void)state;
	assert_int_equal(parse(&config,
			       HEAD SERVER
			       "    certificate-authority-data: aGVs\n      bG8=\n" USERS
			       "    token: t0k\n",
			       why),
			 0);
	assert_string_equal(config.server, "https://10.0.0.1:6443");
	assert_string_equal(config.ca.text, "hello");
	assert_null(config.ca.file);
	assert_string_equal(config.token.text, "t0k");
	assert_false(config.insecure);
	assert_null(config.server_name);
	kube_config_done(&config);
}

static void files_are_relative_to_the_kubeconfig(void **state)
{
	struct kube_config config;
	char why[KUBE_WHY_SIZE];

	(void)state;
	assert_int_equal(parse(&config,
			       HEAD "    server: https://api.example.test/base//\n"
				    "    certificate-authority: pki/ca.crt\n"
				    "    tls-server-name: inner.test\n" USERS
				    "    client-certificate: me.crt\n    client-key: /keys/me.key\n"
				    "    tokenFile: ./token\n    token: not this one\n",
			       why),
			 0);
	assert_string_equal(config.server, "https://api.example.test/base");
	assert_string_equal(config.server_name, "inner.test");
	assert_string_equal(config.ca.file, "/etc/kube/pki/ca.crt");
	assert_string_equal(config.certificate.file, "/etc/kube/me.crt");
	assert_string_equal(config.key.file, "/keys/me.key");
	assert_string_equal(config.token.file, "/etc/kube/./token");
	assert_null(config.token.text);
	kube_config_done(&config);
}

static void inline_data_goes_before_its_file(void **state)
{
	struct kube_config config;
	char why[KUBE_WHY_SIZE];

	(void)state;
	assert_int_equal(parse(&config,
			       HEAD SERVER USERS
			       "    client-certificate: a\n    client-certificate-data: Yg==\n"
			       "    client-key: a\n    client-key-data: Yg==\n",
			       why),
			 0);
	assert_string_equal(config.certificate.text, "b");
	assert_string_equal(config.key.text, "b");
	assert_null(config.certificate.file);
	kube_config_done(&config);
}

/* As K3s writes /etc/rancher/k3s/k3s.yaml. */
static void k3s(void **state)
{
	struct kube_config config;
	char why[KUBE_WHY_SIZE];

	(void)state;
	assert_int_equal(
		parse(&config,
		      "apiVersion: v1\nclusters:\n- cluster:\n"
		      "    certificate-authority-data: LS0tLS1CRUdJTg==\n"
		      "    server: https://127.0.0.1:6443\n  name: default\ncontexts:\n- context:\n"
		      "    cluster: default\n    user: default\n  name: default\n"
		      "current-context: default\nkind: Config\npreferences: {}\nusers:\n"
		      "- name: default\n  user:\n    client-certificate-data: Y2VydA==\n"
		      "    client-key-data: a2V5\n",
		      why),
		0);
	assert_string_equal(config.ca.text, "-----BEGIN");
	assert_string_equal(config.certificate.text, "cert");
	assert_string_equal(config.key.text, "key");
	assert_null(config.token.text);
	kube_config_done(&config);
}

static void insecure_is_the_word_true_only(void **state)
{
	static const struct {
		const char *text;
		bool insecure;
	} cases[] = {
		{"true", true}, {"false", false}, {"yes", false}, {"", false}, {"[true]", false}};
	char text[2048], why[KUBE_WHY_SIZE];
	struct kube_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "%s    insecure-skip-tls-verify: %s\n%s    token: t\n",
			 HEAD SERVER, cases[i].text, USERS);
		assert_int_equal(parse(&config, text, why), 0);
		assert_int_equal(config.insecure, cases[i].insecure);
		kube_config_done(&config);
	}
}

static void refusals_say_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *said;
		int error;
	} cases[] = {
		{"", "no current-context", -EINVAL},
		{"[]", "no current-context", -EINVAL},
		{"a: [b", "no YAML", -EINVAL},
		{"\x01\x02", "no YAML", -EINVAL},
		{"current-context: [x]", "no current-context", -EINVAL},
		{"current-context: x", "no contexts", -EINVAL},
		{"current-context: x\ncontexts: {}", "no contexts", -EINVAL},
		{"current-context: x\ncontexts: [1, [], {name: y}]", "no context named x", -EINVAL},
		{"current-context: x\ncontexts: [{name: x}]", "names no cluster", -EINVAL},
		{"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]", "no clusters",
		 -EINVAL},
		{HEAD "    {}\n" USERS "    {}\n", "no https:// address", -EINVAL},
		{HEAD "    server: ftp://x\n" USERS "    {}\n", "no https:// address", -EINVAL},
		{HEAD "    server: http://x\n" USERS "    token: t\n", "not sent over http://",
		 -EINVAL},
		{HEAD SERVER "    proxy-url: http://p\n" USERS "    {}\n", "proxy-url",
		 -EOPNOTSUPP},
		{HEAD SERVER USERS "    exec: {command: aws}\n", "exec", -EOPNOTSUPP},
		{HEAD SERVER USERS "    auth-provider: {name: gcp}\n", "auth-provider",
		 -EOPNOTSUPP},
		{HEAD SERVER USERS "    username: u\n    password: p\n", "username", -EOPNOTSUPP},
		{HEAD SERVER USERS "    as: admin\n    token: t\n", "as is not supported",
		 -EOPNOTSUPP},
		{HEAD SERVER USERS "    client-certificate: c\n", "come together", -EINVAL},
		{HEAD SERVER USERS "    client-key-data: a2V5\n", "come together", -EINVAL},
		{HEAD SERVER "    certificate-authority-data: '*'\n" USERS "    {}\n", "no base64",
		 -EINVAL},
		{HEAD SERVER "    certificate-authority-data: YQ=\n" USERS "    {}\n", "no base64",
		 -EINVAL},
		{HEAD SERVER "    certificate-authority-data: YQ==YQ==\n" USERS "    {}\n",
		 "no base64", -EINVAL},
		{HEAD SERVER "    certificate-authority-data: AAAA\n" USERS "    {}\n", "no base64",
		 -EINVAL},
		{HEAD SERVER "users: []\n", "no user named me", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kube_config config = {.insecure = true};
		char why[KUBE_WHY_SIZE];
		int r = parse(&config, cases[i].text, why);

		if (r != cases[i].error || !strstr(why, cases[i].said))
			fail_msg("%s\ngave %d: %s", cases[i].text, r, why);
		assert_true(config.insecure && !config.server); /* untouched */
	}
}

/* Never half a configuration: each prefix is whole, or refused. */
static void cut_anywhere(void **state)
{
	static const char text[] = HEAD SERVER "    certificate-authority-data: aGVsbG8=\n" USERS
					       "    client-certificate-data: Y2VydA==\n"
					       "    client-key-data: a2V5\n";
	char cut[sizeof(text)];

	(void)state;
	for (size_t length = 0; length < sizeof(text); length++) {
		struct kube_config config = {0};
		char why[KUBE_WHY_SIZE];

		memcpy(cut, text, length);
		cut[length] = '\0';
		if (parse(&config, cut, why) < 0) {
			assert_true(*why);
			assert_null(config.server);
			continue;
		}
		assert_int_equal(!config.certificate.text, !config.key.text);
		kube_config_done(&config);
	}
}

/* --- files */

struct account {
	char dir[32], token[64], ca[64];
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_account(void **state)
{
	struct account *account = calloc(1, sizeof(*account));

	strcpy(account->dir, "/tmp/nodewake-account-XXXXXX");
	if (!mkdtemp(account->dir))
		return -1;
	snprintf(account->token, sizeof(account->token), "%s/token", account->dir);
	snprintf(account->ca, sizeof(account->ca), "%s/ca.crt", account->dir);
	write_file(account->token, "t");
	write_file(account->ca, "c");
	*state = account;
	return 0;
}

static int remove_account(void **state)
{
	struct account *account = *state;

	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	unlink(account->token);
	unlink(account->ca);
	rmdir(account->dir);
	free(account);
	return 0;
}

static void in_a_pod(void **state)
{
	static const char *const hosts[][2] = {
		{"10.43.0.1", "https://10.43.0.1:443"},
		{"fd00::1", "https://[fd00::1]:443"},
		{"[fd00::1]", "https://[fd00::1]:443"},
		{"kubernetes.default.svc", "https://kubernetes.default.svc:443"},
	};
	const struct account *account = *state;

	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		struct kube_config config;
		char why[KUBE_WHY_SIZE], *text = NULL;

		setenv("KUBERNETES_SERVICE_HOST", hosts[i][0], 1);
		assert_int_equal(kube_config_in_cluster(&config, account->dir, why), 0);
		assert_string_equal(config.server, hosts[i][1]);
		assert_false(config.insecure);
		assert_int_equal(kube_material_read(&config.token, &text), 0);
		assert_string_equal(text, "t");
		free(text);
		assert_int_equal(kube_material_read(&config.ca, &text), 0);
		assert_string_equal(text, "c");
		free(text);
		kube_config_done(&config);
	}
}

static void not_in_a_pod(void **state)
{
	const struct account *account = *state;
	struct kube_config config;
	char why[KUBE_WHY_SIZE];

	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_int_equal(kube_config_in_cluster(&config, account->dir, why), -ENOENT);
	assert_non_null(strstr(why, "not in a pod"));
	setenv("KUBERNETES_SERVICE_HOST", "10.43.0.1", 1);
	unlink(account->token);
	assert_int_equal(kube_config_in_cluster(&config, account->dir, why), -ENOENT);
	assert_non_null(strstr(why, "automountServiceAccountToken"));
}

static void files_that_are_none(void **state)
{
	const struct account *account = *state;
	struct kube_config config;
	char why[KUBE_WHY_SIZE], *text = NULL;

	assert_int_equal(kube_config_read(&config, "/nonexistent/config", why), -ENOENT);
	assert_non_null(strstr(why, "/nonexistent/config"));
	assert_int_equal(kube_config_read(&config, account->dir, why), -EINVAL);
	unlink(account->token);
	assert_int_equal(mkfifo(account->token, 0600), 0); /* would block the loop */
	assert_int_equal(kube_config_read(&config, account->token, why), -EINVAL);
	assert_int_equal(truncate(account->ca, 2 << 20), 0);
	assert_int_equal(kube_config_read(&config, account->ca, why), -EFBIG);
	assert_int_equal(truncate(account->ca, 10), 0); /* with NULs */
	assert_int_equal(
		kube_material_read(&(struct kube_material){.file = (char *)account->ca}, &text),
		-EINVAL);
	assert_int_equal(kube_material_read(&(struct kube_material){0}, &text), 0);
	assert_null(text);
}

static void relative_to_where_it_lies(void **state)
{
	const struct account *account = *state;
	struct kube_config config;
	char why[KUBE_WHY_SIZE], expected[96];

	write_file(account->token,
		   HEAD SERVER "    certificate-authority: ca.crt\n" USERS "    token: t\n");
	assert_int_equal(kube_config_read(&config, account->token, why), 0);
	snprintf(expected, sizeof(expected), "%s/ca.crt", account->dir);
	assert_string_equal(config.ca.file, expected);
	kube_config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_and_inline_authority),
		cmocka_unit_test(files_are_relative_to_the_kubeconfig),
		cmocka_unit_test(inline_data_goes_before_its_file),
		cmocka_unit_test(k3s),
		cmocka_unit_test(insecure_is_the_word_true_only),
		cmocka_unit_test(refusals_say_what_is_wrong),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test_setup_teardown(in_a_pod, make_account, remove_account),
		cmocka_unit_test_setup_teardown(not_in_a_pod, make_account, remove_account),
		cmocka_unit_test_setup_teardown(files_that_are_none, make_account, remove_account),
		cmocka_unit_test_setup_teardown(relative_to_where_it_lies, make_account,
						remove_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
