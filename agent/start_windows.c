/* SPDX-License-Identifier: Apache-2.0 */
#include "start_windows.h"

#include <string.h>

/* The moment of Ready needs a sample of its own; a sandbox is no start. */
static void tell_kernel(struct kernel_source *kernel, const struct event *event)
{
	const struct event_container *container = &event->container;

	if (event->type == EVENT_POD_CONTAINER && event->pod_container.ready)
		kernel_source_sample(kernel, event->pod_container.container_id);
	else if (event->type == EVENT_CONTAINER && *container->sandbox_id &&
		 strcmp(container->sandbox_id, container->container_id) == 0)
		kernel_source_started(kernel, container->container_id);
}

void start_windows_event(const struct start_windows *windows, const struct event *event)
{
	if (windows->kernel)
		tell_kernel(windows->kernel, event);
	if (windows->pressure)
		pressure_source_event(windows->pressure, event);
}

void start_windows_record(const struct start_windows *windows, const struct record *record)
{
	if (record->type != RECORD_START || !record->final)
		return;
	if (windows->kernel)
		kernel_source_started(windows->kernel, record->subject.container_id);
	if (windows->pressure)
		pressure_source_over(windows->pressure, record->subject.container_id,
				     record->subject.sandbox_id);
}
