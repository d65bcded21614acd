/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to show a pod's dossier. None of them reads anything; all texts from outside come out escaped. */
#pragma once

#include <stdio.h>

#include "cli/death/dossier.h"

void explain_show_text(FILE *out, const struct dossier *dossier, bool colour);

/* These return 0 or -ENOMEM; pictures -ENODATA where no start is recorded. */
int explain_show_json(FILE *out, const struct dossier *dossier);
int explain_show_svg(FILE *out, const struct dossier *dossier);
int explain_show_html(FILE *out, const struct dossier *dossier);
int explain_show_trace(FILE *out, const struct dossier *dossier);

/* "web in namespace shop" */
void explain_show_name(FILE *out, const struct dossier *dossier);

/* What is before, then "created 2026-11-23T06:00:26Z, Ready after 4.00s", the last time; nothing if it never was. */
void explain_show_ready(FILE *out, const struct dossier *dossier, const char *before);
