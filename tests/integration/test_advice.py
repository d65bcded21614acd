# SPDX-License-Identifier: Apache-2.0
"""Advice where a cause was planted, and none where a program took its time by itself."""

import os
import re

import pytest

SECOND = 1000000000


def final(daemon, container, seconds=30):
    return daemon.wait_final("starts", seconds=seconds, key=container.id)[0]


def duration(record, phase="app"):
    return [p["duration_ns"] for p in record["phases"] if p["phase"] == phase][0]


def test_a_cpu_limit(daemon, pod):
    """A twentieth of a CPU, for 0.4 s of computing."""
    container = pod.start("app", ["burn", "8080", "400"], quota=5000)
    record = final(daemon, container)
    assert duration(record) > 5.5 * SECOND
    stalls = record["why"]["stalls"][0]
    share = 100 * stalls["wall"]["throttled_ns"] / duration(record)
    assert share > 30  # a machine with other work has waits for CPUs besides
    assert record["why"]["advice_rule"] == "cpu-limit"
    assert record["why"]["advice"].startswith("raise the CPU limit: throttled %.0f %% of " % share)


def test_a_slow_plugin(daemon, node):
    node.set_cni_delay(6)
    try:
        pod = node.run_pod("advice-cni")
    finally:
        node.set_cni_delay(0)
    record = final(daemon, pod.start("app", ["listen", "8080", "100"]))
    pod.remove()
    assert record["why"]["advice_rule"] == "cni"
    assert record["why"]["advice"].startswith("CNI plugin slow-cni took 6.0")
    code, text = daemon.verb("explain", "advice-cni", "--state-dir", daemon.state)
    assert code == 0 and "  advice: CNI plugin slow-cni took 6.0" in text


def peer_of(node, pod, steps, seconds=None):
    """Runs plant's steps against 10.230.1.N, that refuses for so long; without seconds against one where packets vanish."""
    address = "10.230.1.1" if seconds else "10.232.1.1"
    if seconds:
        node.peer("refuse", address, 5432, seconds)
    else:
        os.system(" ".join(node.inside("ip", "route", "replace", "blackhole", "10.232.1.0/24")))
    words = [step.format(address=address) for step in steps]
    return pod.start("app", [*words, "listen", "8080"], image="localhost/plant:1", program="/plant")


def test_a_peer_that_refuses(daemon, node, pod):
    record = final(daemon, peer_of(node, pod, ["retry", "{address}", "5432", "100"], seconds=7))
    assert record["why"]["advice_rule"] == "peer"
    assert re.fullmatch(r"waited [67]\.\d\ds for 10\.230\.1\.1:5432: start it first or retry sooner",
                        record["why"]["advice"])


def test_a_peer_that_does_not_answer(daemon, node, pod):
    record = final(daemon, peer_of(node, pod, ["hang", "{address}", "5432", "7000", "1"]))
    assert record["why"]["advice_rule"] == "peer"
    assert re.fullmatch(r"waited [67]\.\d\ds for 10\.232\.1\.1:5432, no answer: check its address and network policies",
                        record["why"]["advice"])


@pytest.mark.parametrize("command", [["listen", "8080", "6000"], ["burn", "8080", "5500"]])
def test_silence_about_what_a_program_does_by_itself(daemon, pod, command):
    record = final(daemon, pod.start("app", command))
    assert duration(record) > 5 * SECOND
    waited = record["why"]["stalls"][0]["wall"].get("run_queue_ns", 0)
    busy = waited > 0.3 * duration(record)  # this machine's other work
    assert record["why"].get("advice_rule") in ((None, "cpu-busy", "competing") if busy else (None,))
