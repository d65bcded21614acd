/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from outside in XML and HTML, as text or inside a quoted attribute. */
#pragma once

#include <stdio.h>

/* text_print_safe (so no control characters, which XML forbids), and & < > " ' as references. */
void xml_print(FILE *out, const char *text);
