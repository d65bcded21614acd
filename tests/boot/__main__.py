# SPDX-License-Identifier: Apache-2.0
"""python3 tests/boot BUILD [DISK]: a machine to try things on; what is typed runs in it, until the end of input.

The lines reboot, kill, panic and boot do that. DISK is another machine's, copied; by itself a new installation.
"""

import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from boot import Machine  # noqa: E402
from boot.wire import WireError  # noqa: E402


def main(build, disk=None):
    folder = tempfile.mkdtemp(prefix="nodewake-vm-")
    try:
        with Machine(build, folder, disk=disk) as machine:
            print(folder, flush=True)
            act(machine, "boot")
            for line in sys.stdin:
                act(machine, line.strip())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def act(machine, line):
    begin = time.monotonic()
    try:
        if line in ("boot", "reboot", "kill", "panic", "wait_settled", "poweroff"):
            print(getattr(machine, line)())
        elif line:
            print(machine.run(line, 300, check=False), end="")
    except (WireError, TimeoutError) as error:
        print(error)
    if line:
        print("# %.1f s" % (time.monotonic() - begin), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
