# SPDX-License-Identifier: Apache-2.0
"""What probes cost a start, on a real kernel; the kubelet's part is played by a fake API server's pod."""

import datetime
import time

import pytest

from kube.fake_api import FakeApi
from kube.fake_api import node as api_node
from node import Daemon

SECOND = 1000000000


@pytest.fixture(name="api")
def an_api(node, tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", api_node(node.name))
        yield api


@pytest.fixture(name="daemon")
def a_daemon_with_kubernetes(node, api, tmp_path):
    with Daemon(node, state=str(tmp_path / "state"), kubeconfig=api.kubeconfig) as daemon:
        yield daemon


def tell(api, node, pod, container, ready, probes):
    """The pod as the kubelet reports it."""
    condition = {"type": "Ready", "status": "True" if ready else "False",
                 "lastTransitionTime": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
    item = {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
            "spec": {"nodeName": node.name, "containers": [{"name": "app", "image": "localhost/cast:1", **probes}]},
            "status": {"phase": "Running", "conditions": [condition], "containerStatuses": [
                {"name": "app", "containerID": "containerd://" + container.id, "ready": ready, "restartCount": 0,
                 "state": {"running": {"startedAt": condition["lastTransitionTime"]}}}]}}
    if ready:
        api.objects.merge_patch("pods", pod.namespace, pod.name, {"status": item["status"]})
    else:
        api.objects.create("pods", pod.namespace, item)


def ready_after(seconds, api, node, daemon, pod, command, **probes):
    """Runs the command, calls it ready so long after, and returns the record."""
    begin = time.monotonic()
    container = pod.start("app", command)
    tell(api, node, pod, container, False, probes)
    time.sleep(begin + seconds - time.monotonic())
    tell(api, node, pod, container, True, probes)
    record = daemon.wait_final("starts", key=container.id)[0]
    assert record["phases"][-1]["phase"] == "probe"
    return record


def probe_ns(record):
    return record["phases"][-1]["duration_ns"]


def test_the_initial_delay(api, node, daemon, pod):
    record = ready_after(8, api, node, daemon, pod, ["listen", "8080", "300"],
                         readinessProbe={"periodSeconds": 2, "initialDelaySeconds": 7, "failureThreshold": 3})
    why = record["why"]
    assert why["probe_initial_s"] == 7
    assert why["probe_setting"] == "initialDelaySeconds" and why["probe_setting_value"] == 7
    assert why["probe_delay_ns"] == pytest.approx(probe_ns(record), abs=0.05 * SECOND)
    assert why["probe_setting_ns"] == pytest.approx(6.7 * SECOND, abs=0.1 * SECOND)
    assert why["advice_rule"] == "probe-delay"
    assert why["advice"].startswith("initialDelaySeconds 7 cost 6.")
    code, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    assert code == 0 and "advice: initialDelaySeconds 7 cost 6." in text


def test_the_period(api, node, daemon, pod):
    record = ready_after(7, api, node, daemon, pod, ["listen", "8080", "300"], readinessProbe={"periodSeconds": 10})
    why = record["why"]
    assert why["probe_setting"] == "periodSeconds" and why["probe_setting_value"] == 10
    assert why["probe_setting_ns"] == pytest.approx(probe_ns(record), abs=0.05 * SECOND)
    assert why["advice_rule"] == "probe-period" and why["advice"].startswith("probe period 10s cost 6.")


def test_the_programs_own_work_is_not_the_probes(api, node, daemon, pod):
    """It listens first, and computes for six of the seven seconds: one is the probe's."""
    record = ready_after(7, api, node, daemon, pod, ["listen-burn", "8080", "6000"],
                         readinessProbe={"periodSeconds": 10})
    why = record["why"]
    assert why.get("probe_delay_ns", 0) < 1.5 * SECOND
    assert "advice" not in why


def test_a_probe_that_must_have_failed_tells_nothing(api, node, daemon, pod):
    """Idle for six seconds, asked every second: why it could not answer nobody saw."""
    record = ready_after(7, api, node, daemon, pod, ["listen", "8080", "300"], readinessProbe={"periodSeconds": 1})
    assert "probe_delay_ns" not in record["why"] and "advice" not in record["why"]
