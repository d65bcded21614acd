/* SPDX-License-Identifier: Apache-2.0 */
#include "start_windows.h"

#include <string.h>

void start_windows_event(struct kernel_source *kernel, const struct event *event)
{
	const struct event_container *container = &event->container;

	if (event->type == EVENT_POD_CONTAINER && event->pod_container.ready)
		kernel_source_sample(kernel, event->pod_container.container_id);
	else if (event->type == EVENT_CONTAINER && *container->sandbox_id &&
		 strcmp(container->sandbox_id, container->container_id) == 0)
		kernel_source_started(kernel, container->container_id);
}

void start_windows_record(struct kernel_source *kernel, const struct record *record)
{
	if (record->type == RECORD_START && record->final)
		kernel_source_started(kernel, record->subject.container_id);
}
