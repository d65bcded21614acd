# SPDX-License-Identifier: Apache-2.0
"""The DaemonSet from its image and manifests: what kubectl describe shows of each thing that goes wrong, within 2 s."""

import json
import os
import re

import pytest

from node.processes import wait_until

from .conftest import BUILD
from .test_cluster import PODS, app, cast, is_ready

MB = 1 << 20
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "described.txt")


def plain(line):
    """Without what differs from run to run: lengths, times, numbers, names made by chance, which phase was longer, and so the cause."""
    line = re.sub(r"\s+", " ", line.strip())
    line = re.sub(r"\b\d{4}-\d\d-\d\d[T ][\d:.]+Z?|\b\d\d:\d\d(:\d\d)?Z?\b", "TIME", line)
    line = re.sub(r"nodewake-\w{8}\b", "NODE", line)
    line = re.sub(r"(<unknown>|\d+s( \(x\d+ over \d+s\))?)(?= nodewake)", "AGE", line)
    line = re.sub(r"\b\d+(\.\d+)?\s?(ms|s|m|h|B|Ki|Mi|Gi|KiB|MiB|GiB)\b|pid \d+|\b\d{2,}\b", "N", line)
    line, cause, _ = line.partition(". Top cause: ")
    return re.sub(r"((?:probe|app|schedule|admit|sandbox) N.*)", lambda found: ", ".join(
        sorted(found[1].split(", "))), line) + cause


def run_pod(cluster, name, *command, memory=0, **spec):
    container = dict(spec.pop("container", {}))
    if memory:
        container["resources"] = {"limits": {"memory": str(memory)}}
    cluster.apply(cast(name, *command, container=container, **spec))


def since(cluster, name, moment):
    """Waits for the moment that the API server shows; what follows has SOON from there."""
    return cluster.wait(PODS + name, moment, 60)


def ended(pod):
    state = app(pod)
    return "terminated" in state["state"] or "terminated" in state.get("lastState", {})


# The kubelet gives the pod's cgroup the sum of its containers' limits, and the pause program's memory counts there too: it
# is the pod's limit that is hit, as the kernel log says (oom_memcg).
CAST = [
    # name, command, memory, moment, reason, note, line, parts
    ("fails", ["exit", "3", "50"], 0, ended, "ContainerCrashed", "exit code 3", "crashes", ["default/fails exit 3"]),
    ("faults", ["segv", "50"], 0, ended, "ContainerCrashed", "SIGSEGV at address 0xdead000", "crashes",
     ["default/faults SIGSEGV"]),
    ("greedy", ["eat", "50"], 24 * MB, ended, "ContainerOOMKilled", "pod limit 24MiB", "oom-kills",
     ["default/greedy cast", "pod limit 24Mi"]),
    ("worker", ["eat-child", "300"], 24 * MB, is_ready, "ProcessOOMKilled", "child cast (pid", "oom-kills",
     ["default/worker cast (child", "pod limit 24Mi"]),
]


@pytest.mark.parametrize("name, command, memory, moment, reason, note, line, parts", CAST)
def test_a_death_is_told(cluster, agent, name, command, memory, moment, reason, note, line, parts):
    run_pod(cluster, name, *command, memory=memory, restartPolicy="Never")
    pod = since(cluster, name, moment)
    event = agent.wait_event(name, reason)
    assert note in event["note"]
    assert event["regarding"]["uid"] == pod["metadata"]["uid"]
    assert event["regarding"]["fieldPath"] == "spec.containers{app}"
    agent.wait_line(line, *parts)
    assert reason in agent.describe(name)
    assert parts[0] in cluster.kubectl("describe", "node", cluster.node_name)
    cluster.kubectl("delete", "pod", name, "--wait=false")


def test_the_kubelet_is_killed(cluster, agent):
    """A death while there is no kubelet is told as any other; when it is back, all goes on and no gap says that something was missed."""
    run_pod(cluster, "orphan", "exit", "4", "4000", restartPolicy="Never")
    cluster.wait(PODS + "orphan", lambda pod: "running" in app(pod)["state"], 60)
    gaps = agent.status()["store"]["records"].get("gap", 0)
    cluster.running["kubelet"].kill()
    cluster.stop_kubelet()
    try:
        assert "exit code 4" in agent.wait_event("orphan", "ContainerCrashed", 30)["note"]
    finally:
        cluster.start_kubelet()
    cluster.wait_ready()
    since(cluster, "orphan", ended)
    agent.wait_line("crashes", "default/orphan exit 4")
    run_pod(cluster, "after", "listen", "8080")
    since(cluster, "after", is_ready)
    assert agent.status()["store"]["records"].get("gap", 0) == gaps
    cluster.kubectl("delete", "pod", "orphan", "after", "--wait=false")


def test_a_missing_program_is_told(cluster, agent):
    run_pod(cluster, "typo", container={"command": ["/usr/bin/srever"]}, restartPolicy="Never")
    since(cluster, "typo", ended)
    assert "/usr/bin/srever" in agent.wait_event("typo", "ContainerExecFailed")["note"]
    agent.describe("typo")
    agent.wait_line("crashes", "default/typo")
    cluster.kubectl("delete", "pod", "typo", "--wait=false")


