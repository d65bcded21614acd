/* SPDX-License-Identifier: Apache-2.0 */
#include "client/systemd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/systemd_private.h"

#define DEADLINE_MS	5000
#define NAME		"org.freedesktop.systemd1"
#define MANAGER		"/org/freedesktop/systemd1"
#define UNITS		"/org/freedesktop/systemd1/unit"
#define PROPERTIES	"org.freedesktop.DBus.Properties"

#define cleanup_message cleanup_with(sd_bus_message_unrefp)

#define WAYS_MAX	2

/*
 * What a bus callback returns: with 0 sd-bus would go on, and abort where the callback has closed the bus behind a
 * question's deadline (process_timeout, then dispatch_wqueue; seen with 252).
 */
#define HANDLED 1

/* One way to systemd. */
struct way {
	char address[256];
	bool bus; /* through the bus: others are there too, and want to be greeted */
};

struct question {
	struct question *next, *previous;
	struct systemd *systemd;
	sd_bus_slot *slot;
	void *context;
	uint32_t token;
	systemd_listed_fn on_listed;
	/* exactly one of them */
	systemd_done_fn on_done;
	systemd_unit_fn on_unit;
	systemd_result_fn on_result;
};

struct systemd {
	sd_event *loop;
	struct way ways[WAYS_MAX];
	int way; /* the one that is tried or used; WAYS_MAX: none answered */
	uint64_t deadline_us;
	sd_bus *bus;
	sd_bus_slot *opening;
	sd_event_source
		*deadline; /* of the connection: sd-bus counts a question's only from there on */
	struct question *questions;
	systemd_manager_fn on_manager;
	void *context;
	int error;
	char why[160]; /* what the first way that exists said */
};

static void try_next(struct systemd *systemd);

static void hang_up(struct systemd *systemd)
{
	systemd->opening = sd_bus_slot_unref(systemd->opening);
	/* not flushed: that would wait */
	systemd->bus = sd_bus_close_unref(systemd->bus);
}

/* A socket that is not there tells less than one that refuses. */
static void note_failure(struct systemd *systemd, int error, const char *why)
{
	if (systemd->error && (systemd->error != -ENOENT || error == -ENOENT))
		return;
	systemd->error = error;
	snprintf(systemd->why, sizeof(systemd->why), "%.90s: %.60s",
		 systemd->ways[systemd->way].address, why ?: strerror(-error));
}

static int on_deadline(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct systemd *systemd = context;

	(void)timer;
	(void)time_us;
	if (systemd->way == WAYS_MAX) {
		systemd->on_manager(systemd->context, systemd->error, systemd->why, NULL);
		return 0;
	}
	note_failure(systemd, -ETIMEDOUT, "it takes connections and does not answer");
	hang_up(systemd);
	systemd->way++;
	try_next(systemd);
	return 0;
}

static void arm(struct systemd *systemd, uint64_t after_us)
{
	sd_event_source_set_time_relative(systemd->deadline, after_us);
	sd_event_source_set_enabled(systemd->deadline, SD_EVENT_ONESHOT);
}

static int on_opened(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	const sd_bus_error *refusal = sd_bus_message_get_error(reply);
	struct systemd_manager manager;
	struct systemd *systemd = context;
	int r = refusal ? -sd_bus_message_get_errno(reply)
			: systemd_decode_manager(reply, &manager);

	(void)unused;
	if (r < 0) {
		note_failure(systemd, r, refusal ? refusal->message : NULL);
		hang_up(systemd);
		systemd->way++;
		try_next(systemd);
		return HANDLED;
	}
	sd_event_source_set_enabled(systemd->deadline, SD_EVENT_OFF);
	systemd->opening = sd_bus_slot_unref(systemd->opening);
	systemd->on_manager(systemd->context, 0, "", &manager);
	return HANDLED;
}

static int new_call(struct systemd *systemd, sd_bus_message **ret, const char *path,
		    const char *interface, const char *member)
{
	int r = sd_bus_message_new_method_call(systemd->bus, ret, NAME, path, interface, member);

	/* not to start what should run already, on a bus without systemd */
	return r < 0 ? r : sd_bus_message_set_auto_start(*ret, false);
}

