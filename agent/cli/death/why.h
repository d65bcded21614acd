/* SPDX-License-Identifier: Apache-2.0 */
/* The death certificates of a pod: `nodewake why POD`, which is `nodewake explain --deaths POD`. */
#pragma once

#include "cli/options.h"
#include "store/store.h"

/* dossier_read's failure in one line on stderr, with the pods there are where it is not one. */
struct dossier;
void explain_refuse(const char *verb, int error, const struct dossier *dossier, const char *word);

/* Returns an exit code. */
int why_show(const char *verb, struct store *store, const struct options *options, bool json);
