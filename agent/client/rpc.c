/* SPDX-License-Identifier: Apache-2.0 */
#include "client/rpc.h"

#include <errno.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/memory.h"

#define LARGE_BYTES	  (1 << 20)
#define RECEIVE_BYTES_MAX (64 << 20) /* containerd sends up to 16 MB; the default is 4 */

/* One batch of operations that the completion queue tells the end of. */
struct batch {
	void (*done)(struct batch *batch, bool ok);
	struct call *call;
	struct batch *next;
	bool ok;
};

struct call {
	struct rpc *rpc;
	struct call *next, **link; /* the rpc's list of calls under way */
	grpc_call *call;
	struct batch whole, message; /* a stream has two under way */
	int pending;
	bool streaming;

	grpc_metadata_array headers, trailers;
	grpc_byte_buffer *received;
	grpc_status_code status;
	grpc_slice details;

	const ProtobufCMessageDescriptor *reply;
	rpc_reply_fn on_reply;
	rpc_message_fn on_message;
	rpc_end_fn on_end;
	void *context;
};

struct rpc {
	grpc_channel *channel;
	grpc_completion_queue *queue;
	pthread_t thread;
	bool threaded;
	int wake_fd;
	sd_event_source *wake;
	struct call *calls;
	bool closing;

	pthread_mutex_t lock; /* protects done */
	struct batch *done, **done_end;
};

static void *wait_on_queue(void *argument)
{
	struct rpc *rpc = argument;
	gpr_timespec forever = gpr_inf_future(GPR_CLOCK_REALTIME);

	for (;;) {
		grpc_event event = grpc_completion_queue_next(rpc->queue, forever, NULL);

		if (event.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		struct batch *batch = event.tag;

		batch->ok = event.success;
		batch->next = NULL;
		pthread_mutex_lock(&rpc->lock);
		*rpc->done_end = batch;
		rpc->done_end = &batch->next;
		pthread_mutex_unlock(&rpc->lock);
		eventfd_write(rpc->wake_fd, 1);
	}
}

static void deliver(struct rpc *rpc)
{
	eventfd_t count;

	eventfd_read(rpc->wake_fd, &count);
	pthread_mutex_lock(&rpc->lock);
	struct batch *batch = rpc->done;

	rpc->done = NULL;
	rpc->done_end = &rpc->done;
	pthread_mutex_unlock(&rpc->lock);
	while (batch) {
		struct batch *next = batch->next;

		batch->done(batch, batch->ok);
		batch = next;
	}
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	deliver(context);
	return 0;
}

static grpc_channel *open_channel(const char *socket)
{
	char target[128];
	/* a fixed authority: newer cores send the escaped path, which strict servers refuse */
	grpc_arg arguments[] = {
		{.type = GRPC_ARG_STRING,
		 .key = (char *)GRPC_ARG_DEFAULT_AUTHORITY,
		 .value.string = (char *)"localhost"},
		{.type = GRPC_ARG_INTEGER,
		 .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		 .value.integer = RECEIVE_BYTES_MAX},
		{.type = GRPC_ARG_INTEGER,
		 .key = (char *)GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
		 .value.integer = 200},
		{.type = GRPC_ARG_INTEGER,
		 .key = (char *)GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
		 .value.integer = 1000},
		/* in fact the time that a connection may take */
		{.type = GRPC_ARG_INTEGER,
		 .key = (char *)GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
		 .value.integer = 5000},
	};
	grpc_channel_args list = {.num_args = sizeof(arguments) / sizeof(*arguments),
				  .args = arguments};
	grpc_channel_credentials *credentials = grpc_insecure_credentials_create();

	snprintf(target, sizeof(target), "unix:%s", socket);
	grpc_channel *channel = grpc_channel_create(target, credentials, &list);

	grpc_channel_credentials_release(credentials);
	return channel;
}

int rpc_new(struct rpc **ret, sd_event *loop, const char *socket)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));
	int r;

	if (!rpc)
		return -ENOMEM;
	setenv("GRPC_VERBOSITY", "NONE", 0);
	unsetenv("GRPC_TRACE");
	grpc_init();
	rpc->done_end = &rpc->done;
	pthread_mutex_init(&rpc->lock, NULL);
	rpc->queue = grpc_completion_queue_create_for_next(NULL);
	rpc->channel = open_channel(socket);
	rpc->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = rpc->wake_fd < 0
		    ? -errno
		    : sd_event_add_io(loop, &rpc->wake, rpc->wake_fd, EPOLLIN, on_wake, rpc);
	if (r >= 0) {
		r = -pthread_create(&rpc->thread, NULL, wait_on_queue, rpc);
		rpc->threaded = r == 0;
	}
	if (r < 0) {
		rpc_free(rpc);
		return r;
	}
	*ret = rpc;
	return 0;
}

