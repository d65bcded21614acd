/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kube/kube_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/kube/kube_config.h"

#define ACCOUNT_DIR	   "/var/run/secrets/kubernetes.io/serviceaccount"
#define TOKEN_AGE_MS	   60000u /* kubelet writes it anew long before it expires */
#define DEADLINE_MS	   10000u
#define CALLS_MAX	   32
#define ANSWER_BYTES_MAX   (4u << 20)
#define RETRY_AFTER_MAX_MS 300000u

struct call {
	struct kube *kube;
	struct call *next, **link;
	enum kube_verb verb;
	char *path, *body;
	uint64_t deadline_ns;
	bool again; /* after a 401 */
	struct http_request *request;
	kube_reply_fn on_reply;
	void *context;
};

struct kube {
	sd_event *loop;
	struct http *http;
	struct kube_config config;
	char *authorization; /* the token's header; never logged */
	uint64_t token_age_ns, token_read_ns;
	bool token_stale;
	struct call *calls;
	unsigned int call_count;
	struct kube_stats stats;
};

static const struct {
	const char *method, *content_type;
} verbs[KUBE_VERB_COUNT] = {
	[KUBE_GET] = {"GET", NULL},
	[KUBE_POST] = {"POST", "application/json"},
	[KUBE_APPLY] = {"PATCH", "application/apply-patch+yaml"},
	[KUBE_MERGE] = {"PATCH", "application/merge-patch+json"},
	[KUBE_DELETE] = {"DELETE", "application/json"},
};

static int read_config(struct kube_config *ret, const struct kube_options *options, char *ret_why)
{
	if (options->kubeconfig && *options->kubeconfig)
		return kube_config_read(ret, options->kubeconfig, ret_why);
	return kube_config_in_cluster(ret, options->account_dir ?: ACCOUNT_DIR, ret_why);
}

int kube_new(struct kube **ret, sd_event *loop, const struct kube_options *options,
	     char ret_why[static 256])
{
	struct kube *kube = calloc(1, sizeof(*kube));
	int r;

	*ret_why = '\0';
	if (!kube)
		return -ENOMEM;
	kube->token_age_ns = (options->token_age_ms ?: TOKEN_AGE_MS) * NS_PER_MS;
	kube->token_stale = true;
	kube->loop = sd_event_ref(loop);
	r = read_config(&kube->config, options, ret_why);
	if (r == 0)
		r = http_new(&kube->http, loop);
	if (r < 0) {
		if (!*ret_why)
			snprintf(ret_why, 256, "no HTTP client: %s", strerrordesc_np(-r));
		kube_free(kube);
		return r;
	}
	TEXT_COPY(kube->stats.server, kube->config.server);
	*ret = kube;
	return 0;
}

static void free_call(struct call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	call->kube->call_count--;
	free(call->path);
	free(call->body);
	free(call);
}

void kube_free(struct kube *kube)
{
	if (!kube)
		return;
	http_free(kube->http);
	while (kube->calls)
		free_call(kube->calls);
	kube_config_done(&kube->config);
	free(kube->authorization);
	sd_event_unref(kube->loop);
	free(kube);
}

sd_event *kube_loop(const struct kube *kube)
{
	return kube->loop;
}

/* A header's value: the token without the end of its line. -EINVAL for what would be another header. */
static int make_authorization(const char *token, char **ret)
{
	size_t length = strcspn(token, "\r\n");

	for (const char *c = token; *c; c++)
		if (c < token + length ? !isgraph((unsigned char)*c) : !strchr("\r\n", *c))
			return -EINVAL;
	if (!length)
		return -EINVAL;
	return asprintf(ret, "Bearer %.*s", (int)length, token) < 0 ? -ENOMEM : 0;
}

/* While a file is being replaced it may be gone or empty: the token of before serves on. */
static int refresh_token(struct kube *kube)
{
	cleanup_free char *token = NULL;
	char *authorization = NULL;
	uint64_t now_ns = clock_boot_ns();

	if (!kube->token_stale && now_ns - kube->token_read_ns < kube->token_age_ns)
		return 0;
	int r = kube_material_read(&kube->config.token, &token);

	if (r == 0 && token)
		r = make_authorization(token, &authorization);
	if (r < 0)
		return kube->authorization ? 0 : r;
	free(kube->authorization);
	kube->authorization = authorization;
	kube->token_read_ns = now_ns;
	kube->token_stale = false;
	return 0;
}

