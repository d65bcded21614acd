// SPDX-License-Identifier: Apache-2.0
/*
 * A fleet of nodes for tests: each has a store, and the daemon's own side of Kubernetes with its sinks; records come
 * from outside. All share one loop and one thread.
 *
 *	fleet KUBECONFIG DIRECTORY PREFIX COUNT      nodes PREFIX-0, PREFIX-1, ...
 *
 * A line of its input is one JSON object:
 *
 *	{"node": 3, "boot": ID}        its agent begins on this boot, and watches it
 *	{"node": 3, "record": {...}}   its agent concluded that: times are on the boot clock, as ever
 *	{"stats": true}                sums over all nodes go to the output, as one line
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kubernetes.h"
#include "base/clock.h"
#include "model/json.h"

#define LINE_SIZE (1 << 20)

struct node {
	struct settings settings;
	char name[64], directory[512];
	char boot_id[BOOT_ID_SIZE];
	struct store *store;
	struct kubernetes *kubernetes;
	/* of its agents that are gone */
	uint64_t calls[KUBE_VERB_COUNT], failed, refused, created, updated, applied, given_up;
};

struct fleet {
	sd_event *loop;
	struct node *nodes;
	int count;
	char *line;
	size_t length;
	uint64_t records, events;
};

static void on_event(void *context, const struct event *event)
{
	struct fleet *fleet = context;

	(void)event;
	fleet->events++;
}

static void add_stats(struct node *node, const struct kubernetes_stats *stats)
{
	for (int i = 0; i < KUBE_VERB_COUNT; i++)
		node->calls[i] += stats->client.calls[i];
	node->failed += stats->client.failed;
	node->refused += stats->client.refused;
	node->created += stats->events.created;
	node->updated += stats->events.updated;
	node->given_up += stats->events.given_up;
	node->applied += stats->annotations.written;
}

static void stop(struct node *node)
{
	struct kubernetes_stats stats;

	if (node->kubernetes) {
		kubernetes_stats(node->kubernetes, &stats);
		add_stats(node, &stats);
	}
	kubernetes_free(node->kubernetes);
	node->kubernetes = NULL;
	if (node->store)
		store_close(node->store);
	node->store = NULL;
}

static int begin(struct fleet *fleet, struct node *node, const char *boot_id)
{
	char why[256] = "";
	int r;

	stop(node);
	snprintf(node->boot_id, sizeof(node->boot_id), "%s", boot_id);
	r = store_open(&node->store, node->directory, node->boot_id, &(struct store_limits){0},
		       why);
	if (r == 0)
		r = kubernetes_open(&node->kubernetes, fleet->loop, &node->settings, node->store,
				    node->boot_id);
	if (r == 0 && !node->kubernetes)
		r = -ENOENT;
	if (r == 0)
		r = kubernetes_watch(node->kubernetes, on_event, fleet);
	if (r < 0)
		fprintf(stderr, "fleet: %s: %s %s\n", node->name, strerrordesc_np(-r), why);
	return r;
}

/* As the daemon does it: what the store did not know is news. */
static int take_record(struct fleet *fleet, struct node *node, const json_t *json)
{
	struct record record;

	if (!node->store || record_from_json(json, &record) < 0)
		return -EBADMSG;
	record.wall_offset_ns = clock_wall_offset_ns();

	if (store_put(node->store, &record) != STORE_KNOWN)
		kubernetes_record(node->kubernetes, &record);
	fleet->records++;
	return 0;
}

