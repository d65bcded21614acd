/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod's sandbox of before the boot: the kubelet has it stopped before it makes a new one, and that takes as long as
 * the CNI plugins do (DEL). boot_pod.c keeps one for each pod, boot_path_pod.c tells of it.
 */
#pragma once

#include "model/event.h"
#include "model/record.h"

struct boot_takedown {
	struct span span; /* the first plugin began, the last ended; to_ns 0: none has */
	uint32_t pid; /* of the plugin that runs; 0: none does. Those that it runs are part of it */
	uint64_t since_ns;
	char plugin[NAME_SIZE];
	uint64_t longest_ns;
	char longest[NAME_SIZE];
};

/* A plugin for that sandbox began. */
void boot_takedown_begin(struct boot_takedown *takedown, const struct event *exec);
/* A plugin ended, anyone's. False: not one of these. */
bool boot_takedown_end(struct boot_takedown *takedown, const struct event *exit);

/* "its sandbox of before the boot was taken down: 7.0s in CNI plugin ptp" */
void boot_takedown_text(const struct boot_takedown *takedown, char ret_text[static CAUSE_SIZE]);
