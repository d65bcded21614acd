/* SPDX-License-Identifier: Apache-2.0 */
/* Records of deaths in which each thing that can be known is known. Of pod shop/<pod>; seconds as in cli_fixture.h. */
#pragma once

#include "unit/cli_fixture.h"

/* A segmentation fault, in a crash loop, with its core and log lines. */
struct record make_crash(const char *pod, const char *name, unsigned int second);
/* A liveness probe that failed, and SIGKILL after 30 s. */
struct record make_stop(const char *pod, const char *name, unsigned int second);
/* A leak: the fourth time, worker 3 of 4, with neighbours. */
struct record make_leak(const char *pod, const char *name, unsigned int second);
/* A worker that dies again and again while its container goes on. */
struct record make_child(const char *pod, const char *name, unsigned int second);
struct record make_host(const char *resource, unsigned int second);
