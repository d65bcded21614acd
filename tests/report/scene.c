// SPDX-License-Identifier: Apache-2.0
/* Fills a state directory with synthetic boots: `build/boot-scene DIR FLAVOUR`. */
#include <stdio.h>
#include <string.h>

#include "unit/boot_scene.h"

int main(int argc, char **argv)
{
	for (enum boot_flavour flavour = 0; argc == 3 && flavour < BOOT_FLAVOUR_COUNT; flavour++)
		if (strcmp(argv[2], boot_flavour_name(flavour)) == 0) {
			boot_scene_fill(argv[1], flavour);
			return 0;
		}
	fputs("Usage: boot-scene DIR slow|broken|late|wakes|woken|hostile\n", stderr);
	return 2;
}