/*
 * The queue's shutdown never ends while a call lives: cancel all, and wait for their ends. gRPC itself is left as it is: its
 * shutdown waits for each thread that it wanted to have, also for those that the machine did not give it.
 */
void rpc_free(struct rpc *rpc)
{
	if (!rpc)
		return;
	rpc->closing = true;
	for (struct call *call = rpc->calls; call; call = call->next)
		grpc_call_cancel(call->call, NULL);
	while (rpc->calls) {
		struct timespec pause = {.tv_nsec = 200000};

		deliver(rpc);
		if (rpc->calls)
			nanosleep(&pause, NULL);
	}
	grpc_completion_queue_shutdown(rpc->queue);
	if (rpc->threaded)
		pthread_join(rpc->thread, NULL);
	grpc_completion_queue_destroy(rpc->queue);
	grpc_channel_destroy(rpc->channel);
	sd_event_source_disable_unref(rpc->wake);
	if (rpc->wake_fd >= 0)
		close(rpc->wake_fd);
	pthread_mutex_destroy(&rpc->lock);
	free(rpc);
}

static void free_call(struct call *call)
{
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	grpc_metadata_array_destroy(&call->headers);
	grpc_metadata_array_destroy(&call->trailers);
	if (call->received)
		grpc_byte_buffer_destroy(call->received);
	grpc_slice_unref(call->details);
	grpc_call_unref(call->call);
	free(call);
}

/* The bytes of what was received, which dies: a listing of thousands of containers is not kept twice. */
static grpc_slice take_received(struct call *call)
{
	grpc_slice slice = grpc_empty_slice();
	grpc_byte_buffer_reader reader;

	if (!call->received)
		return slice;
	if (grpc_byte_buffer_reader_init(&reader, call->received)) {
		slice = grpc_byte_buffer_reader_readall(&reader);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	grpc_byte_buffer_destroy(call->received);
	call->received = NULL;
	return slice;
}

static void tell_reply(struct call *call)
{
	grpc_slice slice = take_received(call);
	size_t bytes = GRPC_SLICE_LENGTH(slice);
	/* an empty message has no bytes at all */
	ProtobufCMessage *reply =
		protobuf_c_message_unpack(call->reply, NULL, bytes, GRPC_SLICE_START_PTR(slice));

	grpc_slice_unref(slice);
	call->on_reply(call->context, reply ? RPC_OK : RPC_UNDECODABLE,
		       reply ? "" : "undecodable reply", reply);
	if (reply)
		protobuf_c_message_free_unpacked(reply, NULL);
	if (bytes > LARGE_BYTES)
		memory_trim();
}

static void unary_done(struct batch *batch, bool ok)
{
	struct call *call = batch->call;

	(void)ok;
	if (!call->rpc->closing) {
		cleanup_free char *details = grpc_slice_to_c_string(call->details);

		if (call->status == GRPC_STATUS_OK)
			tell_reply(call);
		else
			call->on_reply(call->context, (int)call->status, details ? details : "",
				       NULL);
	}
	free_call(call);
}

static void end_stream(struct call *call)
{
	if (--call->pending > 0)
		return;
	if (!call->rpc->closing) {
		cleanup_free char *details = grpc_slice_to_c_string(call->details);

		call->on_end(call->context, (int)call->status, details ? details : "");
	}
	free_call(call);
}

static void receive_next(struct call *call)
{
	grpc_op op = {.op = GRPC_OP_RECV_MESSAGE,
		      .data.recv_message.recv_message = &call->received};

	call->received = NULL;
	if (grpc_call_start_batch(call->call, &op, 1, &call->message, NULL) == GRPC_CALL_OK)
		call->pending++;
}

static void message_done(struct batch *batch, bool ok)
{
	struct call *call = batch->call;
	bool more = ok && call->received;

	if (more) {
		grpc_slice slice = take_received(call);

		if (!call->rpc->closing)
			call->on_message(call->context, GRPC_SLICE_START_PTR(slice),
					 GRPC_SLICE_LENGTH(slice));
		grpc_slice_unref(slice);
		receive_next(call);
	}
	end_stream(call);
}

static void stream_done(struct batch *batch, bool ok)
{
	(void)ok;
	end_stream(batch->call);
}

static grpc_byte_buffer *pack(const ProtobufCMessage *request)
{
	size_t size = protobuf_c_message_get_packed_size(request);
	grpc_slice slice = grpc_slice_malloc(size);

	protobuf_c_message_pack(request, GRPC_SLICE_START_PTR(slice));
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	return buffer;
}

static struct call *new_call(struct rpc *rpc, const struct rpc_method *method, void *context)
{
	struct call *call = calloc(1, sizeof(*call));
	gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_REALTIME);

	if (!call)
		return NULL;
	if (method->deadline_ms)
		deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
					gpr_time_from_millis(method->deadline_ms, GPR_TIMESPAN));
	grpc_slice path = grpc_slice_from_static_string(method->path);

	call->rpc = rpc;
	call->reply = method->reply;
	call->context = context;
	call->details = grpc_empty_slice();
	call->whole.call = call->message.call = call;
	grpc_metadata_array_init(&call->headers);
	grpc_metadata_array_init(&call->trailers);
	call->call = grpc_channel_create_call(rpc->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
					      rpc->queue, path, NULL, deadline, NULL);
	call->next = rpc->calls;
	call->link = &rpc->calls;
	if (call->next)
		call->next->link = &call->next;
	rpc->calls = call;
	return call;
}

