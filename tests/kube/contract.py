# SPDX-License-Identifier: Apache-2.0
"""What an API server is told, whichever it is: the same tests with the fake one and with a real Kubernetes.

A module that imports all of this has a fixture `api`, a FakeApi or a RealApi, that knows the Node. NODEWAKE_LONG=1
takes the durations that the promises are made for.
"""

import os
import statistics
import time

import pytest

from kube.boots import put_boots
from kube.told import SOON, Told, counts, quantile, sent, wall_ns, wall_of
from kube.watcher import Watcher
from node import Daemon
from node.processes import wait_until

MB = 1 << 20
A_MICROSECOND = 1000 + 50  # Kubernetes cuts off the rest; two readings of both clocks differ by some ns
LONG = os.environ.get("NODEWAKE_LONG") == "1"
AWAY_SECONDS = 300 if LONG else 20
FLOOD_SECONDS = 60 if LONG else 20
IDLE_SECONDS = 600 if LONG else 20


@pytest.fixture(name="slow_start")
def one_second():
    return "1s"


@pytest.fixture(name="interval")
def half_a_second():
    """Of the annotations."""
    return "500ms"


@pytest.fixture(name="told")
def a_telling_daemon(node, api, tmp_path, slow_start, interval):
    with Daemon(node, "--slow-start", slow_start, "--annotation-interval", interval, state=str(tmp_path / "state"),
                kubeconfig=api.kubeconfig, inside=api.inside) as daemon:
        told = Told(node, api, daemon)
        told.wait_line("agent", "watching since", seconds=5)
        yield told


@pytest.fixture(name="pod")
def one_pod(node, told, request):
    del told
    pod = node.run_pod(request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:60].strip("-"))
    yield pod
    node.remove_pods()  # of this test, and of one that failed: the next daemon would adopt them


# A start counts as slow only where that is asked for: on a busy machine any may take a second.
@pytest.mark.parametrize("what, command, memory, slow_start, reason, note, name, parts", [
    ("exit", ["exit", "3", "20"], 0, "1h", "ContainerCrashed", "ended with exit code 3 after", "crashes", ["exit 3"]),
    ("segv", ["segv", "20"], 0, "1h", "ContainerCrashed", "crashed: SIGSEGV at address 0xdead000", "crashes", ["SIGSEGV"]),
    ("init", ["eat", "20"], 24, "1h", "ContainerOOMKilled", "container limit 24MiB", "oom-kills",
     ["cast (init, container ended), container limit 24Mi"]),
    ("child", ["eat-child", "20", "1"], 24, "1h", "ProcessOOMKilled", "child cast (pid", "oom-kills",
     ["cast (child", "container limit 24Mi"]),
    ("slow", ["listen", "8080", "1200"], 0, "1s", "ContainerSlowStart", "to listen on port 8080: app 1.2", "slowest-start",
     ["app 1.2s"]),
])
def test_what_happens_is_told(told, pod, what, command, memory, reason, note, name, parts):
    time.sleep(0.6)  # the annotations' interval
    options = {"memory": memory * MB} if memory else {}
    pod.start(what, command, **options)
    seconds = SOON + 1.2 if what == "slow" else SOON
    event = told.event(reason, pod.name, seconds)
    told.check_form(event, pod, what)
    assert note in event["note"]
    told.wait_line(name, "shop/" + pod.name[:20], *parts)
    time.sleep(1.5)  # nothing is said twice
    assert [e["reason"] for e in told.events(pod=pod.name)] == [reason]
    assert counts(told.events(pod=pod.name)[0]) == 1
    record = [r for r in sum((told.daemon.records(kind) for kind in ("exits", "ooms", "starts")), [])
              if r["subject"].get("container") == what and abs(wall_of(r) - wall_ns(event["eventTime"])) <= A_MICROSECOND]
    assert record, "the Event's time is its record's"


def test_missing_program(told, pod):
    with pytest.raises(RuntimeError):
        pod.start("app", [], program="/nowhere")
    event = told.event("ContainerExecFailed", pod.name)
    told.check_form(event, pod, "app")
    assert "never started: no such program: /nowhere" in event["note"]
    told.wait_line("crashes", "never started")


