/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nodewake uninstall-annotations: removes what the daemon wrote on its Node. It stands beside the daemon, not in
 * cli/: it shares the daemon's settings and its sink's write, which cli/ may not include.
 */
#pragma once

/* Takes the verb's words and the daemon's settings; returns the exit code. */
int uninstall_annotations(int argc, char **argv);
