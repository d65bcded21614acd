// SPDX-License-Identifier: Apache-2.0
/*
 * logind: systemd-logind's part in a kubelet's graceful shutdown (KEP-2000), on the bus in DBUS_SYSTEM_BUS_ADDRESS.
 *
 * It delays shutdowns by up to 30 s, gives out inhibitor locks that nobody waits for, and tells by PrepareForShutdown
 * that the machine goes down (SIGUSR1) or does not after all (SIGUSR2). Nothing is shut down.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define PATH	  "/org/freedesktop/login1"
#define INTERFACE "org.freedesktop.login1.Manager"
#define DELAY_US  UINT64_C(30000000)

static int get_delay(sd_bus *bus, const char *path, const char *interface, const char *property,
		     sd_bus_message *reply, void *context, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)context, (void)error;
	return sd_bus_message_append(reply, "t", DELAY_US);
}

static int on_inhibit(sd_bus_message *call, void *context, sd_bus_error *error)
{
	int lock = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int r = sd_bus_reply_method_return(call, "h", lock);

	(void)context, (void)error;
	close(lock);
	return r;
}

static const sd_bus_vtable manager[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("InhibitDelayMaxUSec", "t", get_delay, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_METHOD("Inhibit", "ssss", "h", on_inhibit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("PrepareForShutdown", "b", 0),
	SD_BUS_VTABLE_END,
};

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *signal, void *context)
{
	sd_bus *bus = context;

	(void)source;
	sd_bus_emit_signal(bus, PATH, INTERFACE, "PrepareForShutdown", "b",
			   signal->ssi_signo == SIGUSR1);
	return sd_bus_flush(bus) < 0 ? 1 : 0;
}

int main(void)
{
	sd_event *loop = NULL;
	sd_bus *bus = NULL;
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_new(&loop);
	if (r >= 0)
		r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, PATH, INTERFACE, manager, NULL);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.login1", 0);
	if (r >= 0)
		r = sd_bus_attach_event(bus, loop, 0);
	if (r >= 0)
		r = sd_event_add_signal(loop, NULL, SIGUSR1, on_signal, bus);
	if (r >= 0)
		r = sd_event_add_signal(loop, NULL, SIGUSR2, on_signal, bus);
	if (r >= 0) {
		puts("ready");
		fflush(stdout);
		r = sd_event_loop(loop);
	}
	fprintf(stderr, "logind: %s\n", strerror(-r));
	return 1;
}
