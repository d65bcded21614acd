/* SPDX-License-Identifier: Apache-2.0 */
#include "track/boot/boot_detail.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "model/cause.h"

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

/* Other pulls that took at least a tenth of the time as well. */
static uint32_t others(const struct boot_facts *facts, struct span whole)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < facts->pull_count && i < BOOT_PULLS_MAX; i++) {
		struct span other = facts->pulls[i].span;

		if (other.from_ns == whole.from_ns && other.to_ns == whole.to_ns)
			continue; /* this one */
		if (other.from_ns < whole.from_ns)
			other.from_ns = whole.from_ns;
		if (other.to_ns > whole.to_ns)
			other.to_ns = whole.to_ns;
		count += span_seen(other) * 10 > span_seen(whole);
	}
	return count;
}

void boot_detail_pull(const struct boot_facts *facts, uint64_t bytes, struct span download,
		      struct span whole, char ret_text[static CAUSE_SIZE])
{
	uint64_t ns = span_seen(download) ? span_seen(download) : span_seen(whole);
	double megabytes = (double)bytes / 1e6, rate = ns ? megabytes / seconds(ns) : 0;
	uint32_t shared = others(facts, whole);
	int used = 0;

	*ret_text = '\0';
	if (bytes)
		used = snprintf(ret_text, CAUSE_SIZE, "%.*f MB at %.*f MB/s", megabytes < 10,
				megabytes, rate < 10, rate);
	if (shared)
		snprintf(ret_text + used, CAUSE_SIZE - (size_t)used,
			 "%sshared with %" PRIu32 " pull%s", used ? ", " : "", shared,
			 shared > 1 ? "s" : "");
}

void boot_detail_network(const struct record_start *start, char ret_text[static CAUSE_SIZE])
{
	const struct plugin_span *slowest = NULL;

	*ret_text = '\0';
	for (uint32_t i = 0; i < start->plugin_count && i < START_PLUGINS_MAX; i++) {
		const struct plugin_span *plugin = &start->plugins[i];

		if (!plugin->nested &&
		    (!slowest || span_seen(plugin->span) > span_seen(slowest->span)))
			slowest = plugin;
	}
	if (slowest)
		snprintf(ret_text, CAUSE_SIZE, "%.1fs in CNI plugin %s",
			 seconds(span_seen(slowest->span)), slowest->name);
}

double boot_detail_offset(const struct boot_facts *facts, uint64_t boot_ns)
{
	return seconds(facts->systemd.firmware_ns + facts->systemd.loader_ns + boot_ns);
}

/* Whom it waited for has steps of its own. */
void boot_detail_cause(const struct record_start *start, char ret_text[static CAUSE_SIZE])
{
	char text[4 * CAUSE_SIZE] = "";
	struct cause cause;
	FILE *out;

	*ret_text = '\0';
	if (!cause_of_phase(start, PHASE_APP, &cause) || cause.kind == CAUSE_PEER ||
	    !(out = fmemopen(text, sizeof(text), "w")))
		return;
	cause_print(out, start, &cause);
	fclose(out);
	text_copy(ret_text, CAUSE_SIZE, text);
}

void boot_detail_app(const struct boot_facts *facts, const struct boot_outline *start,
		     char ret_text[static CAUSE_SIZE])
{
	text_copy(ret_text, CAUSE_SIZE, start->app);
	if (!*ret_text && start->listen_ns)
		snprintf(ret_text, CAUSE_SIZE, "it listened at +%.1fs",
			 boot_detail_offset(facts, start->listen_ns));
}

void boot_detail_probe(const struct boot_facts *facts, const struct boot_outline *start,
		       char ret_text[static CAUSE_SIZE])
{
	int used = 0;

	*ret_text = '\0';
	if (start->probe_period_s)
		used = snprintf(ret_text, CAUSE_SIZE, "probe asks every %" PRIu32 "s",
				start->probe_period_s);
	if (start->listen_ns)
		snprintf(ret_text + used, CAUSE_SIZE - (size_t)used, "%sit listened at +%.1fs",
			 used ? ", " : "", boot_detail_offset(facts, start->listen_ns));
}

void boot_detail_death(const struct boot_start *start, char ret_text[static CAUSE_SIZE])
{
	const char *name = sigabbrev_np(start->signal);

	if (start->verdict == EXIT_OOM_KILLED)
		snprintf(ret_text, CAUSE_SIZE, "killed for memory");
	else if (start->verdict == EXIT_START_FAILED || start->start.state == START_FAILED)
		snprintf(ret_text, CAUSE_SIZE, "never started%s%.110s", *start->message ? ": " : "",
			 start->message);
	else if (start->verdict == EXIT_LOST)
		snprintf(ret_text, CAUSE_SIZE, "gone, nobody saw how");
	else if (start->signal && name)
		snprintf(ret_text, CAUSE_SIZE, "SIG%s", name);
	else
		snprintf(ret_text, CAUSE_SIZE, "exit code %" PRId32, start->code);
}

/* The part before the first slash is a host if it looks like one (distribution's reference grammar). */
static void registry_of(const char *image, char ret_host[static NAME_SIZE])
{
	size_t length = strcspn(image, "/");
	bool host = image[length] == '/' &&
		    (memchr(image, '.', length) || memchr(image, ':', length) ||
		     (length == strlen("localhost") && strncmp(image, "localhost", length) == 0));

	if (host)
		text_copy_n(ret_host, NAME_SIZE, image, length);
	else
		text_copy(ret_host, NAME_SIZE, "docker.io");
}

void boot_detail_image(const char *image, const char *message, char ret_text[static CAUSE_SIZE])
{
	char host[NAME_SIZE];
	const char *rest = message, *next;

	registry_of(image, host);
	/* the cause is at the end of a chain of "what: why: why": as much of it as there is room for */
	while (strlen(rest) + strlen(host) + 2 >= CAUSE_SIZE && (next = strstr(rest, ": ")))
		rest = next + 2;
	snprintf(ret_text, CAUSE_SIZE, "%s%s%.*s", host, *rest ? ": " : "",
		 (int)(CAUSE_SIZE - strlen(host) - 3), rest);
}