int kube_open(struct kube *kube, const struct kube_open *what, struct http_request **ret)
{
	cleanup_free char *url = NULL, *ca = NULL, *certificate = NULL, *key = NULL;
	int r = refresh_token(kube);

	if (r == 0)
		r = kube_material_read(&kube->config.ca, &ca);
	if (r == 0)
		r = kube_material_read(&kube->config.certificate, &certificate);
	if (r == 0)
		r = kube_material_read(&kube->config.key, &key);
	if (r < 0)
		return r;
	if (asprintf(&url, "%s%s", kube->config.server, what->path) < 0)
		return -ENOMEM;
	r = http_start(kube->http,
		       &(struct http_options){
			       .method = verbs[what->verb].method,
			       .url = url,
			       .authorization = kube->authorization,
			       .content_type = what->body ? verbs[what->verb].content_type : NULL,
			       .body = what->body,
			       .tls = {.ca = ca,
				       .certificate = certificate,
				       .key = key,
				       .server_name = kube->config.server_name,
				       .insecure = kube->config.insecure},
			       .deadline_ms = what->deadline_ms,
			       .body_max = what->body_max,
			       .on_begin = what->on_begin,
			       .on_data = what->on_data,
			       .on_end = what->on_end,
			       .context = what->context,
		       },
		       ret);
	if (r == 0)
		kube->stats.calls[what->verb]++;
	return r;
}

void kube_note(struct kube *kube, const struct http_answer *answer)
{
	int status = answer->status;

	kube->stats.reachable = status > 0;
	kube->stats.failed += status < 0 || status >= 500;
	kube->stats.refused +=
		status >= 400 && status < 500 && status != 404 && status != 409 && status != 410;
	if (status == 401)
		kube->token_stale = true;
}

void kube_note_begin(struct kube *kube)
{
	kube->stats.reachable = true;
}

void kube_note_silence(struct kube *kube)
{
	kube->stats.reachable = false;
	kube->stats.failed++;
}

void kube_note_restart(struct kube *kube)
{
	kube->stats.watch_restarts++;
}

void kube_note_skipped(struct kube *kube, uint64_t objects)
{
	kube->stats.skipped += objects;
}

uint32_t kube_retry_after_ms(const struct http_answer *answer)
{
	return answer->retry_after_ms < RETRY_AFTER_MAX_MS ? answer->retry_after_ms
							   : RETRY_AFTER_MAX_MS;
}

static int send_call(struct call *call);

static void on_end(void *context, const struct http_answer *answer)
{
	struct call *call = context;

	kube_note(call->kube, answer);
	if (answer->status == 401 && !call->again) {
		call->again = true;
		if (send_call(call) == 0)
			return;
	}
	json_t *body =
		answer->size ? json_loadb(answer->body, answer->size, JSON_ALLOW_NUL, NULL) : NULL;
	bool told = !kube_reply_ok(&(struct kube_reply){.status = answer->status});
	const char *reason = told ? json_string_value(json_object_get(body, "reason")) : NULL;
	const char *message = told ? json_string_value(json_object_get(body, "message")) : NULL;
	struct kube_reply reply = {
		.status = answer->status,
		.retry_after_ms = kube_retry_after_ms(answer),
		.reason = reason ?: "",
		.message = message ?: answer->error,
		.body = body,
	};

	call->on_reply(call->context, &reply);
	json_decref(body);
	free_call(call);
}

static int send_call(struct call *call)
{
	uint64_t now_ns = clock_boot_ns();

	if (now_ns >= call->deadline_ns)
		return -ETIMEDOUT;
	return kube_open(
		call->kube,
		&(struct kube_open){
			.verb = call->verb,
			.path = call->path,
			.body = call->body,
			.deadline_ms = (uint32_t)((call->deadline_ns - now_ns) / NS_PER_MS) + 1,
			.body_max = ANSWER_BYTES_MAX,
			.on_end = on_end,
			.context = call,
		},
		&call->request);
}

int kube_call(struct kube *kube, const struct kube_request *request, kube_reply_fn on_reply,
	      void *context)
{
	if (kube->call_count >= CALLS_MAX)
		return -EBUSY;
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->kube = kube;
	call->verb = request->verb;
	call->deadline_ns = clock_boot_ns() + (request->deadline_ms ?: DEADLINE_MS) * NS_PER_MS;
	call->on_reply = on_reply;
	call->context = context;
	call->next = kube->calls;
	call->link = &kube->calls;
	if (call->next)
		call->next->link = &call->next;
	kube->calls = call;
	kube->call_count++;
	call->path = strdup(request->path);
	call->body = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
	int r = call->path && (call->body || !request->body) ? send_call(call) : -ENOMEM;

	if (r < 0)
		free_call(call);
	return r;
}

char *kube_escape(const char *text)
{
	char *escaped = malloc(strlen(text) * 3 + 1), *to = escaped;

	if (!escaped)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (isalnum(*c) || strchr("-._~", *c))
			*to++ = (char)*c;
		else
			to += sprintf(to, "%%%02X", *c);
	*to = '\0';
	return escaped;
}

void kube_stats(const struct kube *kube, struct kube_stats *ret)
{
	*ret = kube->stats;
}
