/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that the process will never make are taken from it: whoever gets hold of it executes nothing, mounts nothing,
 * traces nobody, loads no module and sets no clock. daemon.c asks for it before any library has started a thread.
 *
 * A list of what is forbidden, not of what is allowed: what gRPC, libcurl and glibc call changes with their versions, and a node must
 * not lose its agent by an update of these. Manifest and unit have lists of the other kind.
 */
#pragma once

/* For good, and for all threads to come; a forbidden call fails with EPERM. Returns 0 or a negative errno. */
int syscalls_forbid(void);
