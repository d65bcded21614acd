/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/systemd_fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "unit/bus_json.h"

struct fake_peer {
	struct fake_peer *next;
	struct fake_systemd *fake;
	sd_bus *bus;
};

struct late {
	struct fake_systemd *fake;
	sd_bus_message *reply;
	sd_event_source *timer;
};

static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "fake systemd: %s\n", strerror(-r));
		abort();
	}
}

static void append_stamp(sd_bus_message *reply, const char *name, uint64_t us, bool garbage)
{
	must(garbage ? sd_bus_message_append(reply, "{sv}", name, "s", "yesterday")
		     : sd_bus_message_append(reply, "{sv}", name, "t", us));
}

static void append_manager(sd_bus_message *reply, const struct systemd_manager *manager,
			   bool garbage)
{
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	must(sd_bus_message_append(reply, "{sv}", "Version", "s", "252"));
	append_stamp(reply, "FirmwareTimestampMonotonic", manager->firmware_us, garbage);
	append_stamp(reply, "LoaderTimestampMonotonic", manager->loader_us, false);
	append_stamp(reply, "InitRDTimestampMonotonic", manager->initrd_us, false);
	append_stamp(reply, "UserspaceTimestampMonotonic", manager->userspace_us, false);
	append_stamp(reply, "FinishTimestampMonotonic", manager->finish_us, false);
	must(sd_bus_message_close_container(reply));
}

static void append_unit(sd_bus_message *reply, const struct fake_unit *unit, bool garbage)
{
	garbage = garbage || unit->garbage;
	must(sd_bus_message_open_container(reply, 'a', "{sv}"));
	must(sd_bus_message_append(reply, "{sv}", "Id", "s", unit->name));
	must(sd_bus_message_append(reply, "{sv}", "Job", "(uo)", 0, "/"));
	must(sd_bus_message_open_container(reply, 'e', "sv"));
	must(sd_bus_message_append(reply, "s", "After"));
	must(sd_bus_message_open_container(reply, 'v', "as"));
	must(sd_bus_message_append_strv(reply, (char **)unit->after));
	must(sd_bus_message_close_container(reply));
	must(sd_bus_message_close_container(reply));
	append_stamp(reply, "InactiveExitTimestampMonotonic", unit->inactive_exit_us, garbage);
	append_stamp(reply, "ActiveEnterTimestampMonotonic", unit->active_enter_us, false);
	append_stamp(reply, "ActiveExitTimestampMonotonic", unit->active_exit_us, false);
	append_stamp(reply, "InactiveEnterTimestampMonotonic", unit->inactive_enter_us, false);
	must(sd_bus_message_close_container(reply));
}

static void append_list(struct fake_systemd *fake, sd_bus_message *reply, bool garbage)
{
	if (garbage) {
		must(sd_bus_message_append(reply, "a(su)", 1, "a.service", 7u));
		return;
	}
	must(sd_bus_message_open_container(reply, 'a', "(ssssssouso)"));
	for (size_t i = 0; i < fake->unit_count; i++) {
		const struct fake_unit *unit = &fake->units[i];

		must(sd_bus_message_append(reply, "(ssssssouso)", unit->name, "a description",
					   unit->load ?: "loaded", unit->active,
					   unit->sub ?: "running", "", "/x", 0u, "", "/"));
	}
	must(sd_bus_message_close_container(reply));
}

static const struct fake_unit *find_unit(struct fake_systemd *fake, sd_bus_message *call)
{
	char *name = NULL;
	const struct fake_unit *found = NULL;

	if (sd_bus_path_decode(sd_bus_message_get_path(call), "/org/freedesktop/systemd1/unit",
			       &name) <= 0)
		return NULL;
	for (size_t i = 0; i < fake->unit_count; i++)
		if (strcmp(fake->units[i].name, name) == 0)
			found = &fake->units[i];
	free(name);
	return found;
}

/* From the recording: by the member, or by the unit that the path names. */
static bool append_recorded(struct fake_systemd *fake, sd_bus_message *call, sd_bus_message *reply)
{
	const char *member = sd_bus_message_get_member(call);
	const char *path = sd_bus_message_get_path(call);
	char *name = NULL;
	json_t *answer;

	if (strcmp(member, "ListUnits") == 0)
		answer = json_object_get(fake->recorded, "list");
	else if (sd_bus_path_decode(path, "/org/freedesktop/systemd1/unit", &name) > 0)
		answer = json_object_get(fake->recorded, name);
	else
		answer = json_object_get(fake->recorded, "manager");
	free(name);
	if (!answer)
		return false;
	bus_json_append(reply, json_string_value(json_object_get(answer, "type")),
			json_array_get(json_object_get(answer, "data"), 0));
	return true;
}

static bool append_answer(struct fake_systemd *fake, sd_bus_message *call, sd_bus_message *reply,
			  bool garbage)
{
	const char *member = sd_bus_message_get_member(call);
	const struct fake_unit *unit = find_unit(fake, call);

	if (fake->recorded)
		return append_recorded(fake, call, reply);
	if (strcmp(member, "ListUnits") == 0)
		append_list(fake, reply, garbage);
	else if (strcmp(sd_bus_message_get_path(call), "/org/freedesktop/systemd1") == 0)
		append_manager(reply, &fake->manager, garbage);
	else if (!unit)
		return false;
	else if (strcmp(member, "Get") != 0)
		append_unit(reply, unit, garbage);
	else if (garbage)
		must(sd_bus_message_append(reply, "v", "u", 3u));
	else
		must(sd_bus_message_append(reply, "v", "s", unit->result ?: "success"));
	return true;
}

