/* SPDX-License-Identifier: Apache-2.0 */
/* "127.0.0.1:9464" as a listening TCP socket, for http_server.c. No name is ever looked up. */
#pragma once

#define HTTP_ADDRESS_SIZE 64

/*
 * address: IPV4:PORT, [IPV6]:PORT, or :PORT for every address of the machine; port 0 is any that is free.
 * Returns a descriptor that does not block, -EINVAL for a text that is none of these, or what bind said.
 * ret_address (also of port 0) is what it listens on.
 */
int http_listen(const char *address, char ret_address[static HTTP_ADDRESS_SIZE]);
