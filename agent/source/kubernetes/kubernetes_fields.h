/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of the API's objects as our values. Pure; what is missing or of another type is as if empty. */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* "" where there is none. Borrowed. */
const char *kubernetes_text(const json_t *object, const char *name);

/* metav1.Time and MicroTime on the boot clock; 0 where there is none. */
uint64_t kubernetes_time(const json_t *object, const char *name, int64_t wall_offset_ns);

/* A count, a number of seconds; 0 where there is none, or it is negative or absurd. */
uint32_t kubernetes_number(const json_t *object, const char *name);

/* resource.Quantity as whole bytes: "128Mi", "1G", "1e3", "500m" (rounded up); 0 where it is none. */
uint64_t kubernetes_bytes(const json_t *object, const char *name);

/* The condition of this type, if it holds. */
const json_t *kubernetes_condition(const json_t *conditions, const char *type);
