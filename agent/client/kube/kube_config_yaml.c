/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kubeconfig's YAML: the current context's cluster and user. Source of the members:
 * k8s.io/client-go tools/clientcmd/api/v1/types.go. An inline -data member goes before its file, as there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "client/kube/kube_config_private.h"

struct reader {
	yaml_document_t document;
	struct kube_config config;
	const char *dir;
	char *why;
};

static yaml_node_t *member(struct reader *reader, yaml_node_t *map, const char *name)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);

		if (key && key->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)key->data.scalar.value, name) == 0)
			return yaml_document_get_node(&reader->document, pair->value);
	}
	return NULL;
}

/* A member's text, NULL if it is absent, empty, null or no text. */
static const char *text_of(struct reader *reader, yaml_node_t *map, const char *name)
{
	const yaml_node_t *node = member(reader, map, name);

	if (!node || node->type != YAML_SCALAR_NODE || !node->data.scalar.length)
		return NULL;
	const char *text = (const char *)node->data.scalar.value;

	if (strlen(text) != node->data.scalar.length)
		return NULL; /* a NUL in it */
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (strcmp(text, "null") == 0 || strcmp(text, "~") == 0))
		return NULL;
	return text;
}

static int fail_memory(struct reader *reader)
{
	return kube_config_fail(reader->why, -ENOMEM, "no memory");
}

/* lists: clusters, users, contexts; each element is {name, ONE: {...}}. */
static int find_named(struct reader *reader, const char *list_name, const char *one,
		      const char *wanted, yaml_node_t **ret)
{
	yaml_node_t *root = yaml_document_get_root_node(&reader->document);
	const yaml_node_t *list = member(reader, root, list_name);

	if (!list || list->type != YAML_SEQUENCE_NODE)
		return kube_config_fail(reader->why, -EINVAL, "the kubeconfig has no %s",
					list_name);
	for (const yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		yaml_node_t *element = yaml_document_get_node(&reader->document, *item);
		const char *name = text_of(reader, element, "name");

		if (name && strcmp(name, wanted) == 0) {
			*ret = member(reader, element, one);
			return 0;
		}
	}
	return kube_config_fail(reader->why, -EINVAL, "the kubeconfig has no %s named %.64s", one,
				wanted);
}

static int take_file(struct reader *reader, const char *path, char **ret)
{
	if (*path == '/')
		*ret = strdup(path);
	else if (asprintf(ret, "%s%s", reader->dir, path) < 0)
		*ret = NULL;
	return *ret ? 0 : fail_memory(reader);
}

/* NAME-data in base64, or the file NAME. */
static int take_pem(struct reader *reader, yaml_node_t *map, const char *name,
		    struct kube_material *ret)
{
	char data_name[64];

	snprintf(data_name, sizeof(data_name), "%s-data", name);
	const char *data = text_of(reader, map, data_name), *file = text_of(reader, map, name);

	if (data) {
		ret->text = kube_config_base64(data);
		return ret->text ? 0
				 : kube_config_fail(reader->why, -EINVAL,
						    "%s in the kubeconfig is no base64", data_name);
	}
	return file ? take_file(reader, file, &ret->file) : 0;
}

static int take_text(struct reader *reader, const char *text, char **ret)
{
	if (!text)
		return 0;
	*ret = strdup(text);
	return *ret ? 0 : fail_memory(reader);
}

static int refuse(struct reader *reader, yaml_node_t *map, const char *const *names,
		  const char *instead)
{
	for (; *names; names++)
		if (member(reader, map, *names))
			return kube_config_fail(reader->why, -EOPNOTSUPP,
						"the kubeconfig's %s is not supported: %s", *names,
						instead);
	return 0;
}

static int take_cluster(struct reader *reader, yaml_node_t *cluster)
{
	static const char *const unknown[] = {"proxy-url", NULL};
	struct kube_config *config = &reader->config;
	const char *insecure = text_of(reader, cluster, "insecure-skip-tls-verify");
	int r = refuse(reader, cluster, unknown, "name the server's own address");

	if (r == 0)
		r = take_text(reader, text_of(reader, cluster, "server"), &config->server);
	if (r == 0)
		r = take_text(reader, text_of(reader, cluster, "tls-server-name"),
			      &config->server_name);
	if (r == 0)
		r = take_pem(reader, cluster, "certificate-authority", &config->ca);
	config->insecure = insecure && strcmp(insecure, "true") == 0;
	for (char *end = config->server ? strchr(config->server, 0) : NULL;
	     end && end > config->server && end[-1] == '/';)
		*--end = '\0';
	return r;
}

static int take_user(struct reader *reader, yaml_node_t *user)
{
	static const char *const unknown[] = {"exec", "auth-provider", "username",  "password",
					      "as",   "as-uid",	       "as-groups", "as-user-extra",
					      NULL};
	struct kube_config *config = &reader->config;
	const char *token = text_of(reader, user, "token");
	const char *token_file = text_of(reader, user, "tokenFile");
	int r = refuse(reader, user, unknown, "use a token or a client certificate");

	if (r == 0)
		r = take_pem(reader, user, "client-certificate", &config->certificate);
	if (r == 0)
		r = take_pem(reader, user, "client-key", &config->key);
	if (r == 0 && token_file) /* goes before the token, as in client-go */
		return take_file(reader, token_file, &config->token.file);
	return r == 0 ? take_text(reader, token, &config->token.text) : r;
}

static int take_context(struct reader *reader)
{
	yaml_node_t *root = yaml_document_get_root_node(&reader->document);
	yaml_node_t *context = NULL, *cluster = NULL, *user = NULL;
	const char *current = text_of(reader, root, "current-context");
	int r;

	if (!current)
		return kube_config_fail(reader->why, -EINVAL,
					"the kubeconfig has no current-context");
	r = find_named(reader, "contexts", "context", current, &context);
	if (r < 0)
		return r;
	const char *cluster_name = text_of(reader, context, "cluster");
	const char *user_name = text_of(reader, context, "user");

	if (!cluster_name)
		return kube_config_fail(reader->why, -EINVAL,
					"the kubeconfig's context %.64s names no cluster", current);
	r = find_named(reader, "clusters", "cluster", cluster_name, &cluster);
	if (r == 0)
		r = take_cluster(reader, cluster);
	if (r == 0 && user_name)
		r = find_named(reader, "users", "user", user_name, &user);
	if (r == 0 && user)
		r = take_user(reader, user);
	return r;
}

static int load(struct reader *reader, const char *text, size_t size)
{
	yaml_parser_t parser;
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return fail_memory(reader);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	if (!yaml_parser_load(&parser, &reader->document))
		r = kube_config_fail(reader->why, -EINVAL,
				     "the kubeconfig is no YAML: %s in line %zu",
				     parser.problem ?: "error", parser.problem_mark.line + 1);
	yaml_parser_delete(&parser);
	return r;
}

int kube_config_parse(struct kube_config *ret, const char *text, size_t size, const char *dir,
		      char ret_why[static KUBE_WHY_SIZE])
{
	struct reader reader = {.dir = dir, .why = ret_why};
	int r = load(&reader, text, size);

	if (r < 0)
		return r;
	r = take_context(&reader);
	yaml_document_delete(&reader.document);
	if (r == 0)
		r = kube_config_check(&reader.config, ret_why);
	if (r < 0) {
		kube_config_done(&reader.config);
		return r;
	}
	*ret = reader.config;
	return 0;
}