def test_a_slow_start_is_told_with_its_phases(cluster, agent):
    """It listens after 2 s; the probe asks every 4 s, which costs up to 4 s more."""
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 4}
    run_pod(cluster, "slow", "listen", "8080", "2000", container={"readinessProbe": probe})
    since(cluster, "slow", is_ready)
    note = agent.wait_event("slow", "ContainerSlowStart")["note"]
    assert "app 2.0" in note and "probe" in note
    agent.describe("slow")
    agent.wait_line("slowest-start", "default/slow", "app 2.0s", "probe")
    text = agent.run("explain", "slow")
    for phase in ("schedule", "admit", "sandbox", "network", "create", "runtime", "app", "probe"):
        assert re.search(r"^ +%s " % phase, text, re.M), phase
    assert "Ready after" in text
    starts = [json.loads(line) for line in agent.run("starts", "--pod", "slow", "--output", "json").splitlines()]
    pod_start, = [s for s in starts if s["state"] == "ready"]
    container, = [s for s in starts if s["state"] == "listening"]
    for start in (pod_start, container):
        at = start["span"]["from_ns"]
        for phase in start["phases"]:
            assert phase["from_ns"] == at
            at = phase["to_ns"]
        assert at == start["span"]["to_ns"]
    assert container["final"] and container["probe_period_s"] == 4
    cluster.kubectl("delete", "pod", "slow", "--wait=false")


def test_a_crash_loop_is_told(cluster, agent):
    run_pod(cluster, "looping", "exit", "7")
    since(cluster, "looping", lambda pod: app(pod).get("restartCount", 0) >= 2 and ended(pod))
    note = agent.wait_event("looping", "CrashLooping", seconds=40)["note"]
    assert "exit code 7" in note
    agent.describe("looping")
    agent.wait_line("crashes", "1 looping: default/looping exit 7 3x")
    text = agent.run("explain", "looping")
    assert "CrashLoopBackOff" in text and "next try at" in text
    cluster.kubectl("delete", "pod", "looping", "--wait=false")


def test_an_image_that_cannot_be_pulled_is_told(cluster, agent):
    run_pod(cluster, "absent", container={"image": "127.0.0.1:5000/absent:1", "imagePullPolicy": "Always"})
    since(cluster, "absent", lambda pod: "Pull" in app(pod)["state"].get("waiting", {}).get("reason", ""))
    note = agent.wait_event("absent", "ImagePullFailed")["note"]
    assert "127.0.0.1:5000/absent:1" in note
    agent.describe("absent")
    assert "ImagePullBackOff" in agent.run("explain", "absent")
    cluster.kubectl("delete", "pod", "absent", "--wait=false")


def test_a_missing_volume_is_explained(cluster, agent):
    run_pod(cluster, "unmounted", "listen", "8080",
            volumes=[{"name": "secret", "secret": {"secretName": "not-there"}}],
            container={"volumeMounts": [{"name": "secret", "mountPath": "/secret"}]})
    text = wait_until(lambda: "FailedMount" in agent.run("waits") and agent.run("explain", "unmounted"), 40, "the wait")
    assert "not-there" in text
    cluster.kubectl("delete", "pod", "unmounted", "--wait=false")


def test_the_agent_is_well_and_small(cluster, agent):
    status = agent.status()
    assert status["well"], status["problems"]
    assert status["kubernetes"]["watched"] and status["kubernetes"]["refused"] == 0
    assert status["cost"]["pss_bytes"] < 20e6
    told = cluster.kubectl("describe", "node", cluster.node_name)
    lines = [line.replace("Annotations:", "").strip() for line in told.splitlines() if "nodewake.io/" in line]
    agent.described += [line for line in lines if "nodewake.io/boot" not in line]
    names = {line.split(":")[0] for line in lines} - {"nodewake.io/boot"}  # there once there is a boot record
    assert names == {"nodewake.io/" + name for name in ("slowest-start", "oom-kills", "crashes", "agent")}
    assert not any(line.endswith("...") for line in lines)  # kubectl cuts what is longer than 140
    pod = cluster.get("/api/v1/namespaces/nodewake/pods/" + agent.pod)
    assert app(pod)["restartCount"] == 0
    print("\nPSS %.1f MB" % (status["cost"]["pss_bytes"] / 1e6))


def test_what_kubectl_describes_is_as_it_was(agent):
    """All of the above, figures aside; what was shown stays in BUILD/described.txt."""
    with open(os.path.join(BUILD, "described.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(agent.described) + "\n")
    print("\n" + "\n".join(agent.described))
    # whatever else was slow on a busy machine
    shown = sorted(plain(line) for line in agent.described  # those of one second come in any order
                   if not re.search("PodSlowStart|slowest-start|to be executed", line))
    if os.environ.get("ACCEPT"):
        with open(GOLDEN, "w", encoding="utf-8") as file:
            file.write("\n".join(shown) + "\n")
    with open(GOLDEN, encoding="utf-8") as file:
        assert shown == file.read().splitlines()
