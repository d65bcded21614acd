# SPDX-License-Identifier: Apache-2.0
"""The table of starts, deaths and OOM kills where systemd itself makes each container's cgroup (runc's systemd driver)."""

import json

import pytest

from .install import PROGRAMS
from .k3s import SOCKET
from .pods import NAMESPACE, Pod

POD = Pod("table", "")
MEMORY = 24 << 20
SLICE = "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/" + POD.parent("k3s")
MS = 1_000_000
SCRIPT = """export CRI_SOCKET=%(socket)s PATH=$PATH:%(programs)s
words="namespace=%(namespace)s uid=%(uid)s parent=%(parent)s hostnet=1"
sandbox=$(cri runp name=table $words)
start() {
    id=$(cri create pod="$sandbox" name="$1" image=localhost/cast:1 podname=table $words memory="$2" -- "${@:3}")
    cri start id="$id"
}
start server 0 /cast listen 8095 300
start pool %(memory)d /cast eat-child 200
start greedy %(memory)d /cast eat 200
start three 0 /cast exit 3 200
start segv 0 /cast segv 200
start victim 0 /cast sleep 600000
sleep 0.5
kill -9 "$(cri inspect id="$id" | sed 's/.*"pid":\\([0-9]*\\).*/\\1/')"
start typo 0 /nowhere 2>/dev/null
start podlimit 0 /cast eat-child 2500
echo 120000000 >%(slice)s/memory.max
sleep 8
"""


@pytest.fixture(scope="module", name="machine")
def a_machine_where_all_that_happened(make_lasting_k3s):
    machine = make_lasting_k3s()
    machine.boot()
    machine.wait("ctr -a %s -n k8s.io version" % SOCKET, 90, "containerd's answer")
    machine.wait("nodewake status", 60)
    machine.run("cat >/tmp/table; bash /tmp/table", 180, data=(SCRIPT % {
        "socket": SOCKET, "programs": PROGRAMS, "namespace": NAMESPACE, "uid": POD.uid, "parent": POD.parent("k3s"),
        "memory": MEMORY, "slice": SLICE}).encode())
    return machine


def records(machine, verb):
    """By container, of this pod."""
    lines = map(json.loads, machine.run("nodewake %s --output json" % verb).splitlines())
    return {r["subject"]["container"]: r for r in lines if r["subject"].get("pod") == POD.name}


def test_systemd_made_the_cgroups(machine):
    units = machine.run("systemctl list-units --no-legend --plain 'cri-containerd-*.scope' | wc -l")
    assert int(units) >= 3
    assert machine.run("ls -d %s/cri-containerd-*.scope" % SLICE)


def test_starts(machine):
    starts = records(machine, "starts")
    assert {name: r["state"] for name, r in starts.items()} == {
        "server": "listening", "pool": "running", "greedy": "exited", "three": "exited", "segv": "exited",
        "victim": "exited", "typo": "failed", "podlimit": "running"}
    app, = [phase for phase in starts["server"]["phases"] if phase["phase"] == "app"]
    assert 300 * MS < app["duration_ns"] < 700 * MS
    assert not any(phase.get("reconstructed") for phase in starts["server"]["phases"])


def test_exits(machine):
    assert {name: (r["verdict"], r.get("code", 0)) for name, r in records(machine, "exits").items()} == {
        "greedy": ("oom-killed", 137), "three": ("error", 3), "segv": ("crashed", 139), "victim": ("killed", 137),
        "typo": ("start-failed", 128)}


def test_oom_kills(machine):
    ooms = records(machine, "ooms")
    assert {name: (r["scope"], r["container_survived"]) for name, r in ooms.items()} == {
        "pool": ("container", "yes"), "greedy": ("container", "no"), "podlimit": ("pod", "yes")}
    assert ooms["pool"]["limit_bytes"] == ooms["greedy"]["limit_bytes"] == MEMORY
    assert ooms["podlimit"]["limit_bytes"] == 120000000 // 4096 * 4096
    assert all(r["subject"]["pod_uid"] == POD.uid for r in ooms.values())
