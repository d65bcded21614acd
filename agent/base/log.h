/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines in logfmt on stderr: level=info msg="connected" socket=/run/...
 *
 * A line is a message and typed fields; values are quoted and control characters escaped here, so
 * that a caller can pass what a peer sent:
 *
 *	log_info("connected", LOG_TEXT("socket", path), LOG_NUMBER("containers", n));
 *	log_warning("cannot open store", LOG_TEXT("path", path), LOG_ERRNO(r));
 *
 * Only source/, sink/, cli/ and the daemon log above debug.
 */
#pragma once

#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
	const char *key;  /* NULL ends the list */
	const char *text; /* NULL: it is a number */
	int64_t number;
};

static inline const char *log_text_or_empty(const char *text)
{
	return text ? text : "";
}

#define LOG_TEXT(key_, text_)	  ((struct log_field){.key = (key_), .text = log_text_or_empty(text_)})
#define LOG_NUMBER(key_, number_) ((struct log_field){.key = (key_), .number = (int64_t)(number_)})
/* Takes errno or a negative errno. */
#define LOG_ERRNO(error_) ((struct log_field){.key = "error", .text = log_errno_text(error_)})

void log_set_level(enum log_level level);

/* Accepts error, warning, info, debug. Returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret);

const char *log_errno_text(int error);

void log_write(enum log_level level, const char *message, const struct log_field *fields);

#define log_at(level, message, ...) \
	log_write(level, message,   \
		  (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
#define log_error(...)	 log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
