/* SPDX-License-Identifier: Apache-2.0 */
/* Values of reports as JSON, whatever they are made of. New references, NULL for want of memory. */
#pragma once

#include <jansson.h>
#include <stdint.h>

json_t *json_safe_number(uint64_t value);

/* Safe to print, and so valid UTF-8. */
json_t *json_safe_text(const char *text);
