# SPDX-License-Identifier: Apache-2.0
"""What the API server is told, by the real daemon on a real kernel and containerd; the server is the fake one."""

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


def test_without_kubernetes_all_else_goes_on(node, tmp_path):
    with Daemon(node, state=str(tmp_path / "state")) as daemon:
        assert "kubernetes" not in daemon.status() and daemon.status()["well"]
    broken = tmp_path / "kubeconfig"
    broken.write_text("nonsense")
    with Daemon(node, state=str(tmp_path / "state"), kubeconfig=str(broken)) as daemon:
        assert "Kubernetes is not told" in daemon.read_log()
        assert "kubernetes" not in daemon.status()
