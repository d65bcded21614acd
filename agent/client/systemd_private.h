/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the systemd client share: decoding what systemd answered. */
#pragma once

#include <systemd/sd-bus.h>

#include "client/systemd.h"

/* Each returns 0 or -EBADMSG where the types are not as documented. */
int systemd_decode_manager(sd_bus_message *reply, struct systemd_manager *ret);
int systemd_decode_list(sd_bus_message *reply, systemd_listed_fn on_listed, void *context);

/* ret->after is to be freed with systemd_free_after. */
int systemd_decode_unit(sd_bus_message *reply, struct systemd_unit *ret);
void systemd_free_after(struct systemd_unit *unit);

/* Borrowed from the reply. */
int systemd_decode_result(sd_bus_message *reply, const char **ret);
