// SPDX-License-Identifier: Apache-2.0
/*
 * The Kubernetes client from the shell, for tests. Every line it prints is JSON.
 *
 *	kube [OPTIONS] call VERB PATH [BODY]     one call and its reply
 *	kube [OPTIONS] calls                     the same for each line "VERB PATH [BODY]" on stdin
 *	kube [OPTIONS] burst NUMBER PATH         so many GETs at once
 *	kube [OPTIONS] watch PATH [SELECTOR]     steps until SIGTERM
 *	kube [OPTIONS] boot NODE BOOT-ID         the boot's milestones until SIGTERM, then {"offset_ns": ...}
 *
 * VERB is get, post, apply, merge or delete. When it ends it prints {"stats": ...}.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/kube/kube.h"
#include "client/kube/kube_watch.h"
#include "model/json.h"
#include "source/kubernetes/kubernetes_source.h"

static const char *const verbs[KUBE_VERB_COUNT] = {"get", "post", "apply", "merge", "delete"};
static const char *const steps[] = {
	[KUBE_WATCH_LIST] = "list",	[KUBE_WATCH_LISTED] = "listed",
	[KUBE_WATCH_OBJECT] = "object", [KUBE_WATCH_DELETED] = "deleted",
	[KUBE_WATCH_DOWN] = "down",	[KUBE_WATCH_UP] = "up",
};

struct program {
	sd_event *loop;
	struct kube *kube;
	struct kube_watch *watch;
	struct kube_options options;
	struct kube_watch_options watching;
	uint32_t deadline_ms;
	const char *free_at; /* the step in whose callback the watch is freed */
	int waiting;
	bool more; /* calls come */
};

static void print(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(json);
}

static void print_stats(const struct kube *kube)
{
	json_t *calls = json_object();
	struct kube_stats stats;

	kube_stats(kube, &stats);
	for (size_t i = 0; i < KUBE_VERB_COUNT; i++)
		json_object_set_new(calls, verbs[i], json_integer((json_int_t)stats.calls[i]));
	print(json_pack("{s:{s:s, s:b, s:o, s:I, s:I, s:I, s:I}}", "stats", "server", stats.server,
			"reachable", stats.reachable, "calls", calls, "failed", stats.failed,
			"refused", stats.refused, "watch_restarts", stats.watch_restarts, "skipped",
			stats.skipped));
}

static void on_reply(void *context, const struct kube_reply *reply)
{
	struct program *program = context;

	print(json_pack("{s:i, s:b, s:I, s:s, s:s, s:O?}", "status", reply->status, "ok",
			kube_reply_ok(reply), "retry_after_ms", (json_int_t)reply->retry_after_ms,
			"reason", reply->reason, "message", reply->message, "body", reply->body));
	if (--program->waiting == 0 && !program->more)
		sd_event_exit(program->loop, 0);
}

static int begin_call(struct program *program, const char *verb, const char *path, const char *body)
{
	json_t *json = body ? json_loads(body, 0, NULL) : NULL;
	struct kube_request request = {
		.path = path, .body = json, .deadline_ms = program->deadline_ms};

	if (body && !json)
		fprintf(stderr, "kube: no JSON: %s\n", body);
	while (request.verb < KUBE_VERB_COUNT && strcmp(verb, verbs[request.verb]) != 0)
		request.verb++;
	if (request.verb == KUBE_VERB_COUNT || (body && !json))
		return -1;
	int r = kube_call(program->kube, &request, on_reply, program);

	json_decref(json);
	if (r < 0)
		print(json_pack("{s:i, s:s}", "status", r, "message", strerrordesc_np(-r)));
	else
		program->waiting++;
	return r;
}

/* Between calls nothing of the client runs. */
static int run_calls(struct program *program)
{
	char line[4096];

	program->more = true;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		char *path = line + strcspn(line, " ");

		if (*path)
			*path++ = '\0';
		char *body = path + strcspn(path, " ");

		if (*body)
			*body++ = '\0';
		begin_call(program, line, path, *body ? body : NULL);
		while (program->waiting > 0)
			if (sd_event_run(program->loop, UINT64_MAX) < 0)
				return 1;
	}
	return 0;
}

static void on_step(void *context, enum kube_watch_step step, json_t *object, bool listed,
		    const char *why)
{
	struct program *program = context;

	print(json_pack("{s:s, s:O?, s:b, s:s}", "step", steps[step], "object", object, "listed",
			listed, "why", why));
	if (program->free_at && strcmp(program->free_at, steps[step]) == 0) {
		kube_watch_free(program->watch);
		program->watch = NULL;
		sd_event_exit(program->loop, 0);
	}
}

