/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over a unix socket on an sd-event loop: unary calls and server streams of protobuf-c
 * messages. The only place that knows the gRPC C core.
 *
 * One thread waits on the completion queue, links what is done into a list and wakes the loop;
 * every callback runs on the loop's thread. The channel reconnects by itself.
 *
 * Block SIGTERM and SIGINT before the first rpc_new: the library's threads inherit the mask.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct rpc;

#define RPC_OK		  0
#define RPC_CANCELLED	  1
#define RPC_DEADLINE	  4
#define RPC_NOT_FOUND	  5
#define RPC_UNIMPLEMENTED 12
#define RPC_UNAVAILABLE	  14
#define RPC_UNDECODABLE	  -1 /* the reply was no such message */

/* Returns 0 or a negative errno. Does not connect yet. */
int rpc_new(struct rpc **ret, sd_event *loop, const char *socket);

/* Cancels what is under way; the callbacks are not called any more. */
void rpc_free(struct rpc *rpc);

struct rpc_method {
	const char *path;	    /* "/runtime.v1.RuntimeService/ListContainers" */
	const char *namespace_name; /* containerd-namespace, NULL for CRI */
	const ProtobufCMessageDescriptor *reply;
	uint32_t deadline_ms;
};

/* reply is NULL unless status is RPC_OK; it and message die on return. */
typedef void (*rpc_reply_fn)(void *context, int status, const char *message,
			     const ProtobufCMessage *reply);

/* Calls back exactly once, later. Returns 0 or -ENOMEM. */
int rpc_call(struct rpc *rpc, const struct rpc_method *method, const ProtobufCMessage *request,
	     rpc_reply_fn on_reply, void *context);

typedef void (*rpc_message_fn)(void *context, const uint8_t *data, size_t size);
typedef void (*rpc_end_fn)(void *context, int status, const char *message);

/* Messages come undecoded; on_end is called once, unless the rpc is freed before. */
int rpc_open_stream(struct rpc *rpc, const struct rpc_method *method,
		    const ProtobufCMessage *request, rpc_message_fn on_message, rpc_end_fn on_end,
		    void *context);
