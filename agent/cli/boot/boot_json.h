/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON. New references, NULL for want of memory. The man page lists the names: they are stable. */
#pragma once

#include <jansson.h>

#include "cli/boot/boot_report.h"

json_t *boot_json_report(const struct boot_report *report);

/* What it is compared with: boots, enough, usual_ns, spread_ns, slower, grown, grown_ns, phases. */
json_t *boot_json_usual(const struct boot_report *report);
