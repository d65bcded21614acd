/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes: a local variable frees or closes itself when it goes out of scope. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup_with(function) __attribute__((cleanup(function)))

/* Defines `function##p` for a pointer type, for use as cleanup_with(function##p). */
#define DEFINE_CLEANUP(type, function)                \
	static inline void function##p(type *pointer) \
	{                                             \
		if (*pointer)                         \
			function(*pointer);           \
	}

static inline void free_memoryp(void *pointer)
{
	free(*(void **)pointer);
}

static inline void close_fdp(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void close_filep(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup_free   cleanup_with(free_memoryp)
#define cleanup_close  cleanup_with(close_fdp)
#define cleanup_fclose cleanup_with(close_filep)

/* Hands an owned pointer on: the variable no longer frees it. */
#define take(pointer)                                  \
	({                                             \
		__typeof__(pointer) taken = (pointer); \
		(pointer) = NULL;                      \
		taken;                                 \
	})
