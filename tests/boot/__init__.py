# SPDX-License-Identifier: Apache-2.0
"""A machine that really boots: Debian's kernel and systemd under QEMU, containerd, pods, and the agent.

    with Machine(BUILD, folder) as machine:
        machine.boot()
        print(machine.run("systemd-analyze time"))
        machine.reboot()
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from .machine import Machine, MachineError  # noqa: E402,F401