static void on_event(void *context, const struct event *event)
{
	(void)context;
	if (event->type == EVENT_MILESTONE)
		print(json_pack("{s:s, s:I, s:b}", "milestone",
				milestone_name(event->milestone.what), "boot_ns",
				(json_int_t)event->boot_ns, "reconstructed",
				(event->flags & EVENT_RECONSTRUCTED) != 0));
}

/* Until an hour from now, whenever the machine was booted. */
static int run_boot(struct program *program, const char *node_name, const char *boot_id)
{
	const struct kubernetes_boot_options options = {
		.boot_id = boot_id,
		.until_ns = clock_boot_ns() + 3600 * NS_PER_SECOND,
	};
	struct kubernetes_source *source = NULL;
	int r = kubernetes_source_new(&source, program->loop, program->kube, node_name, on_event,
				      program);

	if (r == 0)
		r = kubernetes_source_follow_boot(source, &options);
	if (r == 0)
		r = sd_event_loop(program->loop);
	kubernetes_source_free(source);
	print(json_pack("{s:I}", "offset_ns", (json_int_t)clock_wall_offset_ns()));
	return r;
}

static int run(struct program *program, int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[0], "call") == 0) {
		if (begin_call(program, argv[1], argv[2], argv[3]) < 0)
			return 1;
	} else if (argc == 1 && strcmp(argv[0], "calls") == 0) {
		return run_calls(program);
	} else if (argc == 3 && strcmp(argv[0], "burst") == 0) {
		for (int i = atoi(argv[1]); i > 0; i--)
			begin_call(program, "get", argv[2], NULL);
	} else if (argc >= 2 && strcmp(argv[0], "watch") == 0) {
		program->watching.path = argv[1];
		program->watching.selector = argv[2];
		if (kube_watch_new(&program->watch, program->kube, &program->watching, on_step,
				   program) < 0)
			return 1;
	} else if (argc == 3 && strcmp(argv[0], "boot") == 0) {
		return run_boot(program, argv[1], argv[2]);
	} else {
		fprintf(stderr, "kube: see tests/kube/main.c\n");
		return 2;
	}
	return sd_event_loop(program->loop);
}

static int read_options(struct program *program, int argc, char **argv)
{
	static const struct option options[] = {
		{"kubeconfig", required_argument, NULL, 'k'},
		{"account-dir", required_argument, NULL, 'a'},
		{"token-age-ms", required_argument, NULL, 't'},
		{"deadline-ms", required_argument, NULL, 'd'},
		{"page", required_argument, NULL, 'p'},
		{"stream-s", required_argument, NULL, 's'},
		{"free-at", required_argument, NULL, 'f'},
		{0},
	};

	for (int c; (c = getopt_long(argc, argv, "+", options, NULL)) != -1;)
		switch (c) {
		case 'k':
			program->options.kubeconfig = optarg;
			break;
		case 'a':
			program->options.account_dir = optarg;
			break;
		case 't':
			program->options.token_age_ms = (uint32_t)atoi(optarg);
			break;
		case 'd':
			program->deadline_ms = (uint32_t)atoi(optarg);
			break;
		case 'p':
			program->watching.page = (uint32_t)atoi(optarg);
			break;
		case 's':
			program->watching.stream_s = (uint32_t)atoi(optarg);
			break;
		case 'f':
			program->free_at = optarg;
			break;
		default:
			return -1;
		}
	return optind;
}

int main(int argc, char **argv)
{
	struct program program = {0};
	char why[256];
	sigset_t set;
	int first = read_options(&program, argc, argv), r;

	if (first < 0)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (sd_event_default(&program.loop) < 0 ||
	    sd_event_add_signal(program.loop, NULL, SIGTERM, NULL, NULL) < 0)
		return 1;
	r = kube_new(&program.kube, program.loop, &program.options, why);
	if (r < 0) {
		print(json_pack("{s:i, s:s}", "error", r, "why", why));
		sd_event_unref(program.loop);
		return 1;
	}
	r = run(&program, argc - first, argv + first);
	print_stats(program.kube);
	kube_watch_free(program.watch);
	kube_free(program.kube);
	sd_event_unref(program.loop);
	return r < 0 ? 1 : r;
}
