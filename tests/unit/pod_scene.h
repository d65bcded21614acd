/* SPDX-License-Identifier: Apache-2.0 */
/* A synthetic pod with all that can be known of why it was slow: what pictures and rows of it are tested with. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/record.h"

#define POD_SCENE_MAX 8

/*
 * ai-stack/llama-cpp, 1000 s after boot: an init container that waits for a peer 12.6 s; "server" with a pull of 61 s,
 * an app phase of 24.1 s that reads a file, and a probe of 6 s; "metrics", whose third restart was two days later. In the order
 * of their ends. hostile: every text is an attack. Returns how many.
 */
size_t pod_scene_make(struct record ret[static POD_SCENE_MAX], bool hostile);

/* The same in the store in dir. */
void pod_scene_fill(const char *dir, bool hostile);

/* A text that must not come out of anything raw. */
#define POD_SCENE_HOSTILE                                                                      \
	"</script><img src=x onerror=\"alert(1)\">'&%n%s\033[2J\r\n\xc2\x9b\xff\u202e`;$(x)]]" \
	">-->"
