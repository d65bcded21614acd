/* SPDX-License-Identifier: Apache-2.0 */
/* uninstall: what outlives the daemon on a node goes; its records stay. */
#pragma once

int uninstall(int argc, char **argv);
