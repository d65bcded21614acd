// SPDX-License-Identifier: Apache-2.0
/* boot --follow: the report while the node wakes, redrawn on a terminal, else a line per change. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/boot/boot.h"
#include "cli/boot/boot_show.h"
#include "cli/verbs.h"
#include "model/sentence.h"

#define PERIOD_MS 500

struct screen {
	bool terminal, colour;
	int lines;  /* drawn, to go up again */
	char *last; /* told, but for its times */
};

static int height(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 24;
}

/* What was drawn is drawn over; lines are cut by the terminal, not wrapped, or going up would miss. */
static void redraw(struct screen *screen, const struct boot_report *report)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	int lines_max = height() - 1, lines = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	boot_show_progress(out, report, screen->colour);
	fclose(out);
	if (screen->lines)
		printf("\033[%dA", screen->lines);
	fputs("\r\033[?7l", stdout);
	for (char *line = text; *line && lines < lines_max; lines++) {
		int length = (int)strcspn(line, "\n");

		printf("\033[K%.*s\n", length, line);
		line += length + (line[length] == '\n');
	}
	fputs("\033[J\033[?7h", stdout);
	fflush(stdout);
	screen->lines = lines;
}

/* "06:12:55Z boot  node   waking for 45.1s, 6 of 9 pods ready; missing ..."; NULL for want of memory. */
static char *line_of(const struct record *record)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	sentence_line(out, record, false);
	fclose(out);
	return text;
}

/* That time goes on is no change. */
static char *timeless(const struct record *record)
{
	struct record still = *record;
	struct record_boot *boot = &still.boot;

	if (boot->state == BOOT_WAKING) {
		still.boot_ns = 0;
		boot->span.to_ns = boot->span.from_ns;
		if (boot->phase_count && boot->phase_count <= BOOT_PHASES_MAX)
			boot->phases[boot->phase_count - 1].span.to_ns = boot->span.from_ns;
	}
	return line_of(&still);
}

static void tell_change(struct screen *screen, const struct boot_report *report)
{
	cleanup_free char *line = NULL;
	char *key = timeless(&report->record);

	if (!key || (screen->last && strcmp(screen->last, key) == 0)) {
		free(key);
		return;
	}
	line = line_of(&report->record);
	fputs(line ?: key, stdout);
	fflush(stdout);
	free(screen->last);
	screen->last = key;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static bool is_over(const struct record_boot *boot)
{
	return boot->state == BOOT_READY || boot->state == BOOT_NOT_RECOVERED;
}

/* On a terminal the end is the whole report, in the place of what was drawn. */
static int finish(struct screen *screen, struct store *store, const char *which)
{
	struct boot_report report;
	int code, r = boot_report_read(&report, store, which);

	if (r < 0)
		return boot_refuse(r, which);
	if (screen->terminal) {
		if (screen->lines)
			printf("\033[%dA\r\033[J", screen->lines);
		boot_show_text(stdout, &report, screen->colour);
	} else {
		tell_change(screen, &report);
	}
	code = boot_code(&report.record.boot);
	boot_report_done(&report);
	return code;
}

/* Returns an exit code, or a negative errno: -ENOENT while the boot is not recorded. */
static int step(struct screen *screen, struct store *store, const char *which)
{
	struct boot_report report;
	int r = boot_report_read_head(&report, store, which);

	if (r < 0)
		return r;
	if (is_over(&report.record.boot))
		return finish(screen, store, which);
	if (screen->terminal)
		redraw(screen, &report);
	else
		tell_change(screen, &report);
	return -EAGAIN;
}

/* What may become better by itself. */
static bool is_passing(int r, const char *which)
{
	/* a boot that was never recorded does not come, but this one does */
	return r == -EAGAIN || r == -EBUSY || (r == -ENOENT && strcmp(which, "current") == 0);
}

static const char waiting[] =
	"nodewake boot: waits for the daemon to tell of this boot; does it run?"
	" systemctl status nodewake, or nodewake status\n";

int boot_follow(const struct options *options)
{
	const char *which = *options->boot ? options->boot : "current";
	struct screen screen = {
		.terminal = isatty(STDOUT_FILENO),
		.colour = sentence_colour(stdout),
	};
	struct store *store = NULL;
	bool waits = false, opened = false;
	char why[256];
	int r;

	for (;;) {
		r = opened ? 0 : store_open_reader(&store, options->state_dir, why);
		opened = r == 0;
		if (opened)
			r = step(&screen, store, which);
		if (!is_passing(r, which) || ferror(stdout))
			break;
		if (r == -ENOENT && !waits)
			fputs(waiting, stderr);
		waits |= r == -ENOENT;
		pause_ms(PERIOD_MS);
	}
	if (r < 0 && !opened)
		fprintf(stderr, "nodewake boot: %s\n", why);
	store_close(store);
	free(screen.last);
	return r >= 0 ? r : opened ? boot_refuse(r, which) : CLI_FAILED;
}
