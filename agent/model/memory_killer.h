/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that kill others before the kernel has to. */
#pragma once

#include <stdbool.h>

/* By the name that the kernel knows a process by. Anybody may have that name: ask for root and outside of containers too. */
bool memory_killer(const char *comm);
