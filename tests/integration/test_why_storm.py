# SPDX-License-Identifier: Apache-2.0
"""More starts at a time than are watched closely: nobody is told something wrong, and the degraded ones say so."""

import os

import pytest

from node import links, why
from node.processes import wait_until

STARTS = 200 if os.environ.get("NODEWAKE_LONG") else 80
SLEEP_MS, BURN_MS = 25000, 100


def started(daemon, prefix, count):
    def all_told():
        found = [r for r in daemon.records("starts", final=True)
                 if r["subject"].get("pod", "").startswith(prefix) and r["subject"].get("container_id")]
        return found if len(found) >= count else None
    return wait_until(all_told, 90, "%d starts" % count)


@pytest.fixture(name="storm")
def a_storm(node, daemon):
    client = node.start_pods("storm", STARTS, 8, image="localhost/plant:1", command=[
        "/plant", "sleep", str(SLEEP_MS), "burn", str(BURN_MS), "listen", "8080"])
    assert client.wait(240) == 0
    node.containers("storm")  # they are ours
    yield started(daemon, "storm", STARTS)
    node.remove_pods()


def test_a_storm(storm, daemon):
    assert why.wrong_breakdowns(storm, sleep=SLEEP_MS, cpu=BURN_MS) == []
    grades = why.grades(storm)
    assert grades["measured"] >= 32 and len(grades) > 1, grades
    assert daemon.status()["well"]
    wait_until(lambda: not links.on_demand(daemon.process.pid), 20, "the detaching of what watched it")


def test_what_watches_starts_is_attached_for_them_only(node, daemon):
    assert links.on_demand(daemon.process.pid) == []
    pod = node.run_pod("watched")
    pod.start("app", ["listen", "8080", "1500"])
    assert len(links.on_demand(daemon.process.pid)) >= 3
    wait_until(lambda: not links.on_demand(daemon.process.pid), 20, "the detaching")
    pod.remove()
