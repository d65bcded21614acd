/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probes' life beyond the agent's: maps, rings and links in a BPF file system.
 *
 *   <bpffs>/nodewake/                  0700, locked by the agent that works with it
 *     <layout>/                        one set of maps (kernel_layout.h)
 *       <map> …                        all but the programs' constants
 *       links-<generation>/<program>   of the agent whose generation is in the maps
 *
 * kernel_load.c gives the maps their places before it loads: what is there already is taken over, with what the rings
 * hold. kernel_probes.c attaches its programs beside the old ones, pins them, writes its generation (bpf/probe.h), and
 * then has all else removed. Killed at any moment of this, the next agent finds a set that works.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bpf_link;
struct bpf_object;
struct kernel_pins;

/*
 * bpffs: where the file system is mounted. Returns 0, or a negative errno: -ENOTSUP: it is not one, -EBUSY: another
 * agent works with it.
 */
int kernel_pins_open(struct kernel_pins **ret, const char *bpffs);
void kernel_pins_free(struct kernel_pins *pins); /* what is pinned stays */

/* The object's maps get their places. Returns 0 or a negative errno. */
int kernel_pins_maps(struct kernel_pins *pins, struct bpf_object *object);

/* Another agent's programs have worked with these maps until now. */
bool kernel_pins_adopted(const struct kernel_pins *pins);

/* Of this agent's programs: different from each other's. */
uint64_t kernel_pins_generation(const struct kernel_pins *pins);

/* Returns 0 or a negative errno. */
int kernel_pins_link(struct kernel_pins *pins, struct bpf_link *link, const char *program);

/*
 * Removes other generations' links, and maps and links of other layouts. Returns whether there were any of another
 * layout: what is in their rings is lost.
 */
bool kernel_pins_settle(struct kernel_pins *pins);

/* Removes all, ours too. */
void kernel_pins_abandon(struct kernel_pins *pins);

/* All that agents have left below bpffs, while none runs. Returns how many programs were removed, or a negative errno. */
int kernel_pins_remove(const char *bpffs);
