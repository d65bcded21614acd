/* SPDX-License-Identifier: Apache-2.0 */
/* FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): one number for some bytes, the same on each machine and build. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(0xcbf29ce484222325)

/* Go on from FNV_BEGIN, or from what was hashed before. */
uint64_t fnv_bytes(uint64_t hash, const void *data, size_t size);
uint64_t fnv_text(uint64_t hash, const char *text); /* without its NUL */
uint64_t fnv_word(uint64_t hash, const char *text); /* with it: one of several */
