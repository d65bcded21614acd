/* SPDX-License-Identifier: Apache-2.0 */
/* Which facts of the host go with a container's death: by time and by what they struck; one table of rules. */
#pragma once

#include "track/container.h"
#include "track/death/host.h"

/* Fills host and host_count of the death, by time. Whatever else of it is known stands there already. */
void host_join(const struct hosts *hosts, const struct container *container,
	       struct record_exit *exit);
