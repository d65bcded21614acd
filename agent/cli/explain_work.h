/* SPDX-License-Identifier: Apache-2.0 */
/* explain's rows of what the runtime and the kubelet did: below the row of the phase that they are in. */
#pragma once

#include "model/record.h"

/* The steps of this phase that matter; after the last phase (NULL) how many others were starting at the same time. */
void explain_work(const struct record_start *start, const struct phase_span *phase);
