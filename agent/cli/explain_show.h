/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to show a pod's dossier. None of them reads anything; all texts from outside come out escaped. */
#pragma once

#include <stdio.h>

#include "cli/dossier.h"

void explain_show_text(FILE *out, const struct dossier *dossier, bool colour);

/* Returns 0 or -ENOMEM. */
int explain_show_json(FILE *out, const struct dossier *dossier);