static int open_way(struct systemd *systemd, const struct way *way)
{
	cleanup_message sd_bus_message *call = NULL;
	int r = sd_bus_new(&systemd->bus);

	if (r >= 0)
		r = sd_bus_set_address(systemd->bus, way->address);
	if (r >= 0)
		r = sd_bus_set_bus_client(systemd->bus, way->bus);
	if (r >= 0)
		r = sd_bus_start(systemd->bus);
	if (r >= 0)
		r = sd_bus_attach_event(systemd->bus, systemd->loop, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = new_call(systemd, &call, MANAGER, PROPERTIES, "GetAll");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", NAME ".Manager");
	if (r >= 0)
		r = sd_bus_call_async(systemd->bus, &systemd->opening, call, on_opened, systemd,
				      systemd->deadline_us);
	return r;
}

static void try_next(struct systemd *systemd)
{
	for (; systemd->way < WAYS_MAX; systemd->way++) {
		int r = open_way(systemd, &systemd->ways[systemd->way]);

		if (r >= 0) {
			arm(systemd, systemd->deadline_us);
			return;
		}
		note_failure(systemd, r, NULL);
		hang_up(systemd);
	}
	arm(systemd, 0);
}

static void choose_ways(struct systemd *systemd, const struct systemd_options *options)
{
	const char *wished = options->bus_address ? NULL : getenv("DBUS_SYSTEM_BUS_ADDRESS");
	bool bus_first = wished && *wished;
	struct way *bus = &systemd->ways[!bus_first], *own = &systemd->ways[bus_first];

	bus->bus = true;
	TEXT_COPY(bus->address,
		  bus_first ? wished
			    : options->bus_address ?: "unix:path=/run/dbus/system_bus_socket");
	snprintf(own->address, sizeof(own->address), "unix:path=%s",
		 options->private_socket ?: "/run/systemd/private");
}

int systemd_open(struct systemd **ret, sd_event *loop, const struct systemd_options *options,
		 systemd_manager_fn on_manager, void *context)
{
	struct systemd *systemd = calloc(1, sizeof(*systemd));

	if (!systemd)
		return -ENOMEM;
	systemd->loop = loop;
	systemd->on_manager = on_manager;
	systemd->context = context;
	systemd->deadline_us = (options->deadline_ms ?: DEADLINE_MS) * 1000;
	choose_ways(systemd, options);
	int r = sd_event_add_time_relative(loop, &systemd->deadline, CLOCK_MONOTONIC,
					   systemd->deadline_us, 1000, on_deadline, systemd);

	if (r < 0) {
		systemd_free(systemd);
		return r;
	}
	try_next(systemd);
	*ret = systemd;
	return 0;
}

static void forget(struct question *question)
{
	if (question->previous)
		question->previous->next = question->next;
	else
		question->systemd->questions = question->next;
	if (question->next)
		question->next->previous = question->previous;
	sd_bus_slot_unref(question->slot);
	free(question);
}

void systemd_free(struct systemd *systemd)
{
	if (!systemd)
		return;
	while (systemd->questions)
		forget(systemd->questions);
	hang_up(systemd);
	sd_event_source_disable_unref(systemd->deadline);
	free(systemd);
}

static void answer(const struct question *question, int error, sd_bus_message *reply)
{
	if (question->on_done) {
		if (!error)
			error = systemd_decode_list(reply, question->on_listed, question->context);
		question->on_done(question->context, error);
	} else if (question->on_unit) {
		struct systemd_unit unit = {0};

		if (!error)
			error = systemd_decode_unit(reply, &unit);
		question->on_unit(question->context, question->token, error, error ? NULL : &unit);
		systemd_free_after(&unit);
	} else {
		const char *result = NULL;

		if (!error)
			error = systemd_decode_result(reply, &result);
		question->on_result(question->context, question->token, error, result);
	}
}

static int on_reply(sd_bus_message *reply, void *context, sd_bus_error *unused)
{
	struct question question = *(struct question *)context;

	(void)unused;
	/* first: the callback may free the client */
	forget(context);
	answer(&question, -sd_bus_message_get_errno(reply), reply);
	return HANDLED;
}

static int ask(struct systemd *systemd, sd_bus_message *call, const struct question *what)
{
	struct question *question = malloc(sizeof(*question));

	if (!question)
		return -ENOMEM;
	*question = *what;
	question->systemd = systemd;
	int r = sd_bus_call_async(systemd->bus, &question->slot, call, on_reply, question,
				  systemd->deadline_us);

	if (r < 0) {
		free(question);
		return r;
	}
	question->next = systemd->questions;
	if (question->next)
		question->next->previous = question;
	systemd->questions = question;
	return 0;
}

int systemd_list(struct systemd *systemd, systemd_listed_fn on_listed, systemd_done_fn on_done,
		 void *context)
{
	const struct question what = {
		.context = context, .on_listed = on_listed, .on_done = on_done};
	cleanup_message sd_bus_message *call = NULL;
	int r = new_call(systemd, &call, MANAGER, NAME ".Manager", "ListUnits");

	return r < 0 ? r : ask(systemd, call, &what);
}

int systemd_read_unit(struct systemd *systemd, const char *name, systemd_unit_fn on_unit,
		      void *context, uint32_t token)
{
	const struct question what = {.context = context, .token = token, .on_unit = on_unit};
	cleanup_message sd_bus_message *call = NULL;
	cleanup_free char *path = NULL;
	int r = sd_bus_path_encode(UNITS, name, &path);

	if (r >= 0)
		r = new_call(systemd, &call, path, PROPERTIES, "GetAll");
	if (r >= 0)
		r = sd_bus_message_append(call, "s", NAME ".Unit");
	return r < 0 ? r : ask(systemd, call, &what);
}

static const char *result_interface(const char *name)
{
	static const char *const types[][2] = {
		{".service", NAME ".Service"}, {".mount", NAME ".Mount"},
		{".swap", NAME ".Swap"},       {".socket", NAME ".Socket"},
		{".timer", NAME ".Timer"},     {".path", NAME ".Path"},
		{".scope", NAME ".Scope"},     {".automount", NAME ".Automount"},
	};
	const char *suffix = strrchr(name, '.');

	for (size_t i = 0; suffix && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i][0], suffix) == 0)
			return types[i][1];
	return NULL;
}

int systemd_read_result(struct systemd *systemd, const char *name, systemd_result_fn on_result,
			void *context, uint32_t token)
{
	const struct question what = {.context = context, .token = token, .on_result = on_result};
	cleanup_message sd_bus_message *call = NULL;
	const char *interface = result_interface(name);
	cleanup_free char *path = NULL;

	if (!interface)
		return -EOPNOTSUPP;
	int r = sd_bus_path_encode(UNITS, name, &path);

	if (r >= 0)
		r = new_call(systemd, &call, path, PROPERTIES, "Get");
	if (r >= 0)
		r = sd_bus_message_append(call, "ss", interface, "Result");
	return r < 0 ? r : ask(systemd, call, &what);
}
