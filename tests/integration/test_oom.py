# SPDX-License-Identifier: Apache-2.0
"""OOM kills: what their records say beyond limit and victim. Each is a real one."""

import json
import os
import signal
import subprocess
import time

import pytest

from node.processes import wait_until

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MIB = 1 << 20
MEMORY = 24 * MIB


def crew(node, pod, name, *words, **options):
    """A container with tests/programs/crew, which is mounted into it."""
    program = os.path.join(node.build, "tests/programs/crew")
    return pod.start(name, [str(word) for word in words], program="/crew", mount="%s:/crew" % program, **options)


def events(daemon, kind):
    with open(daemon.events, encoding="utf-8") as file:
        whole = file.read().rpartition("\n")[0]
    return [event for event in map(json.loads, whole.splitlines()) if event.get("type") == kind]


def test_which_worker_and_its_neighbours(daemon, node, pod):
    crew(node, pod, "app", "workers", 4, 3, 2, memory=MEMORY)
    record, = daemon.wait_final("ooms")
    victim, = record["victims"]
    assert (victim["comm"], victim["parent_comm"]) == ("worker", "crew")
    assert (victim["worker"], victim["workers"]) == (2, 4)
    kill_ns = record["boot_ns"]
    assert 0.4e9 < kill_ns - victim["start_ns"] < 10e9  # it held still for half a second
    assert record["process_total"] in (4, 5)  # the victim may be gone already
    neighbours = record["neighbours"]
    assert [n["comm"] for n in neighbours] == ["worker"] * 3 + ["crew"]
    points = [n["points_kb"] for n in neighbours]
    assert points == sorted(points, reverse=True)
    own = victim["anon_kb"] + victim.get("file_kb", 0) + victim["pagetable_kb"]  # its file's pages may all be reclaimed
    assert all(3 << 10 <= n["rss_kb"] < 6 << 10 for n in neighbours[:3])
    assert own > max(n["rss_kb"] for n in neighbours)
    adj = victim.get("oom_score_adj", 0)
    for n in neighbours:  # the kernel's own sum: page tables are some more
        share = n.get("oom_score_adj", 0) * (MEMORY // 1024 // 1000)
        assert n["rss_kb"] <= n["points_kb"] - share < n["rss_kb"] + 200
        assert n.get("oom_score_adj", 0) == adj
        assert "container" not in n  # the victim's own
    assert record["container_survived"] == "yes"


def test_memory_of_the_limit(daemon, node, pod):
    crew(node, pod, "app", "workers", 2, 3, 1, memory=MEMORY)
    record, = daemon.wait_final("ooms")
    memory = record["memory"]
    assert memory["limit_bytes"] == MEMORY
    assert memory["peak_bytes"] >= MEMORY - MIB  # per-CPU stock
    assert memory["kills"] == 1
    assert 0 < memory["usage_bytes"] <= MEMORY
    assert "near_ns" not in record  # it came there within 10 s: not known


def test_neighbours_of_other_containers_of_the_pod(daemon, node, pod):
    quiet = crew(node, pod, "quiet", "hold", 8, 0, "rest")
    wait_until(lambda: any(e["container_id"] == quiet.id and e["role"] == "entrypoint"
                           for e in events(daemon, "exec")), 5, "its start")
    time.sleep(0.3)
    with open("/sys/fs/cgroup/memory%s/memory.limit_in_bytes" % pod.parent, "w", encoding="ascii") as file:
        file.write(str(MEMORY))
    crew(node, pod, "greedy", "hold", 1, 0)
    record, = daemon.wait_final("ooms")
    assert record["scope"] == "pod"
    assert record["subject"]["container"] == "greedy"
    assert {n["comm"]: n.get("container", "") for n in record["neighbours"]} == {"crew": "quiet", "pause": "pause"}


def test_how_long_near_its_limit(daemon, node, pod):
    """Seen every 10 s; page cache is not what counts."""
    crew(node, pod, "app", "hold", 22, 24000, memory=MEMORY)
    began = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    near = wait_until(lambda: [e for e in events(daemon, "memory") if e["step"] == "near"], 21, "that it is near")
    assert near[0]["boot_ns"] - began < 21e9
    record, = daemon.wait_final("ooms", seconds=30)
    assert abs(record["near_ns"] - (record["boot_ns"] - near[0]["boot_ns"])) < 1e9
    assert 3e9 < record["near_ns"] < 25e9
    wait_until(lambda: [e for e in events(daemon, "memory") if e["step"] == "eased"
                        and e["boot_ns"] > record["boot_ns"]]
               or not os.path.exists("/sys/fs/cgroup/memory" + record["limit_path"]), 15, "that it is away again")


def test_repeats(daemon, node, pod):
    """The same program of the same container, over its restarts."""
    for attempt in range(3):
        crew(node, pod, "app", "hold", 2, 0, memory=MEMORY, attempt=attempt).wait_exited()
        daemon.wait_final("ooms", count=attempt + 1)
    records = sorted(daemon.wait_final("ooms", count=3), key=lambda r: r["boot_ns"])
    assert [r["series"]["count"] for r in records] == [1, 2, 3]
    gaps = [b["boot_ns"] - a["boot_ns"] for a, b in zip(records, records[1:])]
    assert records[1]["series"]["interval_ns"] == gaps[0]
    assert abs(records[2]["series"]["interval_ns"] - sum(gaps) / 2) < 2
    assert all(r["series"]["first_ns"] == records[0]["boot_ns"] for r in records)
    for record in records:  # they lived too short
        assert not {"growth_bytes_per_min", "leak"} & set(record["series"])


def test_kills_one_after_the_other_are_not_told_old_facts(daemon, pod):
    """At most one look a second at a cgroup; what was not looked at says nothing."""
    container = pod.start("app", ["eat-flood", "4"], memory=MEMORY)
    kills = wait_until(lambda: container.stamps().get("kills"), 15, "the flood's end")
    records = daemon.wait_final("ooms", count=kills, seconds=20)
    assert len(records) == kills
    assert sorted(r["series"]["count"] for r in records) == list(range(1, kills + 1))
    looked = [r for r in records if r.get("process_total")]
    assert 3 <= len(looked) <= 6 < kills
    assert all(r["memory"]["limit_bytes"] == MEMORY and r["victims"][0]["workers"] == 1 for r in looked)
    for record in records:
        if record not in looked:
            assert not {"neighbours", "process_total"} & set(record) and not record.get("memory")
            assert not {"worker", "workers"} & set(record["victims"][0])


@pytest.fixture(name="earlyoom", scope="module")
def unpacked_earlyoom(node):
    """Debian's, not installed: no service of it may ever run on the machine."""
    folder = os.path.join(node.build, "earlyoom")
    fetched = subprocess.run(["sh", os.path.join(TESTS, "fetch.sh"), "earlyoom", folder], check=False)
    if fetched.returncode:
        pytest.skip("earlyoom can't be fetched")
    return os.path.join(folder, "usr/bin/earlyoom")


def run_earlyoom(program, init, percent, prefer):
    """In the pid namespace of this process, where it sees nothing but the pod; its own memory, uid and cgroup are the
    machine's. Whatever part of the memory is available, it is too little for it."""
    script = "mount -t proc proc /proc && exec %s -m %s -s 99,99 -r 0 --prefer '^%s$'" % (program, percent, prefer)
    return subprocess.Popen(["nsenter", "--target", str(init), "--pid", "unshare", "--mount", "--propagation", "private",
                             "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def first_process(container_id):
    """The pid, as the machine has it, of the pid namespace's first process, which is in this container."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cgroup" % pid, encoding="ascii") as file:
                inside = container_id in file.read()
            with open("/proc/%s/status" % pid, encoding="ascii") as file:
                namespaces = [line.split() for line in file if line.startswith("NSpid:")][0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if inside and namespaces[-1] == "1":
            return int(pid)
    return None


@pytest.mark.parametrize("percent, sent", [("99,99", signal.SIGKILL), ("99,1", signal.SIGTERM)])
def test_earlyoom(daemon, node, pod, earlyoom, percent, sent):
    """A killer in user space is told as such, and not as the kernel."""
    container = crew(node, pod, "app", "workers", 3, 4, 0)
    init = wait_until(lambda: first_process(container.id), 5, "its init")
    time.sleep(0.5)
    killer = run_earlyoom(earlyoom, init, percent, "worker")
    try:
        record = wait_until(lambda: daemon.records("ooms"), 10, "a kill")[-1]
        time.sleep(3.5)  # by then it shows that the container goes on
    finally:
        os.kill(init, signal.SIGKILL)
        output = killer.communicate(timeout=10)[0]
    record = [r for r in daemon.wait_final("ooms") if r["key"] == record["key"]][0]
    victim = record["victims"][0]
    assert record["killer"] == "earlyoom", output
    assert record.get("scope", "none") == "none"
    assert victim["comm"] == "worker" and victim["anon_kb"] >= 4096
    assert record["confirmed"]
    assert record["subject"]["container_id"] == container.id
    assert record["container_survived"] == "yes"
    assert "invoker_pid" not in record
    assert sent.name in output


def test_earlyoom_ends_a_container(daemon, node, earlyoom):
    pod = node.run_pod("earlyoom-init", podpid=1)
    container = crew(node, pod, "app", "hold", 4, 0, "rest", podpid=1)
    time.sleep(1)
    pause = wait_until(lambda: first_process(pod.id), 5, "the pause process")
    killer = run_earlyoom(earlyoom, pause, "99,99", "crew")
    try:
        container.wait_exited()
    finally:
        pod.remove()
        output = killer.communicate(timeout=10)[0]
    record, = daemon.wait_final("ooms")
    assert record["killer"] == "earlyoom", output
    assert record["victims"][0]["init"]
    assert record["container_survived"] == "no"
    ended, = daemon.wait_final("exits")
    assert ended["verdict"] == "oom-killed"
    assert ended["sender_comm"] == "earlyoom"
    assert ended["sender_pid"] == record["killer_pid"]
