/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kube/kube_config_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* A bundle of all public authorities is a quarter of it. */
#define FILE_BYTES_MAX (1 << 20)

int kube_config_fail(char *ret_why, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_why, KUBE_WHY_SIZE, format, arguments);
	va_end(arguments);
	return error;
}

static int sextet(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(alphabet, c) : NULL;

	return found ? (int)(found - alphabet) : -1;
}

char *kube_config_base64(const char *text)
{
	cleanup_free char *bytes = malloc(strlen(text) / 4 * 3 + 4);
	unsigned int bits = 0, digits = 0, padding = 0;
	size_t used = 0;

	for (const char *c = text; bytes && *c; c++) {
		int value = sextet(*c);

		if (strchr(" \t\r\n", *c))
			continue;
		if (*c == '=' ? ++padding > 2 : value < 0 || padding)
			return NULL;
		bits = bits << 6 | (*c == '=' ? 0u : (unsigned int)value);
		if (++digits % 4)
			continue;
		for (unsigned int i = 0; i < 3 - padding; i++) {
			bytes[used] = (char)(bits >> (16 - 8 * i) & 0xff);
			if (!bytes[used++])
				return NULL;
		}
	}
	if (!bytes || digits % 4)
		return NULL;
	bytes[used] = '\0';
	return take(bytes);
}

/* Only files: a pipe would block the loop. */
static int read_file(const char *path, char **ret)
{
	cleanup_fclose FILE *file = NULL;
	cleanup_free char *text = NULL;
	struct stat about;

	if (stat(path, &about) < 0)
		return -errno;
	if (!S_ISREG(about.st_mode))
		return -EINVAL;
	if (about.st_size > FILE_BYTES_MAX)
		return -EFBIG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	text = malloc((size_t)about.st_size + 1);
	if (!text)
		return -ENOMEM;
	size_t size = fread(text, 1, (size_t)about.st_size, file);

	if (ferror(file))
		return -EIO;
	text[size] = '\0';
	if (strlen(text) != size)
		return -EINVAL;
	*ret = take(text);
	return 0;
}

int kube_material_read(const struct kube_material *material, char **ret)
{
	char *text = NULL;

	if (material->file)
		return read_file(material->file, ret);
	if (material->text) {
		text = strdup(material->text);
		if (!text)
			return -ENOMEM;
	}
	*ret = text;
	return 0;
}

static bool has(const struct kube_material *material)
{
	return material->text || material->file;
}

int kube_config_check(const struct kube_config *config, char ret_why[static KUBE_WHY_SIZE])
{
	bool tls = config->server && strncmp(config->server, "https://", 8) == 0;

	if (!tls && (!config->server || strncmp(config->server, "http://", 7) != 0))
		return kube_config_fail(ret_why, -EINVAL,
					"the cluster's server is no https:// address");
	if (has(&config->certificate) != has(&config->key))
		return kube_config_fail(ret_why, -EINVAL,
					"a client certificate and its key come together");
	if (!tls && (has(&config->token) || has(&config->certificate)))
		return kube_config_fail(ret_why, -EINVAL,
					"credentials are not sent over http://: use https://");
	return 0;
}

int kube_config_in_cluster(struct kube_config *ret, const char *account_dir,
			   char ret_why[static KUBE_WHY_SIZE])
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST"),
		   *port = getenv("KUBERNETES_SERVICE_PORT");
	struct kube_config config = {0};
	struct stat about;
	int r = 0;

	if (!host || !*host || !port || !*port)
		return kube_config_fail(
			ret_why, -ENOENT,
			"not in a pod (no KUBERNETES_SERVICE_HOST), and no kubeconfig");
	bool bare_ipv6 = strchr(host, ':') && *host != '[';

	if (asprintf(&config.server, bare_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port) <
	    0)
		config.server = NULL;
	if (asprintf(&config.token.file, "%s/token", account_dir) < 0)
		config.token.file = NULL;
	if (asprintf(&config.ca.file, "%s/ca.crt", account_dir) < 0)
		config.ca.file = NULL;
	if (!config.server || !config.token.file || !config.ca.file)
		r = kube_config_fail(ret_why, -ENOMEM, "no memory");
	else if (stat(config.token.file, &about) < 0 || stat(config.ca.file, &about) < 0)
		r = kube_config_fail(
			ret_why, -ENOENT,
			"no service account in %s: the pod has automountServiceAccountToken: false",
			account_dir);
	if (r < 0)
		kube_config_done(&config);
	else
		*ret = config;
	return r;
}

int kube_config_read(struct kube_config *ret, const char *path, char ret_why[static KUBE_WHY_SIZE])
{
	const char *slash = strrchr(path, '/');
	cleanup_free char *text = NULL, *dir = NULL;
	int r = read_file(path, &text);

	if (r < 0)
		return kube_config_fail(ret_why, r, "cannot read the kubeconfig %s: %s", path,
					strerrordesc_np(-r));
	dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
	if (!dir)
		return kube_config_fail(ret_why, -ENOMEM, "no memory");
	return kube_config_parse(ret, text, strlen(text), dir, ret_why);
}

static void material_done(struct kube_material *material)
{
	free(material->text);
	free(material->file);
}

void kube_config_done(struct kube_config *config)
{
	free(config->server);
	free(config->server_name);
	material_done(&config->ca);
	material_done(&config->certificate);
	material_done(&config->key);
	material_done(&config->token);
	*config = (struct kube_config){0};
}