/* Everything of a call but, for a stream, the messages. */
static int start(struct call *call, const struct rpc_method *method,
		 const ProtobufCMessage *request)
{
	grpc_metadata namespace_name = {
		.key = grpc_slice_from_static_string("containerd-namespace")};
	grpc_byte_buffer *message = pack(request);
	grpc_op ops[6] = {0};
	size_t count = 0;

	if (method->namespace_name)
		namespace_name.value = grpc_slice_from_copied_string(method->namespace_name);
	ops[count++] = (grpc_op){
		.op = GRPC_OP_SEND_INITIAL_METADATA,
		.data.send_initial_metadata = {.count = method->namespace_name ? 1 : 0,
					       .metadata = &namespace_name},
	};
	ops[count++] =
		(grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message};
	ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
	ops[count++] = (grpc_op){
		.op = GRPC_OP_RECV_INITIAL_METADATA,
		.data.recv_initial_metadata.recv_initial_metadata = &call->headers,
	};
	if (!call->streaming)
		ops[count++] = (grpc_op){.op = GRPC_OP_RECV_MESSAGE,
					 .data.recv_message.recv_message = &call->received};
	ops[count++] = (grpc_op){
		.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
		.data.recv_status_on_client = {.trailing_metadata = &call->trailers,
					       .status = &call->status,
					       .status_details = &call->details},
	};
	grpc_call_error error = grpc_call_start_batch(call->call, ops, count, &call->whole, NULL);

	grpc_byte_buffer_destroy(message);
	if (method->namespace_name)
		grpc_slice_unref(namespace_name.value);
	if (error != GRPC_CALL_OK) {
		free_call(call);
		return -EIO;
	}
	call->pending++;
	return 0;
}

int rpc_call(struct rpc *rpc, const struct rpc_method *method, const ProtobufCMessage *request,
	     rpc_reply_fn on_reply, void *context)
{
	struct call *call = new_call(rpc, method, context);

	if (!call)
		return -ENOMEM;
	call->on_reply = on_reply;
	call->whole.done = unary_done;
	return start(call, method, request);
}

int rpc_open_stream(struct rpc *rpc, const struct rpc_method *method,
		    const ProtobufCMessage *request, rpc_message_fn on_message, rpc_end_fn on_end,
		    void *context)
{
	struct call *call = new_call(rpc, method, context);

	if (!call)
		return -ENOMEM;
	call->streaming = true;
	call->on_message = on_message;
	call->on_end = on_end;
	call->whole.done = stream_done;
	call->message.done = message_done;
	int r = start(call, method, request);

	if (r == 0)
		receive_next(call);
	return r;
}
