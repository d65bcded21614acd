# SPDX-License-Identifier: Apache-2.0
"""What is said of real programs' starts, checked against what the kernel counted for them and what they log themselves.

Each test leaves NAME.txt in $BUILD/explain: what `nodewake explain` prints, and what it was checked against.
"""

import json
import os
import subprocess
import tempfile
import time

import pytest

from kube.fake_api import pod as api_pod
from node import page_cache, why
from node.processes import wait_until
from why.programs import PROGRAMS


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Kubelet:
    """What the API server has of the pod."""

    def __init__(self, api, node, pod):
        self.api, self.pod = api, pod
        item = api_pod(pod.name, node.name, pod.namespace, uid=pod.uid, creationTimestamp=now())
        item["spec"]["containers"] = [{"name": "main", "image": "localhost/host:1", "readinessProbe": {
            "periodSeconds": 1, "exec": {"command": ["true"]}}}]
        api.objects.create("pods", pod.namespace, item)

    def tell(self, container, ready):
        status = {"phase": "Running", "containerStatuses": [{
            "name": "main", "image": "localhost/host:1", "ready": ready, "restartCount": 0,
            "containerID": "containerd://" + container.id, "state": {"running": {"startedAt": now()}}}],
            "conditions": [{"type": kind, "status": "True" if holds else "False", "lastTransitionTime": now()}
                           for kind, holds in (("PodScheduled", True), ("Initialized", True), ("Ready", ready))]}
        self.api.objects.replace("pods", self.pod.namespace, self.pod.name, lambda item: {**item, "status": status})


def drop_all(folder):
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            if os.path.isfile(path) and not os.path.islink(path):
                page_cache.drop(path)


class Witness:
    """The kernel's own counts for a container: of its cgroup, and of its processes."""

    def __init__(self, pod, container):
        self.path = "%s/%s" % (pod.parent, container.id)
        self.init = container.inspect()["pid"]

    def cpu_ns(self):
        path = "/sys/fs/cgroup/cpuacct%s/cpuacct.usage" % self.path
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                return int(file.read())
        with open("/sys/fs/cgroup%s/cpu.stat" % self.path, encoding="ascii") as file:
            return int(file.readline().split()[1]) * 1000

    def pids(self):
        for root in ("cpuacct", "unified", ""):
            path = "/sys/fs/cgroup/%s%s/cgroup.procs" % (root, self.path)
            if os.path.exists(path):
                with open(path, encoding="ascii") as file:
                    return [int(line) for line in file]
        return []

    def io(self):
        """{member of /proc/PID/io: sum}"""
        sums = {}
        for pid in self.pids():
            with open("/proc/%d/io" % pid, encoding="ascii") as file:
                for name, value in (line.split(": ") for line in file):
                    sums[name] = sums.get(name, 0) + int(value)
        return sums


def address_of(container):
    words = subprocess.run(["nsenter", "-t", str(container.inspect()["pid"]), "-n", "ip", "-4", "-o", "addr", "show",
                            "eth0"], capture_output=True, text=True, check=True).stdout.split()
    return words[words.index("inet") + 1].split("/")[0]


def answers(node, name, address):
    """Asked from the node's network, as the kubelet would."""
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    return subprocess.run(node.inside("/usr/bin/python3", "-c", "import sys; sys.path.insert(0, %r)\n"
                                      "from why.programs import PROGRAMS\n"
                                      "sys.exit(not PROGRAMS[%r]().answers(%r))" % (tests, name, address)),
                          check=False).returncode == 0


def seconds(name, found):
    return "%s %.3f s" % (name, found / 1e9)


