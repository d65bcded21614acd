# SPDX-License-Identifier: Apache-2.0
"""K3s's layout: one unit with the kubelet inside and containerd as its child, their own socket and logs, no kubectl."""

import calendar
import json
import re
import time
import types

import pytest

from .analyze import Analyzed
from .k3s import KUBECONFIG, LOG, SOCKET, K3s
from .pods import USUAL
from .report import final_report
from .test_causes import DROP_IN, HELD, WAIT_ONLINE, booted, check, settings

NAMES = [pod.name for pod in USUAL]
EVENTS = "/var/lib/nodewake/events.jsonl"
MS = 1_000_000
TICK = 10_000_000  # of /proc/PID/stat
PROCESSES = """k3s=$(systemctl show -P MainPID k3s.service)
for pid in $k3s $(cat /proc/$k3s/task/$k3s/children); do
    echo "$(cat /proc/$pid/comm) $(readlink /proc/$pid/exe) $(tr '\\0' ' ' </proc/$pid/cmdline)"
done"""


def journal(machine, *words):
    """Entries of this boot, oldest first: (CLOCK_MONOTONIC, CLOCK_REALTIME, text), ns."""
    text = machine.run("journalctl -b -o json --no-pager " + " ".join(words))
    return [(int(entry["__MONOTONIC_TIMESTAMP"]) * 1000, int(entry["__REALTIME_TIMESTAMP"]) * 1000, entry["MESSAGE"])
            for entry in map(json.loads, text.splitlines())]


def wall_ns(text):
    """ "2026-11-25T17:28:07.123456789Z" """
    seconds, _, fraction = text.rstrip("Z").partition(".")
    whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))
    return whole * 1_000_000_000 + int((fraction + "000000000")[:9])


def logged(machine, message):
    """When containerd wrote this into K3s's file in this boot, on the boot clock by the journal's stamps."""
    monotonic, real, _ = journal(machine, "-n 1")[-1]
    text = machine.run("grep 'msg=\"%s' %s | tail -n 1" % (message, LOG))
    return wall_ns(re.match(r'time="([^"]+)"', text)[1]) - real + monotonic


@pytest.fixture(scope="module", name="reboot")
def one_reboot(make_lasting_k3s, tmp_path_factory):
    found = types.SimpleNamespace()
    with K3s(str(tmp_path_factory.mktemp("k3s")), USUAL) as k3s:
        machine = found.machine = make_lasting_k3s({
            **k3s.files(), **settings(*k3s.settings(), "NODEWAKE_RECORD_EVENTS=" + EVENTS)})
        machine.on_pod = k3s.on_line
        found.before = machine.boot()
        machine.wait_pods(NAMES, 120)
        final_report(machine, 60)
        found.waited, found.told, _ = come_back(machine)
        found.health = machine.wire.run("nodewake health", 60)
        machine.wait_settled()
        found.milestones = [event for event in map(json.loads, machine.run("grep milestone " + EVENTS).splitlines())
                            if event["type"] == "milestone"]
        yield found


def containerd_started(machine):
    """The process, on the boot clock, by the kernel."""
    pid = machine.run("cat /proc/$(systemctl show -P MainPID k3s.service)/task/*/children").split()[0]
    assert machine.run("cat /proc/%s/comm" % pid).strip() == "containerd"
    return int(machine.run("cut -d ' ' -f 22 /proc/%s/stat" % pid)) * TICK


def come_back(machine):
    """Reboots and asks as a person does, health --wait and then boot; prints what README.md shows."""
    machine.reboot()
    waited = machine.wire.run("nodewake health --wait 10m", 620)
    told = final_report(machine, 60)
    text = machine.run("nodewake boot")
    print(waited[1].decode(), text, sep="\n")
    return waited, told, text


def milestone(reboot, what, told_by):
    return next(event["boot_ns"] for event in reboot.milestones if (event["what"], event["told_by"]) == (what, told_by))


# --- the machine itself


def test_it_looks_like_k3s(reboot):
    server, *children = [line.split(" ", 2) for line in reboot.machine.run(PROCESSES).splitlines()]
    assert server[0] == "k3s-server" and re.fullmatch(r"/var/lib/rancher/k3s/data/[0-9a-f]{64}/bin/k3s", server[1])
    assert server[2].strip() == "/usr/local/bin/k3s server"
    containerd, = [child for child in children if child[0] == "containerd"]
    assert "-a %s --state /run/k3s/containerd" % SOCKET in containerd[2]
    for absent in ("command -v kubectl", "systemctl cat containerd.service", "ls /run/containerd/containerd.sock",
                   "ls /etc/containerd/config.toml"):
        assert reboot.machine.wire.run(absent, 60)[0] != 0, absent
    assert reboot.machine.run("systemctl --failed --no-legend --plain") == ""
    assert reboot.machine.run("stat -c %a " + KUBECONFIG).strip() == "600"
    assert reboot.machine.run("ls -d /sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/*.slice/*.scope")


# --- what is found without a setting


def test_its_socket_is_found(reboot):
    status = json.loads(reboot.machine.run("nodewake status --output json"))
    containerd = status["sources"]["containerd"]
    assert containerd["connected"] and containerd["socket"] == SOCKET
    assert SOCKET in reboot.machine.run("nodewake status")
    assert SOCKET in reboot.machine.run("nodewake doctor", check=False)


