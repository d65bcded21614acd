/* SPDX-License-Identifier: Apache-2.0 */
/* Where the daemon and the command line meet, unless told otherwise. */
#pragma once

#define DEFAULT_STATE_DIR "/var/lib/nodewake"
#define DEFAULT_SOCKET	  "/run/nodewake/nodewake.sock"