def compared(record, program, log, io, cpu_ns):
    lines = ["", "checked against:"]
    lines.append("  /proc/PID/io: read_bytes %.1f MB, rchar %.1f MB; said: %.1f MB from disk, %.1f MB read" % (
        io["read_bytes"] / 1e6, io["rchar"] / 1e6, record.get("why", {}).get("disk_bytes", 0) / 1e6,
        record.get("why", {}).get("read_bytes", 0) / 1e6))
    lines.append("  cpuacct.usage of its cgroup: %s" % seconds("", cpu_ns))
    for stalls in why.of(record, "stalls"):
        lines.append("  said of %s (%s): %s; all %d threads: %s" % (
            stalls["phase"], stalls["grade"],
            ", ".join(seconds(kind, stalls["wall"].get(kind + "_ns", 0)) for kind in why.KINDS
                      if stalls["wall"].get(kind + "_ns", 0) > 10**6),
            stalls["thread_count"], seconds("cpu", stalls["threads"].get("cpu_ns", 0))))
    lines.append("  its own log: " + ("; ".join("%s %.3f s" % one for one in program.told(log)) or "nothing"))
    return lines


def keep(build, name, **texts):
    os.makedirs(os.path.join(build, "explain"), exist_ok=True)
    for ending, text in texts.items():
        with open("%s/explain/%s.%s" % (build, name, ending), "w", encoding="utf-8") as file:
            file.write(text)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(node, api, daemon, name):
    program = PROGRAMS[name]()
    if not os.path.exists(program.command[0]):
        pytest.skip("%s is not installed: tests/deps.sh programs" % program.package)
    folder, logs = tempfile.mkdtemp(dir=node.dir), tempfile.mkdtemp(dir=node.dir)
    os.chmod(folder, 0o755)
    program.prepare(folder)
    for cold in [folder, *getattr(program, "libraries", [])]:
        drop_all(cold)
    pod = node.run_pod(name, logs=logs)
    kubelet = Kubelet(api, node, pod)
    container = pod.create("main", program.command[1:], image="localhost/host:1", program=program.command[0],
                           mount=["/usr:/usr:ro", "/etc:/etc:ro", folder + ":/data"], **program.options)
    container.start()
    kubelet.tell(container, False)
    path = "%s/main_0.log" % logs
    try:
        address, witness = address_of(container), Witness(pod, container)
        wait_until(lambda: answers(node, name, address), 120, "an answer of " + name)
    except (subprocess.CalledProcessError, TimeoutError) as error:
        with open(path, encoding="utf-8") as file:
            raise AssertionError(file.read()) from error
    kubelet.tell(container, True)
    cpu_ns, io = witness.cpu_ns(), witness.io()

    def final():
        return [r for r in daemon.records("starts", final=True) if r["subject"].get("container_id") == container.id]
    record = wait_until(final, 30, "the start of " + name)[0]
    with open(path, encoding="utf-8") as file:
        log = "".join(line.split(" ", 3)[3] for line in file)
    _, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    lines = [text.rstrip(), *compared(record, program, log, io, cpu_ns)]
    keep(node.build, name, txt="\n".join(lines) + "\n", json=json.dumps(record, indent=1), log=log)
    print("\n".join(lines))
    pod.remove()
    assert [p["phase"] for p in record["phases"]][-2:] == ["app", "probe"]
    check(record, program.told(log), io, cpu_ns)


def check(record, told, io, cpu_ns):
    """What holds of every program."""
    spent = dict.fromkeys(why.KINDS, 0)
    for stalls in why.of(record, "stalls"):
        length = why.length(why.phase(record, stalls["phase"]))
        assert stalls["grade"] == "measured", stalls
        assert abs(sum(stalls["wall"].values()) - length) <= length / 100
        for kind, ns in why.wall(record, stalls["phase"]).items():
            spent[kind] += ns
    said_ns = sum(stalls["threads"].get("cpu_ns", 0) for stalls in why.of(record, "stalls"))
    assert abs(said_ns - cpu_ns) < 0.1 * cpu_ns + 100 * why.MS  # runc's init is in its cgroup, too
    read = io["read_bytes"]
    assert abs(record["why"].get("disk_bytes", 0) - read) < 0.02 * read + (2 << 20)  # and in its first process' counts
    if told:
        worked_ns = spent["cpu"] + spent["run_queue"] + spent["disk"]
        assert worked_ns > 0.95 * told[0][1] * 1e9 - 50 * why.MS