def test_crash_loop(told, pod):
    """Two deaths are crashes, from the third on it is a loop; each a series."""
    for attempt in range(5):
        container = pod.start("app", ["exit", "7", "20"], attempt=attempt)
        container.wait_exited()
    event = told.event("CrashLooping", pod.name, count=3, seconds=4)
    assert counts(event) == 3
    assert "exit code 7" in event["note"] and "death 3 in a row" in event["note"]
    assert counts(told.event("ContainerCrashed", pod.name, count=2)) == 2
    told.wait_line("crashes", "1 looping: shop/%s exit 7 5x" % pod.name)


@pytest.mark.parametrize("slow_start", ["1h"])
def test_completed_and_stopped_are_not_told(told, pod):
    pod.start("done", ["exit", "0", "20"]).wait_exited()
    pod.start("polite", ["polite"]).stop()
    pod.start("deaf", ["deaf"]).stop(timeout=0)
    told.daemon.wait_final("exits", count=3)
    time.sleep(1)
    assert told.events(pod=pod.name) == []


def test_latency_of_a_kill(told, node):
    """From the kernel's time of the kill until a watch of the API server shows its Event."""
    pods = [node.run_pod("late-%d" % i) for i in range(25 if LONG else 6)]
    with Watcher(told.api, "/apis/events.k8s.io/v1/events") as watcher:
        def seen():
            return [(event, at) for event, at in list(watcher.seen.values())
                    if event["reason"] == "ContainerOOMKilled" and event["regarding"]["name"].startswith("late-")]
        for part in range(4 if LONG else 2):
            for pod in pods:
                before = len(seen())
                pod.start("app%d" % part, ["eat", "0"], memory=16 * MB)
                wait_until(lambda: len(seen()) > before, SOON, "the Event of %s" % pod.name)
    offset = time.time() - time.monotonic()
    late = [(at + offset) * 1e9 - wall_ns(event["eventTime"]) for event, at in seen()]
    print("\nkernel kill to a watch of the API server: median %.1f ms, p99 %.1f ms, worst %.1f ms of %d" % (
        statistics.median(late) / 1e6, quantile(late, 99) / 1e6, max(late) / 1e6, len(late)))
    assert len(late) == len(pods) * (4 if LONG else 2)
    # on a busy machine the bounds would tell of its other work
    assert statistics.median(late) < (25e6 if LONG else 250e6)
    assert quantile(late, 99) < (250e6 if LONG else 2e9)


def test_first_start_tells_nothing_of_before(node, api, tmp_path):
    """Whatever runs, died or loops there already: no Event; the annotations count it."""
    pods = [node.run_pod("before-%d" % i) for i in range(6)]
    for i, pod in enumerate(pods):
        pod.start("app", [["exit", "3", "0"], ["segv", "0"], ["listen", "8080"]][i % 3])
        for attempt in range(4):
            pod.start("loop", ["exit", "1", "0"], attempt=attempt).wait_exited()
    time.sleep(0.5)
    with Daemon(node, "--slow-start", "1ms", "--annotation-interval", "500ms", state=str(tmp_path / "state"),
                kubeconfig=api.kubeconfig, inside=api.inside) as daemon:
        told = Told(node, api, daemon)
        told.wait_line("agent", "watching since", seconds=5)
        wait_until(lambda: len(daemon.records("exits")) >= 10, 15, "the old deaths' records")
        time.sleep(2)
        assert [e["note"] for e in told.events() if e["regarding"]["name"].startswith("before-")] == []
        # and what happens from now on is told
        pods[0].start("now", ["exit", "5", "0"])
        told.event("ContainerCrashed", "before-0")
    for pod in pods:
        pod.remove()


