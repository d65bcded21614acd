/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process may do from now on. daemon.c gives up the rest once the programs are loaded, before any library has
 * started a thread: capabilities are a thread's, and those that come later inherit what is left.
 */
#pragma once

/*
 * Keeps of its capabilities CAP_BPF, CAP_PERFMON (programs are attached while containers start), CAP_SYSLOG (the kernel's
 * log), CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH (other users' processes and logs); CAP_SYS_ADMIN only where the first
 * two are not there. Nothing that it executes gets more. Returns 0 or a negative errno.
 */
int privileges_drop(void);
