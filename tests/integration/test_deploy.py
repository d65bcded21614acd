# SPDX-License-Identifier: Apache-2.0
"""The image, run as the manifest says: the DaemonSet's own securityContext and mounts, through CRI."""

import json
import os
import subprocess

import pytest

from node.node import Node
from node.processes import wait_until

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed: run make deps")

HERE = os.path.dirname(os.path.abspath(__file__))
OVERLAYS = os.path.join(HERE, "..", "..", "deploy", "overlays")
BUILD = os.environ.get("BUILD", "build")
IMAGE = os.path.join(BUILD, "nodewake-image.tar")
CAPABILITY_BITS = {"SYSLOG": 34, "PERFMON": 38, "BPF": 39}  # linux/capability.h


def pod_spec(overlay):
    done = subprocess.run(["kubectl", "kustomize", os.path.join(OVERLAYS, overlay)], capture_output=True, text=True,
                          check=True)
    spec, = [m["spec"]["template"]["spec"] for m in yaml.safe_load_all(done.stdout) if m["kind"] == "DaemonSet"]
    return spec


class Agent:
    """The overlay's pod on the private node, with folders of the test's in the place of the host's."""

    def __init__(self, node, overlay):
        self.node, spec = node, pod_spec(overlay)
        (container,) = spec["containers"]
        self.security = container["securityContext"]
        self.logs = node.dir + "/agent-logs"
        instead = {"containerd": node.dir, "state": node.dir + "/agent-state", "run": node.dir + "/agent-run"}
        for path in (self.logs, instead["state"], instead["run"]):
            os.makedirs(path)
        host = {"hostnet": int(spec["hostNetwork"]), "hostpid": int(spec["hostPID"])}
        pod = node.run_pod("nodewake", namespace="nodewake", logs=self.logs, **host)
        values = {v["name"]: v.get("value") or {"spec.nodeName": "test", "status.podIP": "127.0.0.1"}[
            v["valueFrom"]["fieldRef"]["fieldPath"]] for v in container["env"]}
        words = ["pod=" + pod.id, "name=nodewake", "image=" + container["image"], "podname=nodewake",
                 "namespace=nodewake", "uid=" + pod.uid, "parent=" + pod.parent, "args=1", "confined=1",
                 "memory=%d" % (int(container["resources"]["limits"]["memory"].removesuffix("Mi")) << 20)]
        words += pod.options
        words += ["cap=" + name for name in self.security["capabilities"]["add"]]
        words += ["env=%s=%s" % (name, value.replace("$(POD_IP)", values["POD_IP"])) for name, value in values.items()]
        volumes = {v["name"]: v["hostPath"]["path"] for v in spec["volumes"]}
        for mount in container["volumeMounts"]:
            assert "mountPropagation" not in mount
            words.append("mount=%s:%s%s" % (instead.get(mount["name"], volumes[mount["name"]]), mount["mountPath"],
                                            ":ro" if mount.get("readOnly") else ""))
        self.id = node.cri("create", *words, "--", *container["args"])
        node.cri("start", "id=" + self.id)
        self.pid = json.loads(node.cri("inspect", "id=" + self.id))["pid"]

    def verb(self, *words):
        """As `kubectl exec` does; what it prints, whatever its exit code."""
        return subprocess.run([self.node.build + "/cri", "exec", "id=" + self.id, "--", "nodewake", *words],
                              capture_output=True, text=True, check=False,
                              env=dict(os.environ, CRI_SOCKET=self.node.socket)).stdout

    def status(self):
        text = self.verb("status", "--output", "json")
        return json.loads(text) if text else None

    def wait(self, what, verb, seconds=15):
        """The first record that what() is true of."""
        def found():
            records = map(json.loads, self.verb(verb, "--output", "json").splitlines())
            return next((r for r in records if what(r)), None)
        return wait_until(found, seconds, "%s; there are:\n%s\n%s" % (verb, self.verb(verb), self.log()))

    def log(self):
        with open(self.logs + "/nodewake_0.log", encoding="utf-8") as file:
            return file.read()


@pytest.fixture(scope="module", name="agent", params=["generic", "k3s"])
def started(request):
    with Node(BUILD) as node:
        node.ctr("images", "import", IMAGE)
        before = node.run_pod("before")
        container = before.start("server", ["listen", "8079"])
        agent = Agent(node, request.param)
        agent.before = before, container
        wait_until(lambda: (agent.status() or {"sources": {"containerd": {}}})["sources"]["containerd"].get("connected"),
                   15, "the agent's status: " + agent.log())
        yield agent


def test_it_has_no_right_beyond_the_manifest(agent):
    with open("/proc/%d/status" % agent.pid, encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    wanted = sum(1 << CAPABILITY_BITS[name] for name in agent.security["capabilities"]["add"])
    assert [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")] == [wanted] * 3
    assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert status["Uid"].split() == ["0"] * 4
    with open("/proc/%d/mounts" % agent.pid, encoding="utf-8") as file:
        options = {words[1]: words[3].split(",") for words in map(str.split, file)}
    for path in ("/", "/sys", "/sys/fs/cgroup", "/proc/sys"):
        assert "ro" in options[path], path


def test_doctor_misses_nothing(agent):
    found = json.loads(agent.verb("doctor", "--output", "json"))
    # the plugins' directories are the host's, and only their names matter
    assert [f for f in found if f["health"] != "ok" and f["check"] != "cni"] == []


def test_every_probe_is_attached(agent):
    kernel = agent.status()["sources"]["kernel"]
    assert len(kernel["probes"]) >= 8 and all(probe["attached"] or probe["on_demand"] for probe in kernel["probes"])
    assert "kernel symbols can't be read" not in agent.log()


def test_it_tells_starts_and_childs_oom(agent):
    pod = agent.node.run_pod("shop")
    pod.start("server", ["listen", "8080"])
    pod.start("pool", ["eat-child", "100"], memory=24 << 20)
    start = agent.wait(lambda r: r["subject"].get("container") == "server" and r["state"] == "listening", "starts")
    assert start["subject"]["pod"] == "shop"
    assert start["why"]["stalls"][0]["grade"] == "measured"  # the programs on demand, with the pod's capabilities
    oom = agent.wait(lambda r: r["subject"].get("container") == "pool" and r.get("final"), "ooms")
    assert (oom["scope"], oom["container_survived"], oom["limit_bytes"]) == ("container", "yes", 24 << 20)


def mounts_of(agent, *ids):
    with open("/proc/%d/mountinfo" % agent.pid, encoding="utf-8") as file:
        return [line for line in file if any(id in line for id in ids)]


def test_mounts_of_a_removed_pod_do_not_stay(agent):
    """They came along with containerd's folder when the agent started; daemonset.yaml says why they go."""
    pod, container = agent.before
    assert mounts_of(agent, pod.id, container.id)
    container.stop(timeout=0)
    container.remove()
    pod.remove()
    wait_until(lambda: not mounts_of(agent, pod.id, container.id), 5, "the end of the mounts")


def test_it_outlives_containerd(agent):
    agent.node.kill_containerd()
    agent.node.start_containerd()
    pod = agent.node.run_pod("later")
    pod.start("server", ["listen", "8082"])
    agent.wait(lambda r: r["subject"].get("pod") == "later" and r["state"] == "listening", "starts")
