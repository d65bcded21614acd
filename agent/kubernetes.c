/* SPDX-License-Identifier: Apache-2.0 */
#include "kubernetes.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "sink/event/kube_name.h"

struct kubernetes {
	sd_event *loop;
	struct kube *kube;
	struct kubernetes_source *source;
	struct kube_event_sink *events;
	struct annotation_sink *annotations;
	char node_name[KUBE_NAME_SIZE];
	const char *boot_id, *kubeconfig;
	uint64_t boot_deadline_ns;
	event_fn on_event;
	void *context;
};

/* 0, or -ENOENT after one log line: Kubernetes is left out. */
static int open_client(struct kubernetes *kubernetes, const struct settings *settings)
{
	struct kube_options options = {.kubeconfig = settings->kubeconfig};
	char why[256] = "";
	int r = settings->no_kubernetes
			? -ENOENT
			: kube_new(&kubernetes->kube, kubernetes->loop, &options, why);

	if (r == -ENOENT && !*settings->kubeconfig) {
		log_info("Kubernetes is not told: turned off, or neither a pod nor --kubeconfig");
		return -ENOENT;
	}
	if (r < 0) {
		log_error("Kubernetes is not told", LOG_TEXT("why", why), LOG_ERRNO(r));
		return -ENOENT;
	}
	r = kube_name_of_node(settings->node_name, kubernetes->node_name);
	if (r < 0) {
		log_error("Kubernetes is not told: the node needs a valid --node-name",
			  LOG_TEXT("node_name", settings->node_name), LOG_ERRNO(r));
		return -ENOENT;
	}
	return 0;
}

static int open_sinks(struct kubernetes *kubernetes, const struct settings *settings,
		      struct store *store, const char *boot_id)
{
	struct kube_event_sink_options events = {
		.store = store,
		.kube = kubernetes->kube,
		.node_name = kubernetes->node_name,
		.boot_id = boot_id,
		.slow_start_ns = settings->slow_start_ns,
		.slow_pull_ns = settings->slow_pull_ns,
		.share_log_lines = settings->share_log_lines,
	};
	struct annotation_sink_options annotations = {
		.kube = kubernetes->kube,
		.node_name = kubernetes->node_name,
		.prefix = settings->annotation_prefix,
		.boot_id = boot_id,
		.interval_ns = settings->annotation_interval_ns,
	};
	int r = kube_event_sink_new(&kubernetes->events, kubernetes->loop, &events);

	if (r == 0)
		r = annotation_sink_new(&kubernetes->annotations, kubernetes->loop, &annotations,
					store);
	if (r == -EINVAL)
		log_error("--annotation-prefix is no domain name",
			  LOG_TEXT("prefix", settings->annotation_prefix));
	return r;
}

int kubernetes_open(struct kubernetes **ret, sd_event *loop, const struct settings *settings,
		    struct store *store, const char *boot_id)
{
	struct kubernetes *kubernetes = calloc(1, sizeof(*kubernetes));
	int r;

	if (!kubernetes)
		return -ENOMEM;
	kubernetes->loop = loop;
	kubernetes->boot_id = boot_id;
	kubernetes->kubeconfig = settings->kubeconfig;
	kubernetes->boot_deadline_ns = settings->boot_deadline_ns;
	r = open_client(kubernetes, settings);
	if (r == 0)
		r = open_sinks(kubernetes, settings, store, boot_id);
	if (r < 0) {
		kubernetes_free(kubernetes);
		*ret = NULL;
		return r == -ENOENT ? 0 : r;
	}
	*ret = kubernetes;
	return 0;
}

/* The source's watch goes before the client, whose calls name the sinks. */
void kubernetes_free(struct kubernetes *kubernetes)
{
	if (!kubernetes)
		return;
	kubernetes_source_free(kubernetes->source);
	kube_free(kubernetes->kube);
	kube_event_sink_free(kubernetes->events);
	annotation_sink_free(kubernetes->annotations);
	free(kubernetes);
}

/* After a boot people look at the Node: its annotations need not wait for their next try. */
static void on_source_event(void *context, const struct event *event)
{
	struct kubernetes *kubernetes = context;

	if (event->type == EVENT_SOURCE && event->source.step == SOURCE_UP)
		annotation_sink_hurry(kubernetes->annotations);
	kubernetes->on_event(kubernetes->context, event);
}

int kubernetes_watch(struct kubernetes *kubernetes, event_fn on_event, void *context)
{
	const struct kubernetes_boot_options boot = {
		.boot_id = kubernetes->boot_id,
		.until_ns = kubernetes->boot_deadline_ns,
	};

	kubernetes->on_event = on_event;
	kubernetes->context = context;
	int r = kubernetes_source_new(&kubernetes->source, kubernetes->loop, kubernetes->kube,
				      kubernetes->node_name, on_source_event, kubernetes);

	return r < 0 ? r : kubernetes_source_follow_boot(kubernetes->source, &boot);
}

/* Asks why it was stopped, until that is known; a deletion may be a drain's. */
static void ask_for_cause(struct kubernetes *kubernetes, const struct record *record)
{
	enum stop_cause cause = record->exit.stop.cause;
	bool known = cause != STOP_UNKNOWN && cause != STOP_DELETION;

	if (exit_was_stopped(&record->exit) && (known || !record->final))
		kubernetes_source_stopped(kubernetes->source, record->subject.pod_uid, !known);
}

void kubernetes_record(struct kubernetes *kubernetes, const struct record *record)
{
	kube_event_sink_wake(kubernetes->events);
	annotation_sink_record(kubernetes->annotations, record);
	if (record->type == RECORD_BOOT && record->final && kubernetes->source)
		kubernetes_source_boot_over(kubernetes->source);
	if (record->type == RECORD_EXIT && kubernetes->source)
		ask_for_cause(kubernetes, record);
}

void kubernetes_event(struct kubernetes *kubernetes, const struct event *event)
{
	if (!kubernetes->source)
		return;
	if (event->type == EVENT_DNS)
		kubernetes_source_name(kubernetes->source, event->dns.address);
	else if (event->type == EVENT_CONNECT_FAILED || event->type == EVENT_CONNECT_SLOW)
		kubernetes_source_name(kubernetes->source, event->connect_failed.address);
}

void kubernetes_tend(struct kubernetes *kubernetes)
{
	kube_event_sink_wake(kubernetes->events);
}

void kubernetes_stats(const struct kubernetes *kubernetes, struct kubernetes_stats *ret)
{
	struct kubernetes_stats stats = {
		.node_name = kubernetes->node_name,
		.kubeconfig = kubernetes->kubeconfig,
	};

	kube_stats(kubernetes->kube, &stats.client);
	if (kubernetes->source)
		kubernetes_source_stats(kubernetes->source, &stats.source);
	kube_event_sink_stats(kubernetes->events, &stats.events);
	annotation_sink_stats(kubernetes->annotations, &stats.annotations);
	*ret = stats;
}