def test_health_without_kubectl(reboot):
    code, text = reboot.health
    text = text.decode()
    assert code == 0, text
    for part in ("k3s.service is active since ", "answers on %s, runs since " % SOCKET, "https://127.0.0.1:6443 is ready",
                 "vm is Ready since ", "all 3 are ready"):
        assert part in text, text


def test_health_waits_from_the_boots_begin(reboot):
    """It was asked before K3s had begun, and tells what is missing meanwhile."""
    code, text = reboot.waited
    text = text.decode()
    assert code == 0 and text.rstrip().splitlines()[-1].startswith("well"), text
    assert "k3s.service is " in text and "127.0.0.1:6443 does not answer" in text


# --- the report


def test_the_boot(reboot):
    boot = reboot.told.boot
    assert boot["state"] == "ready" and boot["pods_expected"] == boot["pods_ready"] == len(USUAL)
    assert boot["measured"]
    assert boot["last_end"] == "clean", boot.get("last_evidence")
    assert boot["last_boot_id"].replace("-", "") == reboot.before.replace("-", "")


def test_nothing_was_missed(reboot):
    """That the runtime had not begun is no gap."""
    assert json.loads(reboot.machine.run("nodewake boot --output json"))["gaps"] == []


def test_phases(reboot):
    inside = [phase for phase in reboot.told.phases if phase["phase"] not in ("firmware", "loader")]
    assert [phase["phase"] for phase in inside] == ["kernel", "userspace", "runtime", "node", "pods"]
    assert reboot.told.phase("runtime")["unit"] == "k3s.service"
    assert all(a["to_ns"] == b["from_ns"] for a, b in zip(inside, inside[1:]))
    assert sum(phase["duration_ns"] for phase in inside) == pytest.approx(reboot.told.boot["span"]["duration_ns"],
                                                                           abs=50 * MS)
    unit = reboot.told.units["k3s.service"]["span"]
    assert reboot.told.phase("runtime")["from_ns"] == unit["from_ns"]


def test_its_unit_is_on_the_critical_path(reboot):
    unit = reboot.told.units["k3s.service"]
    assert abs(unit["span"]["duration_ns"] - Analyzed(reboot.machine).blame["k3s.service"]) <= 10 * MS
    names = [step["name"] for step in reboot.told.steps if step["kind"] == "unit"]
    assert names[-1] == "k3s.service"
    assert not {"containerd.service", "kubelet.service"} & set(reboot.told.units)
    # one more for each pod would come from the systemd driver
    assert not [name for name in reboot.told.units if name.endswith(".scope") or name.startswith("kubepods")]


def test_when_the_runtime_answered(reboot):
    """By containerd's own log, which has it to the ns; K3s asks the socket every second only."""
    truth = logged(reboot.machine, "containerd successfully booted in")
    assert abs(milestone(reboot, "runtime-ready", "log") - truth) <= 50 * MS
    step, = [step for step in reboot.told.steps if step.get("name") == "container runtime answers"]
    assert abs(step["to_ns"] - truth) <= 50 * MS
    assert abs(step["from_ns"] - containerd_started(reboot.machine)) <= 50 * MS
    assert abs(milestone(reboot, "runtime-started", "log") - logged(reboot.machine, "starting containerd")) <= 50 * MS


@pytest.mark.parametrize("what, text", [
    ("kubelet-started", "Starting k3s v"),
    ("api-ready", "Kube API server is now running"),
    ("node-ready", "Fast updating node status as it just became ready"),
])
def test_what_k3s_logged(reboot, what, text):
    entry = next(at for at, _, message in journal(reboot.machine, "-u k3s.service -t k3s") if text in message)
    assert abs(milestone(reboot, what, "journal") - entry) <= 10 * MS
    if what == "node-ready":  # the API server has it in whole seconds
        assert abs(reboot.told.phase("node")["to_ns"] - entry) <= 10 * MS


# --- causes


def test_what_k3s_waits_for_itself(make_k3s):
    machine, told = booted(make_k3s, {
        "/etc/systemd/system/k3s.service.d/held.conf": DROP_IN + "[Service]\nExecStartPre=/bin/sleep %d\n" % HELD})
    begin = int(machine.run("systemctl show -P InactiveExitTimestampMonotonic k3s.service")) * 1000
    seconds = (containerd_started(machine) - begin) / 1e9
    check(machine, told, seconds, HELD, lambda key, _: key[:2] == ("unit", "k3s.service"))


def test_what_k3s_waits_for_the_network(reboot):
    """The last boot of that machine: the usual is known by now."""
    machine = reboot.machine
    machine.put("/etc/systemd/system/%s.d/held.conf" % WAIT_ONLINE,
                DROP_IN + "[Service]\nExecStartPre=/bin/sleep %d\n" % HELD)
    waited, told, text = come_back(machine)
    assert waited[0] == 0
    check(machine, told, Analyzed(machine).blame[WAIT_ONLINE] / 1e9, HELD, lambda key, _: key[:2] == ("unit", WAIT_ONLINE))
    assert "of 3 boots" in text.splitlines()[0] and "k3s.service waited for network-online.target" in text
