/* SPDX-License-Identifier: Apache-2.0 */
/* One connection, one call at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "client/rpc.h"
#include "cri/cri.h"

void (*cri_on_refusal)(const char *method, const char *message);

static struct rpc *rpc;
static sd_event *loop;

static void connect_runtime(void)
{
	if (sd_event_default(&loop) < 0 || rpc_new(&rpc, loop, getenv("CRI_SOCKET")) < 0) {
		fprintf(stderr, "cri: no connection can be made\n");
		exit(1);
	}
}

struct waiting {
	bool done;
	int status;
	char message[1024];
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *reply;
};

/* Keeps a copy: the reply dies when this returns. */
static void on_reply(void *context, int status, const char *message, const ProtobufCMessage *reply)
{
	struct waiting *waiting = context;

	waiting->done = true;
	waiting->status = status;
	snprintf(waiting->message, sizeof(waiting->message), "%s", message);
	if (reply) {
		size_t size = protobuf_c_message_get_packed_size(reply);
		uint8_t *bytes = malloc(size ? size : 1);

		protobuf_c_message_pack(reply, bytes);
		waiting->reply = protobuf_c_message_unpack(waiting->type, NULL, size, bytes);
		free(bytes);
	}
}

/* Waits for the answer; ends the program with one line if it is a refusal. */
void *cri_call(const char *path, const ProtobufCMessage *request,
	       const ProtobufCMessageDescriptor *type)
{
	struct rpc_method method = {.path = path, .reply = type, .deadline_ms = 600000};
	struct waiting waiting = {.type = type};

	if (!rpc)
		connect_runtime();
	if (rpc_call(rpc, &method, request, on_reply, &waiting) < 0) {
		fprintf(stderr, "cri: cannot call\n");
		exit(1);
	}
	while (!waiting.done)
		sd_event_run(loop, UINT64_MAX);
	if (waiting.status != RPC_OK) {
		fprintf(stderr, "cri: %s: status %d: %s\n", strrchr(path, '/') + 1, waiting.status,
			waiting.message);
		if (cri_on_refusal)
			cri_on_refusal(strrchr(path, '/') + 1, waiting.message);
		exit(1);
	}
	return waiting.reply;
}

void cri_hang_up(void)
{
	rpc_free(rpc);
	sd_event_unref(loop);
}
