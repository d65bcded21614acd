/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runtime, shim and CNI plugins were asked to do, and for which container.
 *
 * Texts are as they lie in the process's memory: one after the other, each with its NUL, the last
 * perhaps cut. They come from processes that may be anybody's.
 */
#pragma once

#include <stddef.h>

#include "model/event.h"

/*
 * Sets verb and container_id; exec->role says whose arguments they are:
 *	containerd-shim-runc-v2 -namespace k8s.io ... -id ID start
 *	runc --root ... create --bundle ... ID
 * Called for the head, then for the tail of a vector too long to be read whole.
 */
void kernel_arguments(const char *texts, size_t size, struct event_exec *exec);

/* CNI specification: CNI_COMMAND, CNI_CONTAINERID, CNI_ARGS as KEY=VALUE;KEY=VALUE. */
void kernel_environment(const char *texts, size_t size, struct event_exec *exec);
