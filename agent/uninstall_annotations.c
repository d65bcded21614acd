/* SPDX-License-Identifier: Apache-2.0 */
#include "uninstall_annotations.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "cli/verbs.h"
#include "settings.h"
#include "sink/event/kube_name.h"
#include "sink/node/node_apply.h"

static const char help[] =
	"Usage: nodewake uninstall-annotations [OPTION ...]\n\n"
	"Removes the annotations that the daemon wrote on this node's Node, all that its field "
	"manager\n"
	"`nodewake` owns. Stop the daemon first: it would write them again. The options and their\n"
	"environment variables are those of `nodewake run`.\n\n"
	"      --kubeconfig FILE      how to reach the API server; by itself the pod's service "
	"account\n"
	"      --node-name NAME       this node's name in Kubernetes; by itself the host's name\n"
	"      --annotation-prefix DOMAIN   the part before / in their names\n";

struct removal {
	sd_event *loop;
	struct kube *kube;
	char node_name[KUBE_NAME_SIZE];
	const char *prefix;
	int before; /* annotations with the prefix; -1: they may not be read */
};

static int count_annotations(const struct removal *removal, const struct kube_reply *reply)
{
	const json_t *all =
		json_object_get(json_object_get(reply->body, "metadata"), "annotations");
	size_t length = strlen(removal->prefix);
	const char *name;
	json_t *value;
	int count = 0;

	json_object_foreach ((json_t *)all, name, value)
		count += strncmp(name, removal->prefix, length) == 0 && name[length] == '/';
	return count;
}

static int refuse(const struct removal *removal, const struct kube_reply *reply)
{
	fprintf(stderr, "nodewake uninstall-annotations: node %s: %s\n", removal->node_name,
		*reply->message	    ? reply->message
		: reply->status < 0 ? log_errno_text(reply->status)
				    : "the API server refuses");
	return CLI_FAILED;
}

static void on_removed(void *context, const struct kube_reply *reply)
{
	struct removal *removal = context;
	int left, code = CLI_OK;

	if (!kube_reply_ok(reply)) {
		sd_event_exit(removal->loop, refuse(removal, reply));
		return;
	}
	left = count_annotations(removal, reply);
	if (removal->before < 0)
		printf("node %s: the annotations of %s are removed\n", removal->node_name,
		       removal->prefix);
	else
		printf("node %s: %d annotations of %s removed\n", removal->node_name,
		       removal->before - left, removal->prefix);
	if (left) {
		printf("%d are left: another field manager owns them\n", left);
		code = CLI_FAILED;
	}
	sd_event_exit(removal->loop, code);
}

static void on_read(void *context, const struct kube_reply *reply)
{
	struct removal *removal = context;
	json_auto_t *none = json_object();
	int r;

	/* an apply to what is not there would make it; but not for who may not even read */
	if (!kube_reply_ok(reply) && reply->status != 403) {
		sd_event_exit(removal->loop, refuse(removal, reply));
		return;
	}
	removal->before = kube_reply_ok(reply) ? count_annotations(removal, reply) : -1;
	r = node_apply_write(removal->kube, removal->node_name,
			     kube_reply_ok(reply) ? node_apply_uid(reply) : "", none, on_removed,
			     removal);
	if (r < 0) {
		struct kube_reply failure = {.status = r, .message = ""};

		sd_event_exit(removal->loop, refuse(removal, &failure));
	}
}

static int run(struct removal *removal, const struct settings *settings)
{
	struct kube_options options = {.kubeconfig = settings->kubeconfig};
	char why[256] = "";
	int r = kube_name_of_node(settings->node_name, removal->node_name);

	if (r < 0) {
		fputs("nodewake uninstall-annotations: --node-name is needed\n", stderr);
		return CLI_USAGE;
	}
	r = sd_event_default(&removal->loop);
	if (r >= 0)
		r = kube_new(&removal->kube, removal->loop, &options, why);
	if (r == 0)
		r = node_apply_read(removal->kube, removal->node_name, on_read, removal);
	if (r < 0) {
		fprintf(stderr, "nodewake uninstall-annotations: %s\n",
			*why	       ? why
			: r == -ENOENT ? "not in a pod: --kubeconfig is needed"
				       : log_errno_text(r));
		return CLI_FAILED;
	}
	return sd_event_loop(removal->loop);
}

int uninstall_annotations(int argc, char **argv)
{
	struct settings settings;
	struct removal removal = {0};
	int code;

	code = settings_read(&settings, argc, argv, help);
	if (code != 0)
		return code < 0 ? CLI_USAGE : CLI_OK;
	removal.prefix = settings.annotation_prefix;
	code = run(&removal, &settings);
	kube_free(removal.kube);
	sd_event_unref(removal.loop);
	return code < 0 ? CLI_FAILED : code;
}
