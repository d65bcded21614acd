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
	if (code != CURLE_COULDNT_CONNECT)
		return -EIO;
	return access(socket, F_OK) == 0 && access(socket, W_OK) < 0 ? -EPERM : -ENOENT;
}

int local_get(const char *socket, const char *path, local_line_fn on_line, void *context)
{
	cleanup_free char *line = malloc(LINE_MAX_BYTES + 1), *url = NULL;
	struct answer answer = {.on_line = on_line, .context = context, .line = line};
	CURL *curl = curl_easy_init();
	long status = 0;

	if (!curl || !line || asprintf(&url, "http://localhost%s", path) < 0)
		return -ENOMEM;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	CURLcode code = curl_easy_perform(curl);

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code != CURLE_OK && !answer.stopped && status == 0)
		return errno_of(code, socket);
	if (answer.used) {
		line[answer.used] = '\0';
		on_line(context, line, answer.used);
	}
	return code != CURLE_OK && !answer.stopped ? -EIO : (int)status;
}
