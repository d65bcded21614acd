/* SPDX-License-Identifier: Apache-2.0 */
/* pin: the probes alone, left in the kernel for the daemon that comes later (nodewake-early.service). */
#pragma once

int pin(int argc, char **argv);
