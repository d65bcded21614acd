// SPDX-License-Identifier: Apache-2.0
/* Fills a state directory with synthetic boots or a pod: `build/report-scene DIR FLAVOUR`. */
#include <stdio.h>
#include <string.h>

#include "unit/boot_scene.h"
#include "unit/pod_scene.h"

int main(int argc, char **argv)
{
	for (enum boot_flavour flavour = 0; argc == 3 && flavour < BOOT_FLAVOUR_COUNT; flavour++)
		if (strcmp(argv[2], boot_flavour_name(flavour)) == 0) {
			boot_scene_fill(argv[1], flavour);
			return 0;
		}
	if (argc == 3 && strncmp(argv[2], "pod", 3) == 0) {
		pod_scene_fill(argv[1], strcmp(argv[2], "pod-hostile") == 0);
		return 0;
	}
	fputs("Usage: report-scene DIR slow|broken|late|wakes|woken|hostile|pod|pod-hostile\n",
	      stderr);
	return 2;
}
