# SPDX-License-Identifier: Apache-2.0
"""Many deaths at a time: none is lost, and Kubernetes is not flooded. What they cost is in tests/bench."""

import pytest

from deaths.load import CrashLoops, Kills
from kube.fake_api import FakeApi
from kube.fake_api import node as api_node
from kube.told import Told, counts
from node import Daemon
from node.processes import wait_until

KILLS, LOOPS = 150, 20


@pytest.fixture(name="told")
def a_telling_daemon(node, tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", api_node(node.name))
        with Daemon(node, state=str(tmp_path / "state"), kubeconfig=api.kubeconfig) as daemon:
            told = Told(node, api, daemon)
            told.wait_line("agent", "watching since", seconds=10)
            yield told
        node.remove_pods()


def test_kills_add_up(told, node):
    begin = len(told.writes())
    kills = Kills(node, KILLS, 20)
    kills.wait(90)
    of_kernel = kills.of_kernel()
    records = wait_until(lambda: told.daemon.wait_final("ooms", count=of_kernel), 20, "the records")
    assert len(records) == of_kernel == kills.planted() == KILLS
    assert len({r["victims"][0]["pid"] for r in records}) == KILLS
    assert {r["subject"]["pod"] for r in records} == {kills.pod.name}
    wait_until(lambda: [counts(e) for e in told.events("ProcessOOMKilled", kills.pod.name)] == [KILLS], 75, "the series' count")
    assert len(told.writes()) - begin <= 20
    assert told.daemon.records("gaps") == []


def test_crash_loops_add_up(told, node):
    loops = CrashLoops(node, LOOPS)
    loops.wait_running(60)
    wait_until(lambda: loops.lines("exited") >= 3 * LOOPS, 90, "three deaths of each")
    loops.stop()
    dead = loops.deaths()
    assert len(dead) >= 3 * LOOPS

    def told_of():
        found = {r["subject"]["container_id"]: r for r in told.daemon.records("exits") if r.get("final")}
        return found if set(found) >= set(dead) else None
    records = wait_until(told_of, 20, "an exit of each container")
    assert {(r["verdict"], r["code"]) for r in records.values()} == {("error", 1)}
    assert sum(r.get("looping", False) for r in records.values()) >= LOOPS
    wait_until(lambda: told.daemon.status()["kubernetes"]["events"]["pending"] == 0, 60, "all to be told")
    events = [e for e in told.events() if e["regarding"]["name"].startswith("loop-")]
    assert sum(counts(e) for e in events) == len(records)
    assert told.daemon.records("gaps") == []
