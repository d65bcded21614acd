# SPDX-License-Identifier: Apache-2.0
"""Which BPF programs a process has attached, as bpftool and its own file descriptors show."""

import json
import os
import subprocess


def attached(pid):
    """Names of the programs behind the links that this process holds."""
    programs = json.loads(subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, check=True).stdout)
    names = {program["id"]: program.get("name", "") for program in programs}
    found = []
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        try:
            with open("/proc/%d/fdinfo/%s" % (pid, fd), encoding="ascii") as file:
                info = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
        except FileNotFoundError:
            continue
        if "link_id" in info:
            found.append(names.get(int(info["prog_id"]), "?"))
    return found


def on_demand(pid):
    """Of these, those that are there only while something starts (bpf/window.bpf.c)."""
    return sorted(name for name in attached(pid) if name.startswith("watch_"))
