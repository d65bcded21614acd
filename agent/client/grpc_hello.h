/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a gRPC server answer on this socket: the begin of an HTTP/2 connection, and no more.
 *
 * For doctor and health, which want a yes or no within a bound; who wants to call something takes client/rpc.
 */
#pragma once

#include <stdint.h>

/*
 * Returns 0 or a negative errno: -ECONNREFUSED, -ENOENT or -EACCES as connect() says, -ETIMEDOUT if it is silent,
 * -EPROTO if it speaks something else. Blocks for at most timeout_ms at each of three steps.
 */
int grpc_hello(const char *socket, uint32_t timeout_ms);
