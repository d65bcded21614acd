# SPDX-License-Identifier: Apache-2.0
"""The daemon with the capabilities and system calls that the systemd unit grants, and no others."""

import os
import re
import shutil
import subprocess
import textwrap

import pytest

from node.daemon import Daemon

pytest.importorskip("seccomp", reason="python3-seccomp is not installed: run make deps")

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "systemd", "nodewake.service")

# What systemd does before the exec: the bounding set, no new privileges, the filter.
CONFINE = textwrap.dedent("""\
    #!/usr/bin/python3
    import errno, os, seccomp, sys
    filter = seccomp.SyscallFilter(defaction=seccomp.ERRNO(errno.EPERM))
    for name in %r:
        try:
            filter.add_rule(seccomp.ALLOW, name)
        except RuntimeError:
            pass  # another architecture's
    filter.load()
    os.execv(%r, [%r] + sys.argv[1:])
    """)


def settings(name):
    with open(UNIT, encoding="utf-8") as file:
        return re.findall("^%s=(.*)$" % name, file.read(), re.M)


def members(group):
    text = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    names = [line.strip() for line in text.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return {leaf for name in names for leaf in (members(name) if name.startswith("@") else {name})}


def allowed():
    """systemd.exec(5): the first line is the list, later ones take away or add."""
    names = set()
    for line in settings("SystemCallFilter"):
        words = line.lstrip("~").split()
        found = set().union(*(members(word) if word.startswith("@") else {word} for word in words))
        names = names - found if line.startswith("~") else names | found
    return names


def test_it_runs_with_what_the_unit_grants(node, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    program = os.path.join(node.build, "nodewake")
    calls = sorted(allowed())
    assert "bpf" in calls and "mount" not in calls and "setuid" not in calls
    confine = tmp_path / "confine"
    confine.write_text(CONFINE % (calls, program, program))
    confine.chmod(0o755)
    capabilities = "-all," + ",".join(
        name.lower().replace("cap_", "+") for name in " ".join(settings("CapabilityBoundingSet")).split())
    wrapper = tmp_path / "nodewake"
    wrapper.write_text("#!/bin/sh\nexec setpriv --bounding-set=%s --no-new-privs %s \"$@\"\n" % (capabilities, confine))
    wrapper.chmod(0o755)
    daemon = Daemon(node, state=str(tmp_path / "state"))
    daemon.daemon_program = str(wrapper)
    with daemon:
        with open("/proc/%d/status" % daemon.process.pid, encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        assert (status["CapEff"], status["Seccomp"], status["NoNewPrivs"]) == ("000000c400000000", "2", "1")
        kernel = daemon.status()["sources"]["kernel"]
        assert len(kernel["probes"]) >= 8 and all(probe["attached"] or probe["on_demand"] for probe in kernel["probes"])
        pod = node.run_pod("under-the-unit")
        pod.start("server", ["listen", "8080"])
        pod.start("pool", ["eat-child", "100"], memory=24 << 20)
        assert daemon.wait_final("starts", state="listening")
        assert daemon.wait_final("ooms", scope="container")
        pod.remove()
