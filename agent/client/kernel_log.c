/* SPDX-License-Identifier: Apache-2.0 */
#include "client/kernel_log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/klog.h>
#include <unistd.h>

#include "base/cleanup.h"

#define RECORD_MAX    8192 /* CONSOLE_EXT_LOG_MAX; a shorter buffer is refused with EINVAL */
#define RECORDS_MAX   256  /* at once, then others have their turn */
#define TAIL_SIZE     (64 * 1024)
#define READ_ALL      3 /* SYSLOG_ACTION_READ_ALL */
#define SIZE_BUFFER   10
#define FACILITY_BITS 3

struct kernel_log {
	int fd;
	bool records; /* /dev/kmsg's, else lines of syslog(2) */
	uint64_t overruns;
	/* lines: up to where it was read, and how many had that very time */
	uint64_t last_us;
	uint32_t last_count;
	bool begun;
	char buffer[];
};

static int make(struct kernel_log **ret, int fd, bool records)
{
	struct kernel_log *log = calloc(1, sizeof(*log) + (records ? RECORD_MAX : TAIL_SIZE));

	if (!log) {
		close(fd);
		return -ENOMEM;
	}
	log->fd = fd;
	log->records = records;
	*ret = log;
	return 0;
}

int kernel_log_open_fd(struct kernel_log **ret, int fd)
{
	return make(ret, fd, true);
}

static void no_line(void *context, const struct kernel_line *line)
{
	(void)context;
	(void)line;
}

static int open_lines(struct kernel_log **ret)
{
	int r, fd = open("/proc/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (klogctl(SIZE_BUFFER, NULL, 0) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	r = make(ret, fd, false);
	if (r == 0)
		r = kernel_log_read(*ret, no_line, NULL);
	if (r < 0)
		kernel_log_close(*ret);
	return r < 0 ? r : 0;
}

int kernel_log_open(struct kernel_log **ret)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return open_lines(ret);
	if (lseek(fd, 0, SEEK_END) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return make(ret, fd, true);
}

void kernel_log_close(struct kernel_log *log)
{
	if (!log)
		return;
	close(log->fd);
	free(log);
}

int kernel_log_fd(const struct kernel_log *log)
{
	return log->fd;
}

/* Unread lines of /proc/kmsg never go away: only the edge is news. */
uint32_t kernel_log_events(const struct kernel_log *log)
{
	return log->records ? EPOLLIN : EPOLLIN | EPOLLET;
}

bool kernel_log_is_costly(const struct kernel_log *log)
{
	return !log->records;
}

uint64_t kernel_log_overruns(const struct kernel_log *log)
{
	return log->overruns;
}

/* A decimal number up to `stop`. Returns what is behind that, or NULL. */
static const char *number(const char *at, const char *end, char stop, uint64_t *ret)
{
	uint64_t value = 0;
	const char *begin = at;

	for (; at < end && isdigit((unsigned char)*at) && at - begin < 18; at++)
		value = value * 10 + (uint64_t)(*at - '0');
	if (at == begin || at == end || *at != stop)
		return NULL;
	*ret = value;
	return at + 1;
}

/* "6,339,5140900,-;NET: Registered": priority, number, us, flags (and a caller); the text up to the line's end. */
bool kernel_log_parse_record(const char *record, size_t length, struct kernel_line *ret)
{
	const char *end = record + length, *at = record, *newline;
	uint64_t priority, sequence, us;

	at = number(at, end, ',', &priority);
	at = at ? number(at, end, ',', &sequence) : NULL;
	at = at ? number(at, end, ',', &us) : NULL;
	at = at ? memchr(at, ';', (size_t)(end - at)) : NULL;
	if (!at)
		return false;
	at++;
	newline = memchr(at, '\n', (size_t)(end - at));
	*ret = (struct kernel_line){.from_kernel = priority >> FACILITY_BITS == 0,
				    .log_us = us,
				    .text = at,
				    .length = (size_t)((newline ? newline : end) - at)};
	return true;
}

/* "<6>[ 1180.676589] text", with CONFIG_PRINTK_CALLER "<6>[ 1180.676589][    T1] text". */
bool kernel_log_parse_line(const char *line, size_t length, struct kernel_line *ret)
{
	const char *end = line + length, *at = line;
	uint64_t priority, seconds, us;

	if (at == end || *at++ != '<')
		return false;
	at = number(at, end, '>', &priority);
	if (!at || at == end || *at++ != '[')
		return false;
	while (at < end && *at == ' ')
		at++;
	at = number(at, end, '.', &seconds);
	at = at ? number(at, end, ']', &us) : NULL;
	if (at && at < end && *at == '[') {
		at = memchr(at, ']', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at || at == end || *at++ != ' ')
		return false;
	*ret = (struct kernel_line){.from_kernel = priority >> FACILITY_BITS == 0,
				    .log_us = seconds * 1000000 + us,
				    .text = at,
				    .length = (size_t)(end - at)};
	return true;
}

static int read_records(struct kernel_log *log, kernel_line_fn on_line, void *context)
{
	for (int i = 0; i < RECORDS_MAX; i++) {
		ssize_t length = read(log->fd, log->buffer, RECORD_MAX);
		struct kernel_line line;

		if (length < 0 && errno == EPIPE) { /* it reads on with the oldest there is */
			log->overruns++;
			continue;
		}
		if (length < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (length == 0)
			return -EPIPE;
		if (kernel_log_parse_record(log->buffer, (size_t)length, &line))
			on_line(context, &line);
	}
	return 1;
}

/* True if it was told already: before the last time, or among the first ones of that. */
static bool is_known(const struct kernel_log *log, uint64_t us, uint32_t *at_last)
{
	if (us == log->last_us)
		return ++*at_last <= log->last_count;
	return us < log->last_us;
}

static void note_last(struct kernel_log *log, uint64_t us)
{
	if (us == log->last_us) {
		log->last_count++;
	} else {
		log->last_us = us;
		log->last_count = 1;
	}
}

static int read_lines(struct kernel_log *log, kernel_line_fn on_line, void *context)
{
	int length = klogctl(READ_ALL, log->buffer, TAIL_SIZE);
	const char *at = log->buffer, *end;
	uint32_t at_last = 0;
	bool first = true;

	if (length < 0)
		return -errno;
	for (end = at + length; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		struct kernel_line line;

		if (kernel_log_parse_line(at, (size_t)(stop - at), &line)) {
			if (first && log->begun && line.log_us > log->last_us)
				log->overruns++;
			first = false;
			if (!is_known(log, line.log_us, &at_last)) {
				on_line(context, &line);
				note_last(log, line.log_us);
				at_last = log->last_count;
			}
		}
		at = newline ? newline + 1 : end;
	}
	log->begun = true;
	return 0;
}

int kernel_log_read(struct kernel_log *log, kernel_line_fn on_line, void *context)
{
	return log->records ? read_records(log, on_line, context)
			    : read_lines(log, on_line, context);
}
