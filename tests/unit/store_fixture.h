/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, and short ways to make records for it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"

#define BOOT "11111111-2222-3333-4444-555555555555"
#define S    NS_PER_SECOND

struct folder {
	char dir[64], file[96], why[256];
};

void folder_make(struct folder *folder);
/* Removes it with all that the store may have put there. */
void folder_remove(struct folder *folder);

/* Opens for writing; fails the test if it can't. */
struct store *folder_open(struct folder *folder, const struct store_limits *limits);

/* On the file, beside the store. */
void run_sql(const char *path, const char *sql);

uint64_t set_aside(struct store *store);

/* A final exit record; duration_ns is its age. */
struct record an_exit(const char *key, const char *pod, uint64_t boot_ns, uint64_t duration_ns);

/* How many records the query finds, or a negative errno. */
int query_count(struct store *store, struct store_query query);

/* The keys in the order found, joined by blanks. */
const char *query_keys(struct store *store, struct store_query query);
