# SPDX-License-Identifier: Apache-2.0
"""The daemon beside a real systemd, as a user's manager in a mount namespace of its own: what the two say of a boot."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

SYSTEMD = "/lib/systemd/systemd"
MS = 1000000

UNITS = {
    "default.target": "[Unit]\nRequires=multi-user.target\nAfter=multi-user.target\n",
    "multi-user.target": "[Unit]\nWants=%(names)s\nAfter=%(names)s\n",
    "basic.target": "[Unit]\n",
    "shutdown.target": "[Unit]\n",
    "sockets.target": "[Unit]\n",
    "network-online.target": "[Unit]\nWants=wait-online.service\nAfter=wait-online.service\n",
    "wait-online.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep 0.7\n",
    "job.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 0.3\n",
    "broken.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sleep 0.1; exit 3'\n",
    "kubelet.service": "[Unit]\nWants=network-online.target\nAfter=network-online.target\n"
                       "[Service]\nExecStart=/bin/sleep 1000\n",
    # fails until its file is there
    "k3s.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nNotifyAccess=all\n"
                   "Restart=always\nRestartSec=0.5\n"
                   "ExecStart=/bin/sh -c 'test -e %(dir)s/ok || exit 1; systemd-notify --ready; exec sleep 1000'\n",
    "dbus.socket": "[Socket]\nListenStream=/run/dbus/system_bus_socket\nListenStream=/run/bus\n",
    "dbus.service": "[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\n"
                    "ExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation\n",
}


class Manager:
    """Its /run is a tmpfs, so that its sockets are where those of a machine's systemd are."""

    def __init__(self, directory):
        self.dir = str(directory)
        units = self.dir + "/units"
        os.mkdir(units)
        names = "dbus.socket job.service broken.service kubelet.service k3s.service"
        for name, text in UNITS.items():
            with open("%s/%s" % (units, name), "w", encoding="ascii") as file:
                file.write(text % {"names": names, "dir": self.dir})
        self.environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": "/run", "SYSTEMD_UNIT_PATH": units,
                            "HOME": self.dir}
        self.started = []
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec %s --user" % SYSTEMD],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def inside(self, *words):
        return ["nsenter", "--target", str(self.process.pid), "--mount", "--"] + list(words)

    def ask(self, *words):
        return subprocess.run(self.inside(*words), env=self.environment, capture_output=True, text=True, timeout=60,
                              check=False).stdout

    def wait(self, what, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = what()
            if found:
                return found
            time.sleep(0.05)
        return None

    def finished(self):
        return self.wait(lambda: "Startup finished" in self.ask("systemd-analyze", "--user", "time"))

    def close(self):
        for process in self.started:
            process.terminate()
            process.wait(10)
        # SIGRTMIN+24: end at once, with all that it started
        self.process.send_signal(signal.SIGRTMIN + 24)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Agent:
    """The daemon with no other source; its events in a file."""

    def __init__(self, manager, build, name):
        self.manager = manager
        self.file = "%s/%s.events" % (manager.dir, name)
        self.socket = "/run/%s.sock" % name
        self.program = os.path.abspath(build + "/nodewake")
        self.process = subprocess.Popen(
            manager.inside(self.program, "run", "--no-ebpf", "--no-kubernetes", "--listen", "off", "--state-dir",
                           "%s/%s" % (manager.dir, name), "--socket", self.socket, "--containerd-socket",
                           manager.dir + "/none.sock", "--record-events", self.file),
            env=manager.environment, stderr=subprocess.DEVNULL)
        manager.started.append(self.process)

    def events(self, kind):
        if not os.path.exists(self.file):
            return []
        with open(self.file, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
        return [line for line in lines if line.get("type") == kind]

    def status(self):
        text = self.manager.ask(self.program, "status", "--output", "json", "--socket", self.socket)
        return json.loads(text)["sources"]["systemd"] if text else {}

    def units(self):
        """The last word on each."""
        return {event["name"]: event for event in self.events("unit")}

    def done(self):
        assert self.manager.wait(lambda: self.status().get("finished")), self.status()
        return self.units()


@pytest.fixture(name="manager")
def started(tmp_path):
    if os.getuid() != 0:
        pytest.skip("needs root")
    for program in (SYSTEMD, "/usr/bin/dbus-daemon", shutil.which("systemd-analyze"), shutil.which("nsenter")):
        if not program or not os.path.exists(program):
            pytest.skip("systemd, dbus-daemon or util-linux is not installed")
    manager = Manager(tmp_path)
    try:
        if not manager.wait(lambda: "units" in manager.ask("systemctl", "--user", "list-units"), 5):
            pytest.skip("systemd --user does not run here")
        yield manager
    finally:
        manager.close()


@pytest.fixture(name="build")
def built():
    return os.environ.get("BUILD", "build")


def milliseconds(text):
    """systemd's way to write a length: 1min 2.003s, 509ms."""
    units = {"min": 60000, "s": 1000, "ms": 1, "us": 0.001}
    parts = re.findall(r"([0-9.]+)(min|ms|us|s)\b", text)
    assert parts, text
    return sum(float(number) * units[unit] for number, unit in parts)


def length(event):
    return ((event.get("active_ns") or event.get("end_ns")) - event["begin_ns"]) / MS


def blame(manager):
    """Unit to ms."""
    lines = manager.ask("systemd-analyze", "--user", "blame", "--no-pager").splitlines()
    return {line.split()[-1]: milliseconds(" ".join(line.split()[:-1])) for line in lines if line.strip()}


def assert_agrees(manager, agent, units):
    """With blame, time and critical-chain; they print whole ms."""
    told = {name: ms for name, ms in blame(manager).items() if ms >= 11}
    assert {"wait-online.service", "job.service", "broken.service"} <= set(told)
    for name, ms in told.items():
        assert abs(length(units[name]) - ms) <= 1, name
    boot = agent.events("boot")[-1]
    total = re.search(r"finished in (.*?) \(userspace\)", manager.ask("systemd-analyze", "--user", "time"))[1]
    assert abs((boot["finish_ns"] - boot["userspace_ns"]) / MS - milliseconds(total)) <= 1
    chain = re.findall(r"(\S+) @(.*?)(?: \+(.*))?$",
                       manager.ask("systemd-analyze", "--user", "critical-chain", "--no-pager", "kubelet.service"),
                       re.M)
    assert len(chain) == 4, chain
    edges = {(edge["unit"], edge["after"]) for edge in agent.events("unit-after")}
    for (name, at, took), above in zip(chain, [None] + chain):
        name = name.lstrip("└─")
        begin = units[name]["begin_ns"] if took else units[name]["active_ns"]
        assert abs((begin - boot["userspace_ns"]) / MS - milliseconds(at)) <= 1, name
        if above:
            assert (above[0].lstrip("└─"), name) in edges


def test_a_boot_found_afterwards(manager, build):
    with open(manager.dir + "/ok", "w", encoding="ascii"):
        pass
    assert manager.finished()
    agent = Agent(manager, build, "late")
    units = agent.done()
    assert_agrees(manager, agent, units)
    assert units["broken.service"]["result"] == "exit-code"
    assert not units["job.service"].get("active_ns")
    # a device may stay tentative: it is not over
    assert all(event.get("reconstructed") for event in units.values() if event.get("active_ns") or event.get("end_ns"))
    assert agent.status()["connected"] and agent.status()["cause"] == ""

    # the same by way of the bus
    assert manager.ask("systemctl", "--user", "start", "dbus.service") == ""
    manager.ask("rm", "/run/systemd/private")
    other = Agent(manager, build, "bus")
    again = other.done()
    assert all(again[name]["begin_ns"] == unit["begin_ns"] for name, unit in units.items())


def test_a_boot_that_is_watched(manager, build):
    """k3s fails twice before it is up: one activation, from its first try on, where blame has the last try."""
    agent = Agent(manager, build, "early")
    first = manager.wait(lambda: agent.units().get("k3s.service"))
    assert first and not first.get("active_ns")
    assert manager.wait(lambda: int(re.search("[0-9]+", manager.ask(
        "systemctl", "--user", "show", "--property=NRestarts", "k3s.service"))[0]) >= 2)
    with open(manager.dir + "/ok", "w", encoding="ascii"):
        pass
    units = agent.done()
    k3s = units["k3s.service"]
    assert k3s["begin_ns"] == first["begin_ns"] and length(k3s) > 2 * 500
    assert "reconstructed" not in k3s
    last_try = blame(manager).get("k3s.service", 0)
    assert last_try < 500
    assert_agrees(manager, agent, {**units, "k3s.service": dict(k3s, begin_ns=k3s["active_ns"] - int(last_try * MS))})

    # who comes later finds the restart, and says that it is doubtful
    manager.ask("systemctl", "--user", "restart", "kubelet.service")
    late = Agent(manager, build, "late")
    found = late.done()
    assert found["kubelet.service"]["begin_ns"] > units["kubelet.service"]["begin_ns"]
    assert found["kubelet.service"]["reconstructed"]


def test_without_a_systemd(manager, build):
    manager.ask("rm", "/run/systemd/private", "/run/dbus/system_bus_socket")
    agent = Agent(manager, build, "alone")
    assert manager.wait(lambda: agent.status().get("cause"))
    assert "/run/systemd/private" in agent.status()["cause"] and not agent.status()["connected"]
    (missing,) = [event for event in agent.events("source") if event["source"] == "systemd"]
    assert missing["step"] == "missing"
