/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus messages from what `busctl --json=short` has printed: recorded answers are sent again. Aborts on what is no such. */
#pragma once

#include <jansson.h>
#include <systemd/sd-bus.h>

/* One complete type; numbers as reals (JSON_DECODE_INT_AS_REAL). */
void bus_json_append(sd_bus_message *message, const char *type, json_t *value);
