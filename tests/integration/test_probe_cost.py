# SPDX-License-Identifier: Apache-2.0
"""What a start did behind its listen, and what probes cost it, on a real kernel; the kubelet's part is played by a fake API server's pod."""

import datetime
import os
import re
import time

import pytest

from kube.fake_api import FakeApi
from kube.fake_api import node as api_node
from node import Daemon, page_cache, why

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


def ready_after(seconds, api, node, daemon, pod, command, *, container=None, **probes):
    """Runs the command, calls it ready so long after, and returns the record."""
    container = container or pod.create("app", command)
    tell(api, node, pod, container, False, probes)  # a pod is known before its containers run
    begin = time.monotonic()
    container.start()
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


PLANT = {"image": "localhost/plant:1", "program": "/plant"}
EVERY_SECOND = {"readinessProbe": {"periodSeconds": 1}}


def below(text, phase):
    """The lines below a phase's row."""
    return re.search(r"^  %s .*\n((?:    .*\n)*)" % phase, text, re.M)[1]


def agrees(said_ns, own_ns):
    assert abs(said_ns - own_ns) <= max(own_ns / 20, 0.05 * SECOND), (said_ns, own_ns)
    return True


def test_name_servers_behind_the_listen(api, node, daemon, pod):
    """It listens first and then asks: once before, thrice behind."""
    node.peer("dns", "10.230.9.1", 53, 1)
    steps = ["dns", "10.230.9.1", "53", "1", "early", "8080", "dns", "10.230.9.1", "53", "3", "listen", "8081"]
    container = pod.create("app", steps, **PLANT)
    record = ready_after(7, api, node, daemon, pod, None, container=container, **EVERY_SECOND)
    stamps = container.stamps()  # the second step's stamps stand where the first one's were
    told, = record["why"]["peers"]
    assert (told["kind"], told["count"], told.get("failed", 0)) == ("dns", 4, 0)
    assert agrees(told["wait_ns"] - told["probe_ns"], stamps["early"] - stamps["entry"])
    assert agrees(told["probe_ns"], stamps["dns_wall"])
    assert agrees(why.causes(record, "probe")["dns"], stamps["dns_wall"])
    assert agrees(why.causes(record, "app")["dns"], stamps["early"] - stamps["entry"])
    _, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    assert "4 dns questions to 10.230.9.1 took " in below(text, "probe")
    assert "dns" not in below(text, "app")


def test_a_question_across_the_listen(api, node, daemon, pod):
    """Asked by another thread before, answered 2.5 s behind it."""
    node.peer("dns", "10.230.9.2", 53, 4.5)
    steps = ["beside", "dns", "10.230.9.2", "53", "1", "join", "sleep", "2000", "early", "8080", "sleep", "4000", "listen", "8081"]
    container = pod.create("app", steps, **PLANT)
    record = ready_after(7, api, node, daemon, pod, None, container=container, **EVERY_SECOND)
    told, = record["why"]["peers"]
    stamps = container.stamps()
    assert (told["kind"], told["count"], told.get("failed", 0)) == ("dns", 1, 0)
    assert agrees(told["wait_ns"], stamps["dns_wall"])
    assert agrees(told["probe_ns"], stamps["dns_wall"] - (stamps["early"] - stamps["entry"]))


def test_a_peer_behind_the_listen(api, node, daemon, pod):
    node.peer("refuse", "10.230.9.3", 5432, 3)
    container = pod.create("app", ["early", "8080", "retry", "10.230.9.3", "5432", "100", "listen", "8081"], **PLANT)
    record = ready_after(5, api, node, daemon, pod, None, container=container, **EVERY_SECOND)
    stamps = container.stamps()
    told, = record["why"]["peers"]
    assert (told["kind"], told["count"]) == ("failed", stamps["retry_failed"])
    assert agrees(why.causes(record, "probe")["peer"], stamps["retry_wall"])
    assert not why.causes(record, "app").get("peer")
    _, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    assert "refused connections to 10.230.9.3:5432" in below(text, "probe")


def test_reads_behind_the_listen(api, node, daemon, pod, tmp_path):
    with open(tmp_path / "read.bin", "wb") as file:
        file.write(os.urandom(64 << 20))
    page_cache.drop(tmp_path / "read.bin")
    container = pod.create("app", ["early", "8080", "read", "/data/read.bin", "listen", "8081"],
                           mount=["%s:/data" % tmp_path], **PLANT)
    record = ready_after(4, api, node, daemon, pod, None, container=container, **EVERY_SECOND)
    _, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    assert record["why"]["files"][0]["path"] == "/data/read.bin"
    assert "read /data/read.bin 64MiB" in below(text, "probe") and "read.bin" not in below(text, "app")