@pytest.mark.parametrize("slow_start", ["1h"])
def test_away_and_killed_twice(told, node):
    """200 records while the API server is away and the daemon is killed twice: each once, in order, at its time."""
    pods = [node.run_pod("away-%d" % i) for i in range(5)]
    daemon, api = told.daemon, told.api
    api.stop()
    away = time.monotonic()
    kills = exits = 0
    for part, (codes, times) in enumerate(((range(1, 5), 10), (range(5, 8), 10), (range(8, 11), 10))):
        for pod in pods:
            pod.start("eater%d" % part, ["eat-child", "0", str(times), "5"], memory=16 * MB)
            for code in codes:
                pod.start("app%d" % code, ["exit", str(code), "0"])
        kills, exits = kills + 5 * times, exits + 5 * len(codes)
        mine = [pod.name for pod in pods]

        def all_there():
            return all(len([r for r in daemon.records(kind) if r.get("final") and r["subject"].get("pod") in mine
                            and r.get("verdict") in (None, "error")]) == count
                       for kind, count in (("ooms", kills), ("exits", exits)))
        wait_until(all_there, 60, "%d kills, %d exits" % (kills, exits))
        if part < 2:
            assert daemon.status()["kubernetes"]["events"]["pending"] > 0
            daemon.kill()
            daemon.start()
    # what is younger than LATE_NS (event_queue.c) when the server is back does not queue behind what waited: here all has waited
    time.sleep(max(11, away + AWAY_SECONDS - time.monotonic()))
    status = daemon.status()
    assert not status["well"] and any("does not answer" in p for p in status["problems"])
    before = len(api.requests)
    api.start()
    wait_until(lambda: daemon.status()["kubernetes"]["events"]["pending"] == 0, 90, "all to be told")
    records = [r for kind in ("ooms", "exits") for r in daemon.records(kind)
               if r["subject"].get("pod") in mine and r.get("verdict") in (None, "error")]
    assert len(records) == 200
    events = [e for e in told.events() if e["regarding"]["name"] in mine]
    assert sum(counts(e) for e in events) == 200
    for event in events:
        of = sorted(wall_of(r) for r in records if r["subject"]["pod"] == event["regarding"]["name"] and
                    event["regarding"]["fieldPath"] == "spec.containers{%s}" % r["subject"]["container"])
        assert counts(event) == len(of)
        assert abs(wall_ns(event["eventTime"]) - of[0]) <= A_MICROSECOND
        if len(of) > 1:
            assert abs(wall_ns(event["series"]["lastObservedTime"]) - of[-1]) <= A_MICROSECOND
    posts = [r for r in api.requests[before:] if r["method"] == "POST" and r["status"] == 201 and
             sent(r)["regarding"]["name"] in mine]
    assert len(posts) == len(events) == 65
    at = [wall_ns(sent(r)["eventTime"]) for r in posts]
    # a death is final only when containerd has told its end, so neighbours may change places
    late = max((max(at[:i + 1]) - later) / 1e9 for i, later in enumerate(at[1:]))
    assert late < 1, [(round((a - at[0]) / 1e9, 2), sent(r)["reason"]) for a, r in zip(at, posts)]
    print("\ntold within %.1f s once the first try got through, %d calls for 200 records" % (
        posts[-1]["at"] - posts[0]["at"], len(api.requests) - before))
    for pod in pods:
        pod.remove()


@pytest.mark.parametrize("interval", ["30s"])
def test_a_flood_costs_few_writes(told, pod, node):
    """Children killed as fast as the kernel can; another pod's kill is told at once meanwhile."""
    begin = len(told.api.requests)
    eater = pod.start("app", ["eat-flood", str(FLOOD_SECONDS)], memory=8 * MB)  # with less it is killed itself
    time.sleep(8)
    other = node.run_pod("flood-neighbour")
    other.start("app", ["eat", "0"], memory=16 * MB)
    told.event("ContainerOOMKilled", other.name)
    kills = wait_until(lambda: eater.stamps().get("kills"), FLOOD_SECONDS + 40, "the flood's end")
    ended = time.monotonic()

    def right():
        event = told.events("ProcessOOMKilled", pod.name)[0]
        return counts(event) == kills and event
    wait_until(right, 75, "the count of %d: it is %s; records %d" % (
        kills, [counts(e) for e in told.events("ProcessOOMKilled", pod.name)],
        len([r for r in told.daemon.records("ooms") if r["subject"].get("pod") == pod.name])))
    took = time.monotonic() - ended
    writes = [r for r in told.api.requests[begin:] if r["method"] != "GET"]
    print("\n%d kills (%d a second), %d writes in all, the right count %.0f s after the end" % (
        kills, kills / FLOOD_SECONDS, len(writes), took))
    assert kills > 10 * FLOOD_SECONDS
    assert len(writes) <= (20 if LONG else 10)
    other.remove()


