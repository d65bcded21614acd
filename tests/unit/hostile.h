/* SPDX-License-Identifier: Apache-2.0 */
/* Names as an attacker chooses them, in every text of a record, and what no way out may let through. */
#pragma once

#include "unit/cli_fixture.h"

#define HOSTILE_POD "web\033[2J'; DROP TABLE records; --"

/* A record of this type with every text hostile, each array full, all figures 1 and each word the given one. */
void hostile_make(struct record *ret, enum record_type type, uint32_t word);

/* Valid UTF-8, and nothing that acts on a terminal: no control characters but newlines, no direction marks. */
void hostile_expect_printable(const char *text);

/* The same of one JSON value, in which DEL may stand: no terminal acts on it. */
void hostile_expect_json(const char *text);

/* No element or attribute of the record's has become one of the page's. */
void hostile_expect_no_markup(const char *page);
