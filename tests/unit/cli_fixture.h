/* SPDX-License-Identifier: Apache-2.0 */
/* Runs verbs as main() would, and keeps what they print. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/record.h"
#include "store/store.h"

struct capture {
	char *out, *error;
	int files[2], before[2];
};

/* stdout and stderr go to files from begin to end; texts are owned by the capture. */
void capture_begin(struct capture *capture);
void capture_end(struct capture *capture);
void capture_done(struct capture *capture);

/* Lines of a text; one without newline at the end counts. */
size_t capture_lines(const char *text);

typedef int (*verb_fn)(int argc, char **argv);

/* words: NULL-terminated, the verb first. Returns the exit code. */
int capture_verb(struct capture *capture, verb_fn verb, const char *const *words);
#define RUN(capture, verb, ...) \
	capture_verb(capture, verb, (const char *const[]){__VA_ARGS__, NULL})

/* A state directory of its own, removed by cleanup with what is in it. */
struct scene {
	char dir[64];
	struct store *store;
};

void scene_open(struct scene *scene);
void scene_close(struct scene *scene);
void scene_put(struct scene *scene, const struct record *record);

/* Records of pod shop/<pod>, container <name>; seconds after a fixed moment. */
#define SCENE_DAY "2026-11-23"
struct record make_start(const char *pod, const char *name, unsigned int second);
struct record make_exit(const char *pod, const char *name, unsigned int second);
struct record make_oom(const char *pod, const char *name, unsigned int second);
struct record make_pull(const char *image, unsigned int second);
struct record make_gap(const char *cause, unsigned int second);
