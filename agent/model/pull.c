// SPDX-License-Identifier: Apache-2.0
#include "model/pull.h"

enum pull_bound pull_bound(const struct pull_anatomy *anatomy)
{
	if (anatomy->download_ns > anatomy->unpack_ns + anatomy->unpack_ns / 4)
		return PULL_BOUND_DOWNLOAD;
	if (anatomy->unpack_ns > anatomy->download_ns + anatomy->download_ns / 4)
		return PULL_BOUND_UNPACK;
	return PULL_BOUND_NONE;
}
