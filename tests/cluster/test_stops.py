# SPDX-License-Identifier: Apache-2.0
"""What Kubernetes stood behind a stop: each way that it has, and what nodewake says of it. docs/stops.md has the table.

A cluster of its own: its kubelet keeps only so much memory for pods that one of them can bring it to evict, far from
what the machine has.
"""

import json
import os
import shutil
import time

import pytest

from node import Daemon
from node.processes import wait_until

from . import Cluster
from .conftest import BUILD
from .logind import Logind
from .real_api import NAMESPACE, RealApi, give_rights

PODS = "/api/v1/namespaces/shop/pods/"
MEGABYTE = 1 << 20
ALLOCATABLE = 512  # MB for all pods; the kubelet evicts when less than EVICT of it are left
EVICT = 256


def container(*command, **more):
    return dict({"name": "app", "image": "localhost/cast:1", "imagePullPolicy": "Never", "args": list(command)}, **more)


def pod(name, *command, spec=None, labels=None, **more):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": labels or {}},
            "spec": dict({"containers": [container(*command, **more)], "terminationGracePeriodSeconds": 5}, **(spec or {}))}


def refused(port=81, **more):
    """A probe of a port that nobody listens on."""
    return dict({"tcpSocket": {"port": port}, "periodSeconds": 1, "failureThreshold": 1}, **more)


def memory_of_the_machine():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(file.readline().split()[1]) * 1024


class Scene:
    """The cluster, the agent beside it with the shipped rights, and short ways to look at both."""

    def __init__(self, cluster, daemon):
        self.cluster, self.daemon = cluster, daemon
        self.api = RealApi(cluster)
        self.manifests = cluster.dir + "/static"
        self.rows = []

    def plant(self, *items):
        self.cluster.apply(list(items))

    def running(self, name):
        def runs(found):
            states = [c["state"] for c in found["status"].get("containerStatuses", ())]
            return states and all("running" in state for state in states)
        return self.cluster.wait(PODS + name, runs)

    def delete(self, name, *options):
        self.cluster.kubectl("-n", "shop", "delete", "pod", name, "--wait=false", *options)

    def deaths(self, name, part="app"):
        return [r for r in self.daemon.records("exits")
                if r["subject"].get("pod") == name and r["subject"].get("container") == part]

    def death(self, name, part="app", seconds=45, true=lambda r: True):
        """The first death of the container that is final."""
        def told():
            return next((r for r in reversed(self.deaths(name, part)) if r.get("final") and true(r)), None)
        found = wait_until(told, seconds, "a final death of %s; there are %s" % (name, json.dumps(self.deaths(name, part))))
        stop = found.get("stop", {})
        self.rows.append((name, found["verdict"], stop.get("cause", "unknown"), stop.get("told", "")))
        return found


@pytest.fixture(scope="module", name="scene")
def a_scene():
    cluster = Cluster(BUILD)
    os.makedirs(cluster.dir + "/static")
    cluster.kubelet_settings = {
        "staticPodPath": cluster.dir + "/static", "fileCheckFrequency": "1s",
        "systemReserved": {"memory": str(memory_of_the_machine() - ALLOCATABLE * MEGABYTE)},
        "evictionHard": {"memory.available": "%dMi" % EVICT, "nodefs.available": "0%", "nodefs.inodesFree": "0%",
                         "imagefs.available": "0%"},
        "evictionPressureTransitionPeriod": "5s",
        "featureGates": {"GracefulNodeShutdown": True}, "shutdownGracePeriod": "6s",
        "shutdownGracePeriodCriticalPods": "2s"}
    with Logind(cluster.dir, BUILD) as logind:
        cluster.kubelet_environment = ("DBUS_SYSTEM_BUS_ADDRESS=" + logind.address,)
        with cluster:
            cluster.logind = logind
            give_rights(cluster)
            kubeconfig = cluster.account_kubeconfig(NAMESPACE, "nodewake")
            cluster.wait("/api/v1/namespaces/shop/serviceaccounts/default", lambda a: a.get("secrets") or cluster.version >= (1, 24))
            with Daemon(cluster.node, kubeconfig=kubeconfig, inside=cluster) as daemon:
                scene = Scene(cluster, daemon)
                try:
                    yield scene
                finally:
                    print()
                    for row in scene.rows:
                        print("| %s |" % " | ".join(row))
                    shutil.copy(daemon.events, cluster.keep_logs())