def test_an_expired_event_is_made_anew(told, pod):
    pod.start("app", ["eat-child", "0", "2", "1500"], memory=16 * MB)
    event = told.event("ProcessOOMKilled", pod.name)
    told.api.delete_event(event)
    again = told.event("ProcessOOMKilled", pod.name, seconds=5)
    assert counts(again) == 2 and again["eventTime"] == event["eventTime"]


def test_idle_writes_nothing(told):
    """As long as there is no record; other containers of this machine are not counted."""
    for _ in range(5):
        time.sleep(2)
        before, records = len(told.writes()), told.daemon.status()["store"]["records"]
        time.sleep(IDLE_SECONDS)
        if told.daemon.status()["store"]["records"] == records:
            assert len(told.writes()) == before
            return
    pytest.skip("this machine was never idle: others' containers started or died all the time")


def kept(annotations):
    """Without what the controllers of a real cluster write."""
    return {key: value for key, value in annotations.items() if "kubernetes.io/" not in key}


def test_annotations_are_removed(told, api):
    told.wait_line("agent", "watching since")
    lines = 5 if told.line("boot") else 4  # there is a boot's line once there is a boot record
    api.annotate(told.node.name, "mine", "stays")
    told.daemon.kill()
    words = ["uninstall-annotations", "--kubeconfig", api.kubeconfig, "--node-name"]
    code, text = told.daemon.verb(*words, told.node.name)
    assert (code, text) == (0, "node %s: %d annotations of nodewake.io removed\n" % (told.node.name, lines))
    assert kept(api.annotations(told.node.name)) == {"mine": "stays"}
    code, text = told.daemon.verb(*words, told.node.name)
    assert (code, text) == (0, "node %s: 0 annotations of nodewake.io removed\n" % told.node.name)
    assert told.daemon.verb(*words, "no-such-node")[0] == 1
    assert told.daemon.verb(*words, "Not/a/name")[0] == 2
    told.daemon.start()


def test_an_absent_node_is_not_made(node, api, tmp_path):
    begin = len(api.requests)
    with Daemon(node, "--node-name", "elsewhere", state=str(tmp_path / "state"), kubeconfig=api.kubeconfig,
                inside=api.inside) as daemon:
        def asked(method):
            return [r for r in api.requests[begin:] if r["method"] == method and "/nodes/" in r["line"]]
        wait_until(lambda: asked("GET"), 5, "the look at the Node")
        time.sleep(2)
        assert "/nodes/elsewhere" in asked("GET")[0]["line"] and not asked("PATCH")
        assert daemon.status()["kubernetes"]["annotations"]["failed"] > 0
        assert any("elsewhere" in problem for problem in daemon.status()["problems"])


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
    assert event["metadata"]["namespace"] == "kube-system"
    assert "shop/web/app pull" in event["note"] and ("slower than usual (median 20.0s of 3" in event["note"]) == warning
    length = "2m31s" if warning else "21s"
    line = told.wait_line("boot", "ready %s after kernel start (usual 20s): pods " % length, "kernel 2s", seconds=10)
    assert "reconstructed" not in line
    if not api.inside:  # its port is in our network
        text = told.daemon.get("/metrics")[1]
        assert "\nnodewake_boot_ready_seconds %d\n" % seconds in text
        assert "\nnodewake_boot_slower_than_usual %d\n" % warning in text
        assert '\nnodewake_boot_last_end{end="power-loss"} 1\n' in text
    told.daemon.kill()
    told.daemon.start()
    time.sleep(2)
    assert len([e for e in told.events() if e["reason"].startswith("NodeBoot")]) == 1