static int on_late(sd_event_source *timer, uint64_t time_us, void *context)
{
	struct late *late = context;

	(void)time_us;
	late->fake->waiting--;
	sd_bus_send(NULL, late->reply, NULL); /* the peer may be gone */
	sd_bus_message_unref(late->reply);
	sd_event_source_disable_unref(timer);
	free(late);
	return 0;
}

static void answer(struct fake_systemd *fake, sd_bus_message *reply)
{
	struct late *late;

	if (!fake->delay_ms) {
		sd_bus_send(NULL, reply, NULL);
		sd_bus_message_unref(reply);
		return;
	}
	late = calloc(1, sizeof(*late));
	late->fake = fake;
	late->reply = reply;
	if (++fake->waiting > fake->most_waiting)
		fake->most_waiting = fake->waiting;
	must(sd_event_add_time_relative(fake->loop, &late->timer, CLOCK_MONOTONIC,
					fake->delay_ms * 1000, 1, on_late, late));
}

static void reply_to(struct fake_systemd *fake, sd_bus_message *call, enum fake_manner manner)
{
	sd_bus_message *reply = NULL;

	must(sd_bus_message_new_method_return(call, &reply));
	if (manner == FAKE_REFUSES ||
	    !append_answer(fake, call, reply, manner == FAKE_TALKS_RUBBISH)) {
		sd_bus_message_unref(reply);
		must(sd_bus_message_new_method_errorf(call, &reply, SD_BUS_ERROR_ACCESS_DENIED,
						      "not for you"));
	}
	answer(fake, reply);
}

static int on_call(sd_bus_message *call, void *context, sd_bus_error *unused)
{
	struct fake_peer *peer = context;
	struct fake_systemd *fake = peer->fake;
	const char *member = sd_bus_message_get_member(call);
	enum fake_manner manner = fake->manner;

	(void)unused;
	if (sd_bus_message_is_signal(call, NULL, NULL) || !member)
		return 0;
	/* each peer's authentication and Hello are the bus's, and well done */
	if (strcmp(member, "Hello") == 0) {
		fake->hellos++;
		return sd_bus_reply_method_return(call, "s", ":1.7");
	}
	if (fake->hang_up_at && --fake->hang_up_at == 0) {
		sd_bus_close(peer->bus);
		return 1;
	}
	fake->calls++;
	fake->unit_calls += strstr(sd_bus_message_get_path(call), "/unit/") != NULL;
	if (fake->manner_for && strcmp(fake->manner_for, member) != 0 &&
	    (*fake->manner_for != '/' || !strstr(sd_bus_message_get_path(call), fake->manner_for)))
		manner = FAKE_ANSWERS;
	if (manner != FAKE_IS_SILENT)
		reply_to(fake, call, manner);
	return 1;
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct fake_systemd *fake = context;
	struct fake_peer *peer = calloc(1, sizeof(*peer));
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (!peer || connection < 0)
		abort();
	peer->fake = fake;
	peer->next = fake->peers;
	fake->peers = peer;
	fake->connections++;
	must(sd_bus_new(&peer->bus));
	must(sd_bus_set_fd(peer->bus, connection, connection));
	must(sd_bus_set_server(peer->bus, true,
			       SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 0)));
	must(sd_bus_add_filter(peer->bus, NULL, on_call, peer));
	must(sd_bus_start(peer->bus));
	must(sd_bus_attach_event(peer->bus, fake->loop, 0));
	return 0;
}

void fake_systemd_open(struct fake_systemd *fake, sd_event *loop)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*fake = (struct fake_systemd){.loop = loop, .dir = "/tmp/nodewake-test-XXXXXX"};
	if (!mkdtemp(fake->dir))
		abort();
	snprintf(fake->socket, sizeof(fake->socket), "%s/private", fake->dir);
	snprintf(fake->address, sizeof(fake->address), "unix:path=%s", fake->socket);
	strcpy(address.sun_path, fake->socket);
	fake->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(fake->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fake->fd, 16) < 0)
		abort();
	must(sd_event_add_io(loop, &fake->accept, fake->fd, EPOLLIN, on_accept, fake));
}

void fake_systemd_stop(struct fake_systemd *fake)
{
	if (fake->fd < 0)
		return;
	fake->accept = sd_event_source_disable_unref(fake->accept);
	close(fake->fd);
	fake->fd = -1;
	while (fake->peers) {
		struct fake_peer *peer = fake->peers;

		fake->peers = peer->next;
		sd_bus_close_unref(peer->bus);
		free(peer);
	}
}

void fake_systemd_close(struct fake_systemd *fake)
{
	fake_systemd_stop(fake);
	/* answers that are still to come */
	for (int i = 0; i < 2000 && fake->waiting; i++)
		sd_event_run(fake->loop, 1000);
	json_decref(fake->recorded);
	unlink(fake->socket);
	if (rmdir(fake->dir) < 0)
		abort();
}
