# SPDX-License-Identifier: Apache-2.0
"""The agent on a full node, and beside pods that crash and are killed for memory all the time: it stays small.

NODEWAKE_LONG=1: with as many pods as a kubelet takes, for 20 minutes.
"""

import os
import time

import pytest

from node.processes import wait_until

from .test_cluster import PODS, cast, is_ready

LONG = os.environ.get("NODEWAKE_LONG") == "1"
COUNT = 109 if LONG else 20  # and the agent's own
MINUTES = 20 if LONG else 2
MB = 1 << 20


def test_a_soak_stays_flat(cluster, agent):
    """Pods that crash in a loop, and one whose child is killed for memory twice a second."""
    cluster.apply([cast("soak-%d" % i, "exit", str(i + 1), "100") for i in range(3)])
    cluster.apply(cast("soak-eater", "eat-child", "0", "1000000", "500",
                       container={"resources": {"limits": {"memory": str(24 * MB)}}}))
    seen = []
    for _ in range(MINUTES * 2):
        time.sleep(30)
        seen.append(agent.status()["cost"]["pss_bytes"] / 1e6)
    quarter = max(1, len(seen) // 4)
    early, late = max(seen[:quarter]), max(seen[-quarter:])
    kills = len(agent.run("ooms", "--pod", "soak-eater", "--limit", "100000", "--output", "json").splitlines())
    print("\nPSS over %d min: %.1f MB in its first quarter, %.1f MB in its last; %d kills recorded" % (
        MINUTES, early, late, kills))
    assert kills >= MINUTES * 60
    assert late <= early * 1.05 + 0.5
    status = agent.status()
    assert status["well"], status["problems"]
    assert status["cost"]["pss_bytes"] <= 20e6
    cluster.kubectl("delete", "pod", "soak-0", "soak-1", "soak-2", "soak-eater", "--wait=false")


@pytest.fixture(scope="module", name="full")
def a_full_node(cluster, agent):
    names = ["full-%d" % i for i in range(COUNT)]
    cluster.apply([cast(name, "listen", "8080") for name in names])

    def all_ready():
        items = cluster.get(PODS.rstrip("/"))["items"]
        return len([p for p in items if p["metadata"]["name"] in names and is_ready(p)]) == COUNT
    wait_until(all_ready, 600, "%d Ready pods" % COUNT)
    yield agent
    cluster.kubectl("delete", "pods", "--all", "--wait=false", "--grace-period=0", "--force")


def test_a_full_node_costs_little(full):
    time.sleep(15)  # what it needed for the starts is given back
    status = full.status()
    print("\nPSS with %d pods: %.1f MB" % (COUNT + 1, status["cost"]["pss_bytes"] / 1e6))
    assert status["cost"]["pss_bytes"] <= 20e6
    assert status["well"], status["problems"]
