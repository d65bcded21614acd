/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch asks (kube_watch_words.c) for kube_watch.c, and how it says what failed; nobody else includes it. */
#pragma once

#include "client/http.h"
#include "client/kube/kube_watch.h"

#define KUBE_WHY_TEXT_SIZE 256

/* next_page before version; both NULL or "": the latest. Returns 0 or -ENOMEM. */
int kube_watch_list_path(char **ret, const struct kube_watch_options *options, const char *version,
			 const char *next_page);

int kube_watch_stream_path(char **ret, const struct kube_watch_options *options,
			   const char *version, uint32_t seconds);

/* Did the server read the request and not like it, or make no sense? Neither load nor rights are that. */
bool kube_watch_is_refusal(int status);

/* One phrase; event_why: of the latest ERROR event. */
void kube_watch_why(const struct http_answer *answer, const char *event_why,
		    char ret_text[static KUBE_WHY_TEXT_SIZE]);
