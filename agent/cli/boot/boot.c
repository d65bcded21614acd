// SPDX-License-Identifier: Apache-2.0
/* boot: how the node came back, from the store. The verb: which boot, which form, which exit code. */
#include "cli/boot/boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/boot/boot_show.h"
#include "cli/verbs.h"
#include "model/sentence.h"

int boot_refuse(int error, const char *which)
{
	const char *named = which && *which ? which : "the latest";

	switch (error) {
	case -ENOENT:
		if (which && *which)
			fprintf(stderr,
				"nodewake boot: no boot '%s' is recorded; nodewake boot --list "
				"names "
				"those that are\n",
				which);
		else
			fprintf(stderr, "nodewake boot: no boot is recorded so far\n");
		return CLI_FAILED;
	case -EINVAL:
		fprintf(stderr,
			"nodewake boot: '%s' is not a number like -1, current, or a boot id\n",
			named);
		return CLI_USAGE;
	case -ENOTUNIQ:
		fprintf(stderr, "nodewake boot: more than one boot id begins with '%s'\n", named);
		return CLI_FAILED;
	default:
		fprintf(stderr, "nodewake boot: the store can't be read: %s\n", strerror(-error));
		return CLI_FAILED;
	}
}

int boot_code(const struct record_boot *boot)
{
	return boot->state == BOOT_READY ? CLI_OK : CLI_FAILED;
}

static int show(const struct boot_report *report, enum report_format format)
{
	switch (format) {
	case REPORT_JSON:
		return boot_show_json(stdout, report);
	case REPORT_SVG:
		return boot_show_svg(stdout, report);
	case REPORT_HTML:
		return boot_show_html(stdout, report);
	case REPORT_TRACE:
		return boot_show_trace(stdout, report);
	default:
		boot_show_text(stdout, report, sentence_colour(stdout));
		return 0;
	}
}

/* Right after a reboot the latest that is recorded may be the one before: that must not be taken for this one. */
static void tell_if_not_this(const struct boot_report *report, const struct options *options)
{
	char current[BOOT_ID_SIZE];

	if (!*options->boot && clock_boot_id(current) == 0 && strcmp(current, report->boot_id) != 0)
		fputs("nodewake boot: this boot is not recorded so far; this is the latest that "
		      "is\n",
		      stderr);
}

static int report(struct store *store, const struct options *options)
{
	struct boot_report report;
	int code, r = boot_report_read(&report, store, options->boot);

	if (r < 0)
		return boot_refuse(r, options->boot);
	tell_if_not_this(&report, options);
	code = boot_code(&report.record.boot);
	r = show(&report, options->format);
	boot_report_done(&report);
	if (r < 0) {
		fprintf(stderr, "nodewake boot: %s\n", strerror(-r));
		return CLI_FAILED;
	}
	return code;
}

/* Two words that can't both be meant: says so. */
static bool contradicts(const struct options *options)
{
	bool pictures = options->format > REPORT_JSON;

	if (options->list + options->compare + options->follow > 1)
		fputs("nodewake boot: only one of --list, --compare (or --against) and --follow\n",
		      stderr);
	else if (pictures && (options->list || options->compare))
		fputs("nodewake boot: --list and --compare are text or json\n", stderr);
	else if (options->follow && options->format != REPORT_TEXT)
		fputs("nodewake boot: --follow is text\n", stderr);
	else if (options->list && *options->boot)
		fputs("nodewake boot: --list lists all boots, without --boot\n", stderr);
	else
		return false;
	return true;
}

int cli_boot(int argc, char **argv)
{
	struct options options;
	struct store *store;
	char why[256];
	int r = options_read(&options, OPTION_REPORT | OPTION_STATE_DIR, "boot [OPTION ...]", NULL,
			     argc, argv);

	if (r != 0)
		return r < 0 ? CLI_USAGE : CLI_OK;
	if (strcmp(options.boot, "all") == 0)
		options.boot = "";
	if (contradicts(&options))
		return CLI_USAGE;
	if (options.follow)
		return boot_follow(&options);
	r = store_open_reader(&store, options.state_dir, why);
	if (r < 0) {
		fprintf(stderr, "nodewake boot: %s\n", why);
		return CLI_FAILED;
	}
	r = options.list      ? boot_list(store, &options)
	    : options.compare ? boot_compare(store, &options)
			      : report(store, &options);
	store_close(store);
	return r;
}
