/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from outside in columns: printed safely, and padded by characters, since printf counts bytes. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* Characters that the text takes when it is printed safely. */
int columns_of(const char *text);

/* Safely, with blanks up to the width. */
void columns_print(FILE *out, const char *text, int width);
