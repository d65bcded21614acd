/* SPDX-License-Identifier: Apache-2.0 */
#include "client/local.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LINE_MAX_BYTES (1 << 20)

struct answer {
	local_line_fn on_line;
	void *context;
	char *line;
	size_t used;
	bool stopped;
};

static size_t on_bytes(char *bytes, size_t one, size_t count, void *context)
{
	struct answer *answer = context;

	for (size_t i = 0; i < one * count; i++) {
		if (bytes[i] != '\n') {
			if (answer->used < LINE_MAX_BYTES)
				answer->line[answer->used++] = bytes[i];
			continue;
		}
		answer->line[answer->used] = '\0';
		size_t length = answer->used;

		answer->used = 0;
		if (length && answer->on_line(answer->context, answer->line, length)) {
			answer->stopped = true;
			return 0;
		}
	}
	return one * count;
}

static int errno_of(CURLcode code, const char *socket)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	if (code != CURLE_COULDNT_CONNECT)
		return -EIO;
	return access(socket, W_OK) < 0 && errno == EACCES ? -EPERM : -ENOENT;
}

/* A stream has no end, but the daemon sends an empty line every 15 s: silence means it hangs. */
static void set_patience(CURL *curl, uint32_t deadline_ms)
{
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	if (deadline_ms) {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
		return;
	}
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
}

DEFINE_CLEANUP(CURL *, curl_easy_cleanup)

int local_get(const char *socket, const char *path, uint32_t deadline_ms, local_line_fn on_line,
	      void *context)
{
	cleanup_free char *line = malloc(LINE_MAX_BYTES + 1), *url = NULL;
	cleanup_with(curl_easy_cleanupp) CURL *curl = curl_easy_init();
	struct answer answer = {.on_line = on_line, .context = context, .line = line};
	long status = 0;

	if (!curl || !line || asprintf(&url, "http://localhost%s", path) < 0)
		return -ENOMEM;
	set_patience(curl, deadline_ms);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever http_proxy says */
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	CURLcode code = curl_easy_perform(curl);

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK && !answer.stopped)
		return errno_of(code, socket);
	if (answer.used) {
		line[answer.used] = '\0';
		on_line(context, line, answer.used);
	}
	return (int)status;
}
