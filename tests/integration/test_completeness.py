# SPDX-License-Identifier: Apache-2.0
"""Every container, once, with its right name; whatever the others do."""

import json
import time


def names(records):
    return sorted(r["subject"].get("pod", "?") + "/" + r["subject"].get("container", "?") for r in records)


def test_fifty_pods_at_once(daemon, node):
    lines = node.cri("bench", "count=50", "image=localhost/cast:1", "parent=" + node.cgroup + "/burstable",
                     "prefix=fifty", "parallel=8", "--", "/cast", "listen", "8080").splitlines()
    pods = [json.loads(line) for line in lines]
    starts = daemon.wait_final("starts", count=50, seconds=30)
    assert names(starts) == sorted("%s/main" % pod["name"] for pod in pods)
    assert {r["subject"]["container_id"] for r in starts} == {pod["id"] for pod in pods}
    assert {r["state"] for r in starts} == {"listening"}
    assert not any(span.get("reconstructed") for r in starts for span in r["phases"])
    assert daemon.records("gaps") == []
    for pod in pods:
        node.cri("stopp", "id=" + pod["pod"])
        node.cri("rmp", "id=" + pod["pod"])
    exits = daemon.wait_final("exits", count=50, seconds=30)
    assert names(exits) == names(starts)
    assert {r["verdict"] for r in exits} == {"stopped"}


def test_two_hundred_short_lived(daemon, pod):
    ids = []
    for i in range(200):
        container = pod.create("true-%d" % i, [])
        container.start()
        container.wait_exited()
        container.remove()
        ids.append(container.id)
    starts = daemon.wait_final("starts", count=200, seconds=30)
    exits = daemon.wait_final("exits", count=200, seconds=30)
    wanted = sorted("%s/true-%d" % (pod.name, i) for i in range(200))
    assert names(starts) == wanted
    assert names(exits) == wanted
    assert {r["subject"]["container_id"] for r in starts} == set(ids)
    assert {(r["verdict"], r.get("code", 0)) for r in exits} == {("completed", 0)}
    assert daemon.records("gaps") == []


def test_fork_storm_hides_nothing(daemon, node, pod):
    """One container forks as fast as it can; others start, die and are killed for memory."""
    storm = pod.start("storm", ["storm", "10"])
    other = node.run_pod("calm")
    end = time.monotonic() + 8
    rounds = 0
    while time.monotonic() < end:
        other.start("exit-%d" % rounds, ["exit", "3", "10"])
        other.start("oom-%d" % rounds, ["eat", "10"], memory=16 << 20).wait_exited()
        rounds += 1
    storm.wait_exited(60)
    forks = storm.stamps()["forks"]
    exits = daemon.wait_final("exits", count=2 * rounds + 1, seconds=30)
    ooms = daemon.wait_final("ooms", count=rounds, seconds=30)
    starts = daemon.wait_final("starts", count=2 * rounds + 1, seconds=30)
    assert rounds >= 3 and forks > 1000
    assert len(exits) == len(starts) == 2 * rounds + 1
    assert len(ooms) == rounds
    verdicts = {r["subject"]["container"]: r["verdict"] for r in exits}
    for i in range(rounds):
        assert verdicts["exit-%d" % i] == "error"
        assert verdicts["oom-%d" % i] == "oom-killed"
    assert daemon.records("gaps") == []
    other.remove()
