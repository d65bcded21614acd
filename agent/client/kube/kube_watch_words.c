/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kube/kube_watch_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

int kube_watch_list_path(char **ret, const struct kube_watch_options *options, const char *version,
			 const char *next_page)
{
	bool next = next_page && *next_page, from = version && *version;
	cleanup_free char *escaped = kube_escape(next ? next_page : from ? version : "");

	if (!escaped ||
	    asprintf(ret, "%s?limit=%" PRIu32 "%s%s%s%s", options->path, options->page,
		     next   ? "&continue="
		     : from ? "&resourceVersion="
			    : "",
		     escaped, options->selector ? "&" : "", options->selector ?: "") < 0)
		return -ENOMEM;
	return 0;
}

int kube_watch_stream_path(char **ret, const struct kube_watch_options *options,
			   const char *version, uint32_t seconds)
{
	cleanup_free char *escaped = kube_escape(version);

	if (!escaped || asprintf(ret,
				 "%s?watch=1&allowWatchBookmarks=true&resourceVersion=%s"
				 "&timeoutSeconds=%" PRIu32 "%s%s",
				 options->path, escaped, seconds, options->selector ? "&" : "",
				 options->selector ?: "") < 0)
		return -ENOMEM;
	return 0;
}

bool kube_watch_is_refusal(int status)
{
	return status == -EBADMSG || status == -EMSGSIZE || status == -EREMOTEIO ||
	       (status >= 400 && status < 500 && status != 401 && status != 403 && status != 429);
}

static const char *why_no_answer(const struct http_answer *answer, const char *event_why)
{
	switch (answer->status) {
	case -ESTALE:
	case -EREMOTEIO:
		return event_why;
	case -EBADMSG:
		return "the server sent what is no object";
	case -EMSGSIZE:
		return "the server sent an object without an end";
	default:
		return *answer->error ? answer->error : strerrordesc_np(-answer->status);
	}
}

void kube_watch_why(const struct http_answer *answer, const char *event_why,
		    char ret_text[static KUBE_WHY_TEXT_SIZE])
{
	if (answer->status < 300) {
		text_copy(ret_text, KUBE_WHY_TEXT_SIZE,
			  answer->status < 0 ? why_no_answer(answer, event_why)
					     : "the server ends the stream early");
		return;
	}
	json_t *body = json_loadb(answer->body, answer->size, JSON_ALLOW_NUL, NULL);
	const char *message = json_string_value(json_object_get(body, "message"));

	snprintf(ret_text, KUBE_WHY_TEXT_SIZE, "HTTP %d%s%.200s", answer->status,
		 message ? ": " : "", message ?: "");
	json_decref(body);
}
