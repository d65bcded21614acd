// SPDX-License-Identifier: Apache-2.0
/* The question after units, asked of a bus that this test is: answered, refused, silent, or not there. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/unit_state.h"

enum behaviour { ANSWERS, REFUSES, SILENT };

struct bus {
	char dir[32], path[64], address[96];
	enum behaviour behaviour;
	int listener;
	pthread_t thread;
	char asked[128];
};

static int on_hello(sd_bus_message *message, void *context, sd_bus_error *error)
{
	(void)context;
	(void)error;
	return sd_bus_reply_method_return(message, "s", ":1.1");
}

static int on_list(sd_bus_message *message, void *context, sd_bus_error *error)
{
	struct bus *bus = context;
	sd_bus_message *reply = NULL;
	const char *name;

	if (bus->behaviour == REFUSES)
		return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "no");
	if (sd_bus_message_enter_container(message, 'a', "s") <= 0 ||
	    sd_bus_message_new_method_return(message, &reply) < 0)
		return -EINVAL; /* not an assertion: this is another thread */
	sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
	while (sd_bus_message_read(message, "s", &name) > 0) {
		bool k3s = strcmp(name, "k3s.service") == 0;

		strncat(bus->asked, name, sizeof(bus->asked) - strlen(bus->asked) - 1);
		sd_bus_message_append(reply, "(ssssssouso)", name, "described",
				      k3s ? "loaded" : "not-found", k3s ? "active" : "inactive",
				      k3s ? "running" : "dead", "", "/unit", 0, "", "/");
	}
	sd_bus_message_close_container(reply);
	int r = sd_bus_send(NULL, reply, NULL);

	sd_bus_message_unref(reply);
	return r < 0 ? r : 1;
}

static const sd_bus_vtable bus_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Hello", "", "s", on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable manager_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("ListUnitsByNames", "as", "a(ssssssouso)", on_list,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static void *serve(void *context)
{
	struct bus *bus = context;
	int fd = accept(bus->listener, NULL, NULL);
	char byte;
	sd_bus *server = NULL;
	sd_id128_t id;

	if (fd < 0)
		return NULL;
	if (bus->behaviour == SILENT) {
		while (recv(fd, &byte, 1, 0) > 0)
			;
		close(fd);
		return NULL;
	}
	sd_id128_randomize(&id);
	sd_bus_new(&server);
	sd_bus_set_fd(server, fd, fd);
	sd_bus_set_server(server, true, id);
	sd_bus_set_anonymous(server, true);
	sd_bus_add_object_vtable(server, NULL, "/org/freedesktop/DBus", "org.freedesktop.DBus",
				 bus_methods, bus);
	sd_bus_add_object_vtable(server, NULL, "/org/freedesktop/systemd1",
				 "org.freedesktop.systemd1.Manager", manager_methods, bus);
	sd_bus_start(server);
	for (int r = 0; r >= 0;) {
		r = sd_bus_process(server, NULL);
		if (r == 0)
			r = sd_bus_wait(server, UINT64_MAX);
	}
	sd_bus_flush_close_unref(server);
	return NULL;
}

static void open_bus(struct bus *bus, enum behaviour behaviour)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*bus = (struct bus){.behaviour = behaviour};
	strcpy(bus->dir, "/tmp/nodewake-test-XXXXXX");
	assert_non_null(mkdtemp(bus->dir));
	snprintf(bus->path, sizeof(bus->path), "%s/bus", bus->dir);
	snprintf(bus->address, sizeof(bus->address), "unix:path=%s", bus->path);
	strcpy(address.sun_path, bus->path);
	bus->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(bus->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(bus->listener, 1), 0);
	assert_int_equal(pthread_create(&bus->thread, NULL, serve, bus), 0);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", bus->address, 1);
}

static void close_bus(struct bus *bus)
{
	shutdown(bus->listener, SHUT_RDWR);
	pthread_join(bus->thread, NULL);
	close(bus->listener);
	unlink(bus->path);
	rmdir(bus->dir);
}

struct answer {
	int status, times;
	struct unit_state units[UNIT_STATES_MAX];
	size_t count;
};

static void on_answer(void *context, int status, const struct unit_state *units, size_t count)
{
	struct answer *answer = context;

	answer->status = status;
	answer->times++;
	answer->count = count;
	for (size_t i = 0; i < count; i++)
		answer->units[i] = units[i];
}

/* Returns what unit_state_ask did; 0: it was answered. */
static int ask(struct answer *ret, uint32_t deadline_ms)
{
	static const char *const names[] = {"k3s.service", "kubelet.service", NULL};
	struct unit_question *question;
	sd_event *loop;

	memset(ret, 0, sizeof(*ret));
	assert_true(sd_event_new(&loop) >= 0);
	int r = unit_state_ask(&question, loop, names, deadline_ms, on_answer, ret);

	if (r == 0) {
		for (int i = 0; i < 100 && !ret->times; i++)
			sd_event_run(loop, 100000);
		sd_event_run(loop, 0); /* not twice */
		unit_state_free(question);
	}
	sd_event_unref(loop);
	return r;
}

static void answered(void **state)
{
	struct answer answer;
	struct bus bus;

	(void)state;
	open_bus(&bus, ANSWERS);
	assert_int_equal(ask(&answer, 5000), 0);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer.count, 2);
	assert_string_equal(bus.asked, "k3s.servicekubelet.service");
	assert_string_equal(answer.units[0].name, "k3s.service");
	assert_string_equal(answer.units[0].load, "loaded");
	assert_string_equal(answer.units[0].active, "active");
	assert_string_equal(answer.units[0].sub, "running");
	assert_string_equal(answer.units[1].load, "not-found");
	close_bus(&bus);
}

static void refused(void **state)
{
	struct answer answer;
	struct bus bus;

	(void)state;
	open_bus(&bus, REFUSES);
	assert_int_equal(ask(&answer, 5000), 0);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.status, -EACCES);
	assert_int_equal(answer.count, 0);
	close_bus(&bus);
}

/* It takes the connection and says nothing, not even to the welcome. */
static void silent(void **state)
{
	struct answer answer;
	struct bus bus;

	(void)state;
	open_bus(&bus, SILENT);
	assert_int_equal(ask(&answer, 50), 0);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.status, -ETIMEDOUT);
	close_bus(&bus);
}

static void not_there(void **state)
{
	struct answer answer;

	(void)state;
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/tmp/nodewake-test-none", 1);
	int r = ask(&answer, 1000);

	assert_true(r < 0 || answer.status < 0);
	assert_int_equal(answer.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered),
		cmocka_unit_test(refused),
		cmocka_unit_test(silent),
		cmocka_unit_test(not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
