# SPDX-License-Identifier: Apache-2.0
"""What the API server is told, by the real daemon on a real kernel and containerd; the server is the fake one."""

import json
import os
import sqlite3
import time

import pytest

from kube.contract import *  # noqa: F403 # pylint: disable=wildcard-import,unused-wildcard-import
from kube.fake_api import FakeApi
from kube.fake_api import node as api_node
from kube.told import SOON, wall_ns
from node import Daemon
from node.processes import wait_until


@pytest.fixture(name="api")
def an_api(node, tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", api_node(node.name))
        yield api


@pytest.mark.parametrize("times, status, headers, message", [
    (2, 500, {}, ""), (2, 503, {}, ""), (1, 429, {"Retry-After": "2"}, ""), (1, 409, {}, ""), (1, 403, {}, "")])
def test_a_refusal_for_now_is_tried_again(told, pod, times, status, headers, message):
    told.api.fail(times, status, headers, match="/events", message=message, reason="Conflict" if status == 409 else "")
    pod.start("app", ["exit", "3", "0"])
    told.event("ContainerCrashed", pod.name, seconds=8)
    tries = told.api.found("POST", "/events")
    assert [r["status"] for r in tries] == [status] * times + [201]
    gaps = [b["at"] - a["at"] for a, b in zip(tries, tries[1:])]
    assert all(gap >= 0.7 for gap in gaps)
    if headers:
        assert gaps[0] >= 2


def test_a_refusal_for_good_blocks_nothing(told, pod):
    told.api.fail(1, 403, match="/events", message="unable to create new content in namespace shop because it is "
                  "being terminated")
    pod.start("app", ["exit", "3", "0"]).wait_exited()
    wait_until(lambda: told.daemon.status()["kubernetes"]["events"]["given_up"] == 1, SOON, "the refusal")
    pod.start("next", ["exit", "4", "0"])
    assert "exit code 4" in told.event("ContainerCrashed", pod.name)["note"]


def a_boot(end_ns, offset_ns, seconds, **more):
    """A boot's record that was over at end_ns, as `nodewake boot` would tell it."""
    return {"type": "boot", "key": "boot", "final": True, "boot_ns": end_ns, "wall_offset_ns": offset_ns, "state": "ready",
            "measured": True, "span": {"from_ns": 1, "to_ns": 1 + seconds * 10**9}, "pods_expected": 9, "pods_ready": 9,
            "last_end": "power-loss", "phases": [{"phase": "kernel", "from_ns": 1, "to_ns": 1 + 2 * 10**9},
                                                 {"phase": "pods", "from_ns": 1 + 2 * 10**9, "to_ns": 1 + seconds * 10**9}],
            "steps": [{"kind": "pod", "pod": "shop/web", "name": "app", "phase": "pull", "from_ns": 1 + 2 * 10**9,
                       "to_ns": 1 + seconds * 10**9}], **more}


def put_boots(state, end_ns, *seconds):
    """As if the last of these boots were this one; its Event was not told yet."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    offset_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    store = sqlite3.connect(os.path.join(state, "nodewake.db"))
    store.execute("DELETE FROM records")
    store.execute("DELETE FROM outbox")
    store.execute("DELETE FROM boots")
    for i, length in enumerate(seconds):
        this = i == len(seconds) - 1
        store.execute("INSERT INTO boots (id, boot_id, wall_offset_ns) VALUES (?, ?, ?)",
                      (i + 1, boot_id if this else "boot-%d" % i, offset_ns))
        store.execute("INSERT INTO records (boot, type, key, boot_ns, wall_ns, final, measured, duration_ns, namespace, pod,"
                      " container, container_id, body, told) VALUES (?, 5, 'boot', ?, ?, 1, 1, ?, '', '', '', '', ?, ?)",
                      (i + 1, end_ns, end_ns + offset_ns, length * 10**9, json.dumps(a_boot(end_ns, offset_ns, length)),
                       not this))
    store.commit()
    store.close()
    return end_ns + offset_ns


@pytest.mark.parametrize("seconds, reason, warning", [(21, "NodeBootCompleted", False), (151, "NodeBootSlow", True)])
def test_a_boot_is_told(told, api, seconds, reason, warning):
    """From the store: to Kubernetes, which was away when it was over, once and with its time, and to Prometheus."""
    told.daemon.kill()
    for event in told.events():
        api.delete_event(event)
    ended = put_boots(told.daemon.state, time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 5 * 10**9, 20, 20, 22, seconds)
    api.stop()
    told.daemon.start()
    time.sleep(2)
    told.daemon.kill()
    api.start()
    told.daemon.start()
    event = told.event(reason, told.node.name, seconds=10)
    assert abs(wall_ns(event["eventTime"]) - ended) < 1e6
    assert event["type"] == ("Warning" if warning else "Normal")
    assert event["regarding"] == {"kind": "Node", "apiVersion": "v1", "name": told.node.name, "uid": told.node.name}
    assert event["metadata"]["namespace"] == "default"
    assert "shop/web/app pull" in event["note"] and ("slower than usual (median 20.0s of 3" in event["note"]) == warning
    length = "2m31s" if warning else "21s"
    line = told.wait_line("boot", "ready %s after kernel start (usual 20s): pods " % length, "kernel 2s", seconds=10)
    assert "reconstructed" not in line
    text = told.daemon.get("/metrics")[1]
    assert "\nnodewake_boot_ready_seconds %d\n" % seconds in text
    assert "\nnodewake_boot_slower_than_usual %d\n" % warning in text
    assert '\nnodewake_boot_last_end{end="power-loss"} 1\n' in text
    told.daemon.kill()
    told.daemon.start()
    time.sleep(2)
    assert len([e for e in told.events() if e["reason"].startswith("NodeBoot")]) == 1


def test_without_kubernetes_all_else_goes_on(node, tmp_path):
    with Daemon(node, state=str(tmp_path / "state")) as daemon:
        assert "kubernetes" not in daemon.status() and daemon.status()["well"]
    broken = tmp_path / "kubeconfig"
    broken.write_text("nonsense")
    with Daemon(node, state=str(tmp_path / "state"), kubeconfig=str(broken)) as daemon:
        assert "Kubernetes is not told" in daemon.read_log()
        assert "kubernetes" not in daemon.status()
