# SPDX-License-Identifier: Apache-2.0
"""A whole Kubernetes that comes back by itself after a reboot, and what the agent tells of it, also to that Kubernetes."""

import datetime
import os
import shutil
import tempfile
import threading
import time

import pytest

from .kubernetes import NODE, PATHS, Kubernetes, condition, deployment, pod_spec, readiness
from .report import final_report

BUILD = os.environ.get("BUILD", "build")
MS = 1_000_000
REPLICAS = 3
PODS = REPLICAS + 1  # and a static one
DEADLINE = 900  # seconds after the kernel's start
BACK = 900  # seconds until all is Ready again
MISSING_DEADLINE = 420  # of the boot that does not recover

pytestmark = pytest.mark.skipif(not os.environ.get("NODEWAKE_LONG"),
                                reason="the whole Kubernetes boots in minutes: make check-boot-cluster, or NODEWAKE_LONG=1")


def wall(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Boot:
    """The boot after a reboot, when its record is final."""

    def __init__(self, kubernetes, seconds):
        machine = self.machine = kubernetes.machine
        self.kubernetes = kubernetes
        before = machine.boot_id
        self.bound = {(p["metadata"]["namespace"], p["metadata"]["name"]) for p in kubernetes.pods()
                      if p["spec"].get("nodeName") == NODE}
        self.uids = {p["metadata"]["uid"] for p in kubernetes.pods()}
        self.before = before
        self.nodes = []  # the Node's Ready conditions as this boot's kubelet told them, looked at each second
        self.over = threading.Event()
        watcher = threading.Thread(target=self._watch, daemon=True)
        begun = time.monotonic()
        machine.reboot()
        watcher.start()
        try:
            self.told = final_report(machine, seconds)
        finally:
            self.over.set()
            watcher.join(70)
        self.final = time.monotonic() - begun
        # by its own clock, which Kubernetes' stamps are of
        now, up = machine.run("date +%s.%N; cut -d ' ' -f 1 /proc/uptime").split()
        self.start_wall = float(now) - float(up)
        print("\n%s, after %.0f s; %s" % (self.told.boot["state"], self.final, ", ".join("%s %.1f s" % (
            p["phase"], p["duration_ns"] / 1e9) for p in self.told.phases)), flush=True)
        print(machine.run("nodewake boot", check=False), flush=True)

    def _watch(self):
        while not self.over.wait(1):
            try:
                node = self.kubernetes.node()
            except OSError:
                continue
            if node["status"]["nodeInfo"]["bootID"] == self.machine.boot_id:
                self.nodes.append(condition(node, "Ready"))

    def ns(self, stamp):
        """Of a wall time, on the boot clock."""
        return (wall(stamp) - self.start_wall) * 1e9


@pytest.fixture(scope="module", name="kubernetes")
def a_node_with_pods(request):
    folder = tempfile.mkdtemp(prefix="nodewake-vm-")
    failed = request.session.testsfailed
    kubernetes = Kubernetes(BUILD, folder)
    machine = kubernetes.make_machine(["NODEWAKE_BOOT_DEADLINE=%ds" % DEADLINE])
    begun = time.monotonic()
    try:
        with machine:
            try:
                kubernetes.set_up([deployment("web", REPLICAS, pod_spec("listen", "8080", "500",
                                                                        readinessProbe=readiness(8080)))])
                kubernetes.wait_ready(PODS)
                machine.wait_settled()
                print("\na Kubernetes with %d Ready pods after %.0f s" % (PODS, time.monotonic() - begun), flush=True)
                yield kubernetes
            except BaseException:
                failed = -1
                raise
            finally:
                if request.session.testsfailed > failed:
                    kubernetes.keep_logs(os.path.join(BUILD, "boot-logs", "cluster"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", name="boot")
def after_a_reboot(kubernetes):
    return Boot(kubernetes, BACK)


def test_all_pods_came_back(boot):
    told = boot.told.boot
    assert told["state"] == "ready" and told["final"]
    assert len(boot.bound) == PODS
    assert told["pods_expected"] == told["pods_ready"] == PODS and not boot.told.missing
    pods = boot.kubernetes.pods()
    assert {p["metadata"]["uid"] for p in pods} == boot.uids
    assert all(condition(p, "Ready")["status"] == "True" for p in pods)


def test_it_ended_when_kubernetes_says_so(boot):
    """The last pod's Ready condition, in whole seconds, however late the agent heard of it; and what two commands take."""
    last = max(boot.ns(condition(p, "Ready")["lastTransitionTime"]) for p in boot.kubernetes.pods())
    told = boot.told.boot["span"]["to_ns"]
    assert -1200 * MS <= last - told <= 1000 * MS, (last / 1e9, told / 1e9)


def test_phases_sum_to_the_whole(boot):
    told = boot.told
    inside = [phase for phase in told.phases if phase["phase"] not in ("firmware", "loader")]
    # the Node may be Ready in the second in which the API server answers
    assert [phase["phase"] for phase in inside if phase["phase"] != "node"] == ["kernel", "userspace", "runtime", "pods"]
    assert abs(sum(phase["duration_ns"] for phase in inside) - told.boot["span"]["duration_ns"]) <= 50 * MS
    assert all(a["to_ns"] == b["from_ns"] for a, b in zip(inside, inside[1:]))
    # the API server is part of the runtime's phase: it tells systemd before it is ready itself
    assert told.phase("runtime")["to_ns"] >= told.units["kube-apiserver.service"]["span"]["to_ns"] - 1000 * MS


def test_the_critical_path_is_one_line(boot):
    told = boot.told
    assert len(told.steps) > 3
    assert abs(sum(step["duration_ns"] for step in told.steps) - told.boot["span"]["duration_ns"]) <= 50 * MS
    assert all(a["to_ns"] == b["from_ns"] for a, b in zip(told.steps, told.steps[1:]))
    assert told.steps[-1]["kind"] == "pod"


def test_the_node_is_ready_when_its_condition_says_so(boot):
    """The kubelet may say Ready at once: then the condition is of before the boot, and when it was told counts."""
    first = next(told for told in boot.nodes if told["status"] == "True")
    at = max(boot.ns(first[stamp]) for stamp in ("lastTransitionTime", "lastHeartbeatTime"))
    told = boot.told.phase("pods")["from_ns"]
    assert -1000 * MS <= told - at <= 2000 * MS, (told / 1e9, at / 1e9, first)  # a stamp is cut to whole seconds


def test_the_last_boot_ended_clean(boot):
    assert boot.told.boot["last_end"] == "clean", boot.told.boot.get("last_evidence")
    assert boot.told.boot["last_boot_id"].replace("-", "") == boot.before.replace("-", "")


def test_kubernetes_is_told(boot):
    name = "nodewake.io/boot"
    node = boot.kubernetes.wait("/api/v1/nodes/" + NODE, lambda n: n["metadata"]["annotations"].get(name, "").startswith("ready"), 90)
    print(node["metadata"]["annotations"][name], flush=True)


def test_an_event_on_the_node(boot):
    def of_this_boot():
        return [e for e in boot.kubernetes.events() if e["reason"] in ("NodeBootCompleted", "NodeBootSlow")
                and wall(e["eventTime"]) > boot.start_wall]
    end = time.monotonic() + 90
    while not of_this_boot() and time.monotonic() < end:
        time.sleep(2)
    event, = of_this_boot()
    print(event["reason"], event["note"], flush=True)
    assert event["regarding"]["name"] == NODE


def test_the_node_is_well(boot):
    """In a shell, which knows nothing of the unit's settings: the daemon does."""
    boot.machine.run("nodewake health")
    assert not boot.machine.run("systemctl --failed --no-legend --plain")


def test_a_boot_that_does_not_recover(boot):
    """An image that no registry has."""
    kubernetes, machine = boot.kubernetes, boot.machine
    image = "127.0.0.1:5000/none:1"
    kubernetes.create(PATHS["Deployment"], deployment("none", 1, pod_spec("listen", "8080", image=image)))
    kubernetes.wait("/api/v1/pods", lambda told: any(
        status["state"].get("waiting", {}).get("reason") in ("ErrImagePull", "ImagePullBackOff")
        for pod in told["items"] for status in pod["status"].get("containerStatuses", ())), 120)
    machine.run("echo NODEWAKE_BOOT_DEADLINE=%ds >>/etc/default/nodewake" % MISSING_DEADLINE)
    told = Boot(kubernetes, MISSING_DEADLINE + 120).told
    assert told.boot["state"] == "not-recovered"
    assert told.boot["pods_expected"] == PODS + 1 and told.boot["pods_ready"] == PODS
    missing, = told.missing
    assert missing["pod"].startswith("default/none-")
    assert missing["reason"] in ("ErrImagePull", "ImagePullBackOff") and "127.0.0.1:5000" in missing["detail"], missing