static void print_stats(const struct fleet *fleet)
{
	struct node sum = {0};
	uint64_t pending = 0, unreachable = 0, bytes = 0;

	for (int i = 0; i < fleet->count; i++) {
		struct node *node = &fleet->nodes[i];
		struct kubernetes_stats stats;
		struct store_stats stored;

		for (int verb = 0; verb < KUBE_VERB_COUNT; verb++)
			sum.calls[verb] += node->calls[verb];
		sum.failed += node->failed;
		sum.refused += node->refused;
		sum.created += node->created;
		sum.updated += node->updated;
		sum.given_up += node->given_up;
		sum.applied += node->applied;
		if (!node->kubernetes)
			continue;
		kubernetes_stats(node->kubernetes, &stats);
		add_stats(&sum, &stats);
		pending += stats.events.pending;
		unreachable += !stats.client.reachable;
		store_stats(node->store, &stored);
		bytes += stored.bytes;
	}
	json_auto_t *json = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"get", (json_int_t)sum.calls[KUBE_GET], "post", (json_int_t)sum.calls[KUBE_POST],
		"apply", (json_int_t)sum.calls[KUBE_APPLY], "merge",
		(json_int_t)sum.calls[KUBE_MERGE], "failed", (json_int_t)sum.failed, "refused",
		(json_int_t)sum.refused, "created", (json_int_t)sum.created, "updated",
		(json_int_t)sum.updated, "applied", (json_int_t)sum.applied, "given_up",
		(json_int_t)sum.given_up, "pending", (json_int_t)pending, "unreachable",
		(json_int_t)unreachable, "records", (json_int_t)fleet->records, "events",
		(json_int_t)fleet->events, "store_bytes", (json_int_t)bytes);

	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

static int take_line(struct fleet *fleet, const char *line, size_t length)
{
	json_auto_t *json = json_loadb(line, length, 0, NULL);
	const json_t *number = json_object_get(json, "node");
	const char *boot_id = json_string_value(json_object_get(json, "boot"));
	json_int_t index = json_integer_value(number);

	if (json_is_true(json_object_get(json, "stats"))) {
		print_stats(fleet);
		return 0;
	}
	if (!json_is_integer(number) || index < 0 || index >= fleet->count)
		return -EBADMSG;
	if (boot_id)
		return begin(fleet, &fleet->nodes[index], boot_id);
	return take_record(fleet, &fleet->nodes[index], json_object_get(json, "record"));
}

static int on_input(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct fleet *fleet = context;
	ssize_t got = read(fd, fleet->line + fleet->length, LINE_SIZE - fleet->length);
	char *from = fleet->line, *end;

	(void)source;
	(void)revents;
	if (got <= 0)
		return sd_event_exit(fleet->loop, got < 0);
	fleet->length += (size_t)got;
	while ((end = memchr(from, '\n', fleet->length - (size_t)(from - fleet->line)))) {
		if (take_line(fleet, from, (size_t)(end - from)) < 0) {
			fprintf(stderr, "fleet: %.*s\n", (int)(end - from), from);
			return sd_event_exit(fleet->loop, 1);
		}
		from = end + 1;
	}
	fleet->length -= (size_t)(from - fleet->line);
	memmove(fleet->line, from, fleet->length);
	return 0;
}

static int make_nodes(struct fleet *fleet, char **argv)
{
	char *no_arguments[] = {"run", NULL};

	fleet->count = atoi(argv[4]);
	fleet->nodes = calloc((size_t)fleet->count, sizeof(*fleet->nodes));
	fleet->line = malloc(LINE_SIZE);
	if (fleet->count <= 0 || !fleet->nodes || !fleet->line)
		return -EINVAL;
	for (int i = 0; i < fleet->count; i++) {
		struct node *node = &fleet->nodes[i];

		snprintf(node->name, sizeof(node->name), "%s-%d", argv[3], i);
		snprintf(node->directory, sizeof(node->directory), "%s/%s", argv[2], node->name);
		if (settings_read(&node->settings, 1, no_arguments, NULL) != 0)
			return -EINVAL;
		node->settings.kubeconfig = argv[1];
		node->settings.node_name = node->name;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct fleet fleet = {0};
	int r = argc == 5 ? make_nodes(&fleet, argv) : -EINVAL;

	if (r < 0 || sd_event_default(&fleet.loop) < 0 ||
	    sd_event_add_io(fleet.loop, NULL, STDIN_FILENO, EPOLLIN, on_input, &fleet) < 0) {
		fprintf(stderr, "usage: fleet KUBECONFIG DIRECTORY PREFIX COUNT\n");
		return 2;
	}
	r = sd_event_loop(fleet.loop);
	for (int i = 0; i < fleet.count; i++)
		stop(&fleet.nodes[i]);
	free(fleet.nodes);
	free(fleet.line);
	sd_event_unref(fleet.loop);
	return r < 0 ? 1 : r;
}
