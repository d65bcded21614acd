# SPDX-License-Identifier: Apache-2.0
"""What source/kubernetes/kubernetes_boot.c tells of a server and a Node that come up: a fake API server over real TLS. No root."""

import datetime
import time

import pytest

from kube.client import Client, wait_for
from kube.fake_api import FakeApi, node

BOOT = "11111111-2222-3333-4444-555555555555"
NODE = "/api/v1/nodes/a"


@pytest.fixture(name="api")
def fake_api(tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", node("a"))
        yield api


class Boot(Client):
    def __init__(self, api):
        super().__init__("--kubeconfig", api.kubeconfig, "boot", "a", BOOT)

    def told(self, name=""):
        return [line for line in self.lines if name in ("", line.get("milestone")) and "milestone" in line]

    def wait(self, name, seconds=10):
        wait_for(lambda: self.told(name), seconds, lambda: "%s; stderr: %s" % (name, self.error))
        return self.told(name)[0]

    def offset_ns(self):
        """Once it has ended."""
        return next(line["offset_ns"] for line in self.lines if "offset_ns" in line)


def set_ready(api, status="True", boot_id=BOOT, since=None):
    stamp = (since or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y-%m-%dT%H:%M:%SZ")
    api.objects.merge_patch("nodes", "", "a", {"status": {"nodeInfo": {"bootID": boot_id}, "conditions": [
        {"type": "Ready", "status": status, "lastTransitionTime": stamp, "lastHeartbeatTime": stamp}]}})


def assert_apart(requests, seconds):
    times = [request["at"] for request in requests]
    assert all(two - one >= seconds * 0.98 for one, two in zip(times, times[1:])), times


def test_a_server_and_a_node_that_come_up(api):
    """Told as they happen, though the watch's pauses have grown long; not asked any more after that."""
    set_ready(api, boot_id="the boot before")
    api.stop()
    with Boot(api) as client:
        time.sleep(9)  # the watch tries after 1, 2, 4, 8 s and as much again by chance
        started = time.time_ns()
        api.start()
        server = client.wait("api-ready", 5)
        wait_for(lambda: api.found("GET", "limit="), 1, "the list at once")
        time.sleep(3)
        assert client.told() == [server]
        before = time.time_ns()
        set_ready(api)
        ready = client.wait("node-ready", 3)
        seen = time.time_ns()
        asked = api.count("GET", NODE)
        time.sleep(3)
        assert api.count("GET", NODE) == asked
    assert client.told() == [server, ready]
    assert not server["reconstructed"] and not ready["reconstructed"]
    assert api.count("GET", "/readyz") <= 1  # none where the watch came first by chance
    assert_apart(api.found("GET", NODE), 2)
    at = server["boot_ns"] + client.offset_ns()
    assert started <= at <= started + 2e9
    at = ready["boot_ns"] + client.offset_ns()
    assert before - 1e9 <= at <= seen  # a stamp is cut to whole seconds


def test_a_server_that_is_not_ready_yet(api):
    """It answers, but not well: asked once a second."""
    api.fail(1, 500, match="/pods")  # the watch's first try; the next is a second later or more
    api.fail(1, 500, match="/readyz")
    with Boot(api) as client:
        client.wait("api-ready")
    assert_apart(api.found("GET", "/readyz"), 1)


def test_what_was_there_before(api):
    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=7)
    set_ready(api, since=since)
    with Boot(api) as client:
        ready = client.wait("node-ready")
        time.sleep(3)
    assert client.told() == [ready] and ready["reconstructed"]
    assert abs(ready["boot_ns"] + client.offset_ns() - int(since.timestamp()) * 10**9) < 1e7
    assert api.count("GET", NODE) == 1 and api.count("GET", "/readyz") == 0


def test_who_may_not_ask(api):
    """Neither after the Node nor after the server: both are left alone, and pods are watched all the same."""
    api.forbidden.add(("get", "nodes"))
    api.fail(1, 403, match="/readyz", reason="Forbidden")
    api.fail(1, 500, match="/pods")
    with Boot(api) as client:
        client.wait("api-ready")
        time.sleep(3)
    assert [line["milestone"] for line in client.told()] == ["api-ready"]
    assert api.count("GET", "/readyz") == 1 and api.count("GET", NODE) == 1
