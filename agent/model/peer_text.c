/* SPDX-License-Identifier: Apache-2.0 */
#include "model/peer_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DNS_PORT     53
#define WHERE_SIZE   (POD_PATH_SIZE + ADDRESS_SIZE + 16)
#define OUTCOME_SIZE 32

static const char *manner(int32_t error)
{
	switch (error) {
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timed out";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "unreachable";
	default:
		return "failed";
	}
}

static void where(const char *name, const char *address, uint16_t port,
		  char ret_text[static WHERE_SIZE])
{
	const char *gap = *name ? " " : "";

	if (!port)
		snprintf(ret_text, WHERE_SIZE, "%s%s%s", name, gap, address);
	else if (strchr(address, ':'))
		snprintf(ret_text, WHERE_SIZE, "%s%s[%s]:%u", name, gap, address, port);
	else
		snprintf(ret_text, WHERE_SIZE, "%s%s%s:%u", name, gap, address, port);
}

void peer_text_failed(uint32_t count, int32_t error, const char *name, const char *address,
		      uint16_t port, char ret_text[static PEER_TEXT_SIZE])
{
	char peer[WHERE_SIZE];

	where(name, address, port, peer);
	snprintf(ret_text, PEER_TEXT_SIZE, "%" PRIu32 " %s connection%s to %s", count,
		 manner(error), count == 1 ? "" : "s", peer);
}

/* RFC 1035, 4.1.1 */
static void outcome(int32_t code, char ret_text[static OUTCOME_SIZE])
{
	static const char *const words[] = {
		[1] = "FORMERR", [2] = "SERVFAIL", [4] = "NOTIMP", [5] = "REFUSED"};

	if (code < 0)
		snprintf(ret_text, OUTCOME_SIZE, "unanswered");
	else if ((size_t)code < sizeof(words) / sizeof(*words) && words[code])
		snprintf(ret_text, OUTCOME_SIZE, "failed (%s)", words[code]);
	else
		snprintf(ret_text, OUTCOME_SIZE, "failed (%" PRId32 ")", code);
}

static void dns_text(const struct peer_wait *wait, char ret_text[static PEER_TEXT_SIZE])
{
	char peer[WHERE_SIZE], took[DURATION_TEXT_SIZE], longest[DURATION_TEXT_SIZE];
	char code[OUTCOME_SIZE], failed[OUTCOME_SIZE + 16] = "";

	text_duration(wait->wait_ns, took);
	text_duration(wait->longest_ns, longest);
	where(wait->name, wait->address, wait->port == DNS_PORT ? 0 : wait->port, peer);
	outcome(wait->error, code);
	if (wait->failed && wait->failed == wait->count)
		snprintf(failed, sizeof(failed), ", %s", code);
	else if (wait->failed)
		snprintf(failed, sizeof(failed), ", %" PRIu32 " %s", wait->failed, code);
	snprintf(ret_text, PEER_TEXT_SIZE, "%" PRIu32 " dns question%s to %s took %s%s%s%s%s%s",
		 wait->count, wait->count == 1 ? "" : "s", peer, took, failed,
		 wait->count > 1 ? ", the longest " : "", wait->count > 1 ? longest : "",
		 *wait->query ? ", for " : "", wait->query);
}

static void slow_text(const struct peer_wait *wait, char ret_text[static PEER_TEXT_SIZE])
{
	char peer[WHERE_SIZE], took[DURATION_TEXT_SIZE], longest[DURATION_TEXT_SIZE];

	text_duration(wait->wait_ns, took);
	text_duration(wait->longest_ns, longest);
	where(wait->name, wait->address, wait->port, peer);
	snprintf(ret_text, PEER_TEXT_SIZE, "%" PRIu32 " slow connection%s to %s took %s%s%s",
		 wait->count, wait->count == 1 ? "" : "s", peer, took,
		 wait->count > 1 ? ", the slowest " : "", wait->count > 1 ? longest : "");
}

void peer_text(const struct peer_wait *wait, char ret_text[static PEER_TEXT_SIZE])
{
	char took[DURATION_TEXT_SIZE];
	size_t used;

	switch (wait->kind) {
	case PEER_WAIT_DNS:
		dns_text(wait, ret_text);
		break;
	case PEER_WAIT_SLOW:
		slow_text(wait, ret_text);
		break;
	default:
		peer_text_failed(wait->count, wait->error, wait->name, wait->address, wait->port,
				 ret_text);
		text_duration(wait->wait_ns, took);
		used = strlen(ret_text);
		snprintf(ret_text + used, PEER_TEXT_SIZE - used, " in %s", took);
	}
}
