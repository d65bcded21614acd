# SPDX-License-Identifier: Apache-2.0
"""nodewake health against the private containerd, the daemon and a fake API server: well, not well, not to be judged."""

import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import threading
import time

import pytest

from kube.fake_api import FakeApi
from kube.fake_api import node as api_node
from kube.fake_api import pod as api_pod
from node import Daemon

with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot_file:
    BOOT_ID = boot_file.read().strip()


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def condition(kind, holds, **more):
    return {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": now(), **more}


def set_status(api, resource, name, namespace="", **status):
    api.objects.replace(resource, namespace, name, lambda item: {**item, "status": {**item["status"], **status}})


def set_ready(api, name, ready=True, **container):
    """The pod's one container as the kubelet would tell of it."""
    state = container.pop("state", {"running": {"startedAt": now()}})
    set_status(api, "pods", name, "shop", phase="Running", conditions=[condition("Ready", ready)],
               containerStatuses=[{"name": "main", "image": "busybox", "ready": ready, "restartCount": 0,
                                   "state": state, **container}])


def make_machine(root):
    """/proc of a machine at rest, and this one's cgroups: others' tests may press on this one hard."""
    root.mkdir(mode=0o755)
    pressure = root / "proc" / "pressure"
    pressure.mkdir(parents=True)
    for name in ("cpu", "memory", "io"):
        (pressure / name).write_text("some avg10=0.00 avg60=1.00 avg300=0.00 total=1\n"
                                     "full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n")
    (root / "proc" / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\n")
    (root / "sys").symlink_to("/sys")
    return str(root)


class Asker:
    """Runs health as an operator on this node would."""

    def __init__(self, node, api, daemon, root):
        self.node, self.api, self.daemon = node, api, daemon
        self.words = [daemon.program, "health", "--kubeconfig", api.kubeconfig, "--node-name", node.name,
                      "--containerd-socket", node.socket, "--socket", daemon.socket, "--state-dir", daemon.state,
                      "--root", root]

    def start(self, *words, **options):
        return subprocess.Popen([*self.words, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

    def text(self, *words):
        done = self.start(*words)
        out, error = done.communicate(timeout=60)
        assert not error, error
        return done.returncode, out

    def json(self, *words):
        """Returns (exit code, {check: its findings})."""
        done = self.start("--output", "json", *words)
        out, _ = done.communicate(timeout=60)
        told = json.loads(out)
        found = {}
        for finding in told["findings"]:
            found.setdefault(finding["check"], []).append(finding)
        return done.returncode, found


@pytest.fixture(name="api")
def an_api(node, tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", api_node(node.name))
        set_status(api, "nodes", node.name, nodeInfo={"bootID": BOOT_ID}, conditions=[condition("Ready", True)])
        for name in ("web-0", "web-1"):
            api.objects.create("pods", "shop", api_pod(name, node.name, "shop"))
            set_ready(api, name)
        yield api


@pytest.fixture(name="asker")
def an_asker(node, api, tmp_path):
    with Daemon(node, state=str(tmp_path / "state"), kubeconfig=api.kubeconfig) as daemon:
        yield Asker(node, api, daemon, make_machine(tmp_path / "machine"))


def only(found, check):
    assert len(found[check]) == 1, found[check]
    return found[check][0]


def test_all_is_well(asker, node):
    code, found = asker.json()
    assert code == 0, found
    for check, text in (("containerd", "answers on " + node.socket), ("api", "is ready"),
                        ("node", node.name + " is Ready since "), ("pods", "all 2 are ready"),
                        ("oom", "no kills for memory since the boot"), ("crashes", "no crashes since the boot"),
                        ("nodewake", "is well, watching since ")):
        assert only(found, check)["health"] == "ok", found[check]
        assert text in only(found, check)["text"]
    code, text = asker.text()
    assert code == 0 and text.endswith("\nwell\n")


def test_the_kubeconfig_of_the_daemon(asker, tmp_path):
    """Nobody names it in a shell: the daemon has it from its unit's settings. What KUBECONFIG names goes first."""
    at = asker.words.index("--kubeconfig")
    del asker.words[at:at + 2]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("KUBECONFIG")}
    none = str(tmp_path / "none")
    for more, code, told in (({}, 0, "all 2 are ready"), ({"KUBECONFIG": none}, 1, "cannot read the kubeconfig " + none)):
        done = asker.start(env={**environment, **more})
        out, _ = done.communicate(timeout=60)
        assert done.returncode == code and told in out, out


def test_a_pod_that_is_not_ready_is_named(asker, api, node):
    """And how it ended last, as the kernel saw it."""
    pod = node.run_pod("web-1")
    pod.start("main", ["exit", "3", "50"]).wait_exited()
    asker.daemon.wait_final("exits")
    set_ready(api, "web-1", False, restartCount=2,
              state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
              lastState={"terminated": {"exitCode": 3, "reason": "Error"}})
    code, found = asker.json()
    pod.remove()
    assert code == 1
    assert only(found, "pods")["text"] == "1 of 2 are ready"
    told = only(found, "pod")
    assert (told["health"], told["subject"], told["reason"]) == ("bad", "shop/web-1", "CrashLoopBackOff")
    assert "restarted 2 times, last exit code 3 (Error); last: ended with exit code 3 after" in told["text"]
    assert "logs web-1 -c main --previous; nodewake explain web-1 -n shop" in told["todo"]
    assert only(found, "crashes")["health"] == "warn" and "shop/web-1/main" in only(found, "crashes")["text"]
    # another namespace is well, one that does not exist can't be
    api.objects.create("pods", "infra", api_pod("dns", node.name, "infra"))
    set_status(api, "pods", "dns", "infra", phase="Running", conditions=[condition("Ready", True)])
    assert asker.json("-n", "infra")[0] == 0
    assert asker.json("-n", "shop")[0] == 1
    code, found = asker.json("-n", "shpo")
    assert code == 3 and only(found, "pods")["health"] == "unknown"


def test_waiting_ends_when_all_is_well(asker, api):
    set_ready(api, "web-1", False)
    begin = time.monotonic()
    waiting = asker.start("--wait", "60s")
    first = waiting.stdout.readline()
    assert "s bad     pods       1 of 2 are ready" in first
    set_ready(api, "web-1")
    text = waiting.stdout.read()
    assert waiting.wait(30) == 0 and time.monotonic() - begin < 30
    assert "bad     pod        shop/web-1: main runs since" in text
    assert "ok      pod        shop/web-1: ready, or gone\n" in text
    assert "ok      pods       all 2 are ready\n" in text
    assert text.endswith("\nwell\n")


def test_waiting_ends_when_the_time_is_over(asker, api):
    set_ready(api, "web-1", False)
    begin = time.monotonic()
    code, text = asker.text("--wait", "3s")
    assert code == 1 and 3 <= time.monotonic() - begin < 15
    assert text.endswith("\nnot well: pods\n")


def test_a_terminal_is_redrawn(asker, api):
    set_ready(api, "web-1", False)
    master, slave = pty.openpty()
    waiting = subprocess.Popen([*asker.words, "--wait", "60s"], stdout=slave, stderr=slave)
    os.close(slave)
    threading.Timer(5, set_ready, (api, "web-1")).start()
    text = b""
    while True:
        try:
            text += os.read(master, 4096)
        except OSError:  # its end
            break
    os.close(master)
    assert waiting.wait(30) == 0
    assert b"1 of 2 pods are ready" in text and b"A\x1b[J" in text
    assert text.count(b"waiting, ") >= 2 and text.rstrip().endswith(b"well")


def test_no_api_server(asker, api):
    api.stop()
    code, found = asker.json()
    assert code == 1
    assert only(found, "api")["health"] == "bad" and "does not answer" in only(found, "api")["text"]
    assert only(found, "api")["todo"].startswith("journalctl -b -u ")
    for check in ("node", "pods"):
        assert only(found, check)["health"] == "unknown"
    api.start()
    assert asker.json()[0] == 0


def test_an_api_server_that_hangs_or_is_not_ready(asker, api):
    api.fault("stall", times=100, match="GET")
    begin = time.monotonic()
    code, found = asker.json()
    assert code == 1 and time.monotonic() - begin < 15
    assert only(found, "api")["health"] == "bad"
    api.heal()
    api.fail(1, 500, match="/readyz")
    code, found = asker.json()
    assert code == 1 and "answers, and is not ready (500)" in only(found, "api")["text"]


def test_what_was_said_before_the_boot_is_not_believed(asker, api, node):
    set_status(api, "nodes", node.name, nodeInfo={"bootID": "00000000-0000-0000-0000-000000000000"})
    code, found = asker.json()
    assert code == 1 and "has not reported since the boot" in only(found, "node")["text"]
    set_status(api, "nodes", node.name, nodeInfo={"bootID": BOOT_ID})
    long_ago = "2020-01-01T00:00:00Z"
    set_status(api, "pods", "web-1", "shop",
               conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": long_ago}])
    code, found = asker.json()
    assert code == 1 and only(found, "pod")["reason"] == "NotReported"
    # but for one whose container is here: then it was the clock that was wrong
    pod = node.run_pod("web-1")
    container = pod.start("main", ["listen", "8080"])
    set_status(api, "pods", "web-1", "shop",
               containerStatuses=[{"name": "main", "ready": True, "containerID": "containerd://" + container.id,
                                   "state": {"running": {"startedAt": long_ago}}}])
    code, found = asker.json()
    pod.remove()
    assert code == 0, found


def test_a_kill_for_memory_since_the_boot(asker, node):
    """It is over: worth a look, not unwell."""
    pod = node.run_pod("web-0")
    pod.start("main", ["eat-child", "50"], memory=16 << 20)
    asker.daemon.wait_final("ooms")
    code, found = asker.json()
    pod.remove()
    told = only(found, "oom")
    assert code == 0 and told["health"] == "warn"
    assert "kill for memory since the boot" in told["text"] and "shop/web-0/main child cast" in told["text"]
    assert told["todo"] == "nodewake ooms --boot current"


def test_containerd_that_hangs(asker, node):
    node.containerd.send_signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        code, found = asker.json()
        assert time.monotonic() - begin < 15
    finally:
        node.containerd.send_signal(signal.SIGCONT)
    assert code == 1
    told = only(found, "containerd")
    assert told["health"] == "bad" and "timed out" in told["text"] and "does not answer" in told["todo"]


def test_without_root(asker, node):
    """What can't be seen is said, with the reason; waiting would not help."""
    os.chmod(asker.api.kubeconfig, 0o600)
    folder = pathlib.Path("/tmp/%s-for-all" % node.name)  # where everybody may look
    folder.mkdir(mode=0o755)
    program = str(folder / "nodewake")
    with open(asker.daemon.program, "rb") as source, open(program, "wb") as copy:
        copy.write(source.read())
    os.chmod(program, 0o755)
    asker.words[0], asker.words[-1] = program, make_machine(folder / "machine")
    try:
        done = asker.start("--output", "json", "--wait", "60s", user=65534, group=65534, extra_groups=[])
        out, error = done.communicate(timeout=30)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 3, out + error
    found = {finding["check"]: finding for finding in json.loads(out)["findings"]}
    for check in ("api", "containerd", "nodewake"):
        assert found[check]["health"] == "unknown" and "ermission denied" in found[check]["text"], found[check]
        assert "root" in found[check]["todo"]
    assert found["memory"]["health"] != "unknown" and found["disk"]["health"] != "unknown"