def stopped(death, cause, *words):
    stop = death["stop"]
    assert stop["cause"] == cause, death
    for word in words:
        assert word in stop["told"], death
    return stop


def test_a_liveness_probe(scene):
    scene.plant(pod("liveness", "polite", livenessProbe=refused()), pod("liveness-deaf", "deaf", livenessProbe=refused(),
                                                                        spec={"terminationGracePeriodSeconds": 2}))
    death = scene.death("liveness")
    stop = stopped(death, "liveness-probe", "Liveness probe failed", "connection refused")
    assert death["verdict"] == "completed" and death["sender_signal"] == 15 and stop["term_ns"]
    death = scene.death("liveness-deaf")
    stop = stopped(death, "liveness-probe", "Liveness probe failed")
    assert death["verdict"] == "stopped" and death["signal"] == 9 and stop["overran"] and stop["grace_s"] == 2
    assert 1.5e9 < stop["kill_ns"] - stop["term_ns"] < 4e9
    for name in ("liveness", "liveness-deaf"):
        scene.delete(name, "--grace-period=0", "--force")


def test_a_startup_probe(scene):
    """1.20 acts on it at its next look at the pod, up to 90 s later."""
    scene.plant(pod("startup", "polite", startupProbe=refused(failureThreshold=2), livenessProbe=refused()))
    stopped(scene.death("startup", seconds=150), "startup-probe", "Startup probe failed")
    scene.delete("startup", "--grace-period=0", "--force")


def test_a_post_start_hook(scene):
    scene.plant(pod("hook", "polite", lifecycle={"postStart": {"exec": {"command": ["/cast", "exit", "3"]}}}))
    stopped(scene.death("hook"), "post-start-hook", "hook")
    scene.delete("hook", "--grace-period=0", "--force")


def test_a_deletion(scene):
    scene.plant(pod("deleted", "polite"))
    scene.running("deleted")
    scene.delete("deleted")
    stop = stopped(scene.death("deleted"), "deletion")
    assert stop["grace_s"] == 5 and not stop.get("overran")


def test_a_deletion_without_a_grace_period(scene):
    scene.plant(pod("forced", "deaf"))
    scene.running("forced")
    scene.delete("forced", "--grace-period=0", "--force")
    death = scene.death("forced")
    stopped(death, "deletion", "deletionGracePeriodSeconds: 0")
    assert death["signal"] == 9


def test_a_pre_stop_hook_that_takes_too_long(scene):
    scene.plant(pod("pre-stop", "deaf", spec={"terminationGracePeriodSeconds": 3},
                    lifecycle={"preStop": {"exec": {"command": ["/cast", "sleep", "60000"]}}}))
    scene.running("pre-stop")
    scene.delete("pre-stop")
    death = scene.death("pre-stop")
    stop = stopped(death, "deletion")
    assert death["signal"] == 9 and stop["overran"] and stop["grace_s"] == 3, death
    assert 2.5e9 < stop["hook_ns"] < 8e9, death


def test_a_deadline(scene):
    scene.plant(pod("deadline", "polite", spec={"activeDeadlineSeconds": 4}))
    stopped(scene.death("deadline"), "deadline", "deadline")
    scene.delete("deadline")


def test_an_init_container_that_fails(scene):
    """Nothing is stopped: it ended by itself, and the pod with it."""
    scene.plant(pod("init", "polite", spec={"restartPolicy": "Never", "initContainers": [container("exit", "4", name="migrate")]}))
    death = scene.death("init", "migrate", true=lambda r: "kubernetes_reason" in r)
    assert death["verdict"] == "error" and death["code"] == 4 and "stop" not in death
    assert death["kubernetes_reason"] == "Error" and death["kubernetes_code"] == 4
    scene.delete("init")


def test_a_pod_that_is_deleted_while_it_crash_loops(scene):
    scene.plant(pod("looping", "exit", "3"))
    scene.cluster.wait(PODS + "looping", lambda p: p["status"].get("containerStatuses", [{}])[0].get("restartCount", 0) >= 1)
    scene.delete("looping")
    death = scene.death("looping", true=lambda r: "kubernetes_reason" in r)
    assert death["verdict"] == "error" and death["code"] == 3 and "stop" not in death
    assert death["kubernetes_code"] == 3


