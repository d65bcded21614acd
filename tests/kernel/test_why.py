# SPDX-License-Identifier: Apache-2.0
"""Why a start was slow, by the limits and counters of pure cgroup v2: against the program's own clock and the kernel's counts."""

import re

import pytest
from conftest import DISK_MB, needs

from node import why
from node.why import MS


@pytest.fixture(scope="module", name="planted")
def stamps(machine):
    """{pod: {stamp: number}}"""
    found = {}
    for pod, stamp, number in map(str.split, filter(None, machine["planted"].splitlines())):
        found.setdefault(pod, {})[stamp] = int(number)
    return found


def start_of(machine, pod):
    record, = [r for r in machine["planted-starts"] if r["subject"].get("pod") == pod]
    return record


def causes(record, top):
    """Of its program, which sum to the phase. In a slow machine the runtime may take longer: the phase `app` is asked."""
    app = why.length(why.phase(record, "app"))
    assert why.stalls(record)["grade"] == "measured", why.stalls(record)
    assert sum(why.wall(record).values()) == pytest.approx(app, rel=0.01)
    found = why.causes(record, "app")
    assert max(found, key=found.get) == top, found
    return found


def about(said_ns, own_ns, record, own):
    """Within 5 % or 50 ms, but for what came before main() and between its steps."""
    outside = why.length(why.phase(record, "app")) - sum(ns for name, ns in own.items() if name.endswith("_wall"))
    assert why.Table().agree("", said_ns, own_ns, outside), (said_ns / MS, own_ns / MS, outside / MS)
    return True


def test_a_cpu_limit(machine, planted):
    needs(machine, 5, 15)
    own, record = planted["cpu-limit"], start_of(machine, "cpu-limit")
    said = causes(record, "throttled")
    assert about(said["cpu"], own["burn_cpu"], record, own)
    assert about(said["throttled"] + said["run_queue"], own["burn_wall"] - own["burn_cpu"], record, own)
    assert said["throttled"] <= 1000 * own["throttled_us"]  # runc's init was, too
    assert re.search(r"^ +throttled +[\d.]+m?s ", machine["told"], re.M), machine["told"]


def test_a_limit_of_its_disk(machine, planted):
    needs(machine, 5, 15)
    own, record = planted["io-max"], start_of(machine, "io-max")
    said = causes(record, "disk")
    assert about(said["disk"] + said["run_queue"], own["read_wall"] - own["read_cpu"], record, own)
    file, = why.of(record, "files")
    assert (file["path"], file["bytes"], file["size_bytes"]) == ("/data/read.bin", DISK_MB << 20, DISK_MB << 20)
    assert re.search(r"^ +disk +[\d.]+m?s ", machine["told"], re.M), machine["told"]
    assert re.search(r"^ +read /data/read.bin 4\S*MiB at [01] MB/s from nvme0n1", machine["told"], re.M), machine["told"]


@pytest.mark.parametrize("pod,kind", [("cpu-limit", "cpu"), ("io-max", "io"), ("io-max", "cpu"), ("idle", "cpu")])
def test_the_pods_own_pressure(machine, planted, pod, kind):
    """What its cgroup has counted, since it was made or from its program's exec on; it is asked again a little after the listen."""
    own, pressure = planted[pod], start_of(machine, pod)["why"]["pressure"]
    before_ns, after_ns = 1000 * own[kind + "_before"], 1000 * own[kind + "_after"]
    said_ns = pressure["pod"].get(kind + "_some_ns", 0)
    assert pressure["measured"] and pressure["pod_measured"]
    if pressure["span"]["from_ns"] < own["up_before"] * 10 * MS:  # the runtime's part is in it
        assert before_ns < said_ns <= after_ns
        counted_ns = after_ns
    else:
        counted_ns = after_ns - before_ns
        assert said_ns <= counted_ns + max(counted_ns / 20, 50 * MS)
    assert said_ns >= counted_ns - max(counted_ns / 20, 400 * MS)


def test_a_pod_that_waits_for_nothing(machine, planted):
    needs(machine, 5, 15)
    own, record = planted["idle"], start_of(machine, "idle")
    assert about(causes(record, "sleep")["sleep"], own["sleep_wall"], record, own)
    assert "io_some_ns" not in record["why"]["pressure"]["pod"]
