/* SPDX-License-Identifier: Apache-2.0 */
/* What sentence.c says of a boot and of a unit. Private to model/. */
#pragma once

#include <stdio.h>

#include "model/record.h"

void sentence_boot(FILE *out, const struct record_boot *boot);
void sentence_unit(FILE *out, const struct record_unit *unit);
