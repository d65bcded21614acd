/* SPDX-License-Identifier: Apache-2.0 */
#include "model/memory_killer.h"

#include <stddef.h>
#include <string.h>

bool memory_killer(const char *comm)
{
	/* oomd: Facebook's; lmkd: Android's; bustd; nohang is a script that is executed as such */
	static const char *const names[] = {"systemd-oomd", "earlyoom", "nohang",
					    "oomd",	    "lmkd",	"bustd"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(comm, names[i]) == 0)
			return true;
	return false;
}