def test_an_eviction_for_storage(scene):
    volume = {"name": "data", "emptyDir": {"sizeLimit": "1Mi"}}
    scene.plant(pod("empty-dir", "fill", "/data/file", "8", spec={"volumes": [volume]},
                    volumeMounts=[{"name": "data", "mountPath": "/data"}]),
                pod("ephemeral", "fill", "/file", "8", resources={"limits": {"ephemeral-storage": "1Mi"}}))
    stopped(scene.death("empty-dir", seconds=120), "eviction", "data", "exceeds the limit")
    stopped(scene.death("ephemeral", seconds=120), "eviction", "ephemeral")
    scene.delete("empty-dir")
    scene.delete("ephemeral")


def test_an_eviction_for_memory(scene):
    scene.plant(pod("greedy", "hold", str(ALLOCATABLE - EVICT + 100)))
    stopped(scene.death("greedy", seconds=120), "eviction", "low on resource: memory")
    scene.delete("greedy")
    scene.cluster.wait("/api/v1/nodes/" + scene.cluster.node_name,
                       lambda node: not any(t["key"].endswith("memory-pressure") for t in node["spec"].get("taints", ())), 120)


def test_a_static_pod_whose_file_changes_and_goes(scene):
    manifest = pod("static", "polite")

    def write():
        with open(scene.manifests + "/static.json", "w", encoding="utf-8") as file:
            json.dump(manifest, file)
    name = "static-" + scene.cluster.node_name
    write()
    first = scene.running(name)["metadata"]["annotations"]["kubernetes.io/config.hash"]
    manifest["metadata"]["labels"] = {"changed": "yes"}
    write()
    stopped(scene.death(name), "changed")
    scene.cluster.wait(PODS + name, lambda p: p["metadata"]["annotations"]["kubernetes.io/config.hash"] != first)
    scene.running(name)
    os.unlink(scene.manifests + "/static.json")
    wait_until(lambda: len(scene.deaths(name)) == 2, 30, "its second death")
    stopped(scene.death(name, true=lambda r: r.get("stop", {}).get("cause") != "changed"), "gone")


def test_a_drain_and_a_deletion_on_a_cordoned_node(scene):
    node = scene.cluster.node_name
    names = ["drained-%d" % i for i in range(3)]
    scene.plant(*(pod(name, "polite", labels={"drained": "yes"}) for name in names))
    for name in names:
        scene.running(name)
    scene.cluster.kubectl("drain", node, "--force", "--ignore-daemonsets", "--pod-selector=drained=yes", "--timeout=60s")
    for name in names:
        stopped(scene.death(name), "drain", "" if scene.cluster.version >= (1, 26) else "unschedulable")
    scene.cluster.kubectl("uncordon", node)


def test_a_taint(scene):
    node = scene.cluster.node_name
    scene.plant(pod("tainted", "polite"))
    scene.running("tainted")
    scene.cluster.kubectl("taint", "node", node, "shop=closed:NoExecute")
    try:
        stopped(scene.death("tainted", true=lambda r: r["stop"].get("cause") == "taint"), "taint", "Marking for deletion")
    finally:
        scene.cluster.kubectl("taint", "node", node, "shop:NoExecute-")


def test_the_api_server_is_away(scene):
    """The kubelet goes on by itself: what it does, it does; why, nobody tells."""
    scene.plant(pod("alone", "polite", livenessProbe=refused(initialDelaySeconds=12)))
    scene.running("alone")
    scene.cluster.stop_apiserver()
    death = scene.death("alone", seconds=60)
    assert death["stop"]["term_ns"] and death["stop"].get("cause", "unknown") == "unknown" and "told" not in death["stop"]
    scene.cluster.start_apiserver()
    scene.cluster.wait_ready()
    scene.delete("alone", "--grace-period=0", "--force")


def test_the_node_shuts_down(scene):
    """The kubelet's own graceful shutdown; of systemd-logind only its part of the conversation is there."""
    scene.plant(pod("shut", "polite"))
    scene.running("shut")
    scene.cluster.logind.shut_down()
    stopped(scene.death("shut"), "node-shutdown", "shut")
    scene.cluster.logind.shut_down(False)


def test_what_it_asked_the_server(scene):
    """Events and the Node are asked for after a stop only, one at a time."""
    time.sleep(1)
    events = scene.api.found("GET", "/events")
    nodes = [r for r in scene.api.found("GET", "/api/v1/nodes/")]
    gaps = [b["at"] - a["at"] for a, b in zip(events, events[1:])]
    print("\nasked for Events %d times, for the Node %d times, after %d deaths" % (len(events), len(nodes), len(scene.rows)))
    assert all(gap > 4.5 for gap in gaps), gaps
    assert len(events) <= 3 * len(scene.rows)
