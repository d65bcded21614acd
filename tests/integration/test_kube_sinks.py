# SPDX-License-Identifier: Apache-2.0
"""What the API server is told: Events and the node's annotations, by the real daemon on a real kernel and containerd."""

import datetime
import json
import os
import sqlite3
import statistics
import time

import pytest

from kube.fake_api import FakeApi
from kube.fake_api import node as api_node
from node import Daemon
from node.processes import wait_until

MB = 1 << 20
SOON = 2  # seconds within which something is told


class Told:
    """A daemon that tells an API server, and what it told."""

    def __init__(self, node, api, daemon):
        self.node, self.api, self.daemon = node, api, daemon

    def events(self, reason="", pod=""):
        found = self.api.objects.list("events")[0]
        return [e for e in found if reason in ("", e["reason"]) and pod in ("", e["regarding"]["name"])]

    def event(self, reason, pod, seconds=SOON, count=1):
        """Waits for the one Event of this reason on this pod."""
        def there():
            found = self.events(reason, pod)
            return found if found and counts(found[0]) >= count else None
        found = wait_until(there, seconds, "%s on %s; there are %s" % (
            reason, pod, [(e["reason"], e["note"]) for e in self.events(pod=pod)]))
        assert len(found) == 1, found
        return found[0]

    def line(self, name):
        annotations = self.api.objects.get("nodes", "", self.node.name)["metadata"].get("annotations", {})
        return annotations.get("nodewake.io/" + name, "")

    def wait_line(self, name, *parts, seconds=SOON):
        """Waits until the line has all the parts."""
        return wait_until(lambda: all(part in self.line(name) for part in parts) and self.line(name), seconds,
                          "%s with %s: it is %r" % (name, parts, self.line(name)))

    def writes(self):
        return [r for r in self.api.requests if r["method"] != "GET"]


def counts(event):
    return event.get("series", {}).get("count", 1)


def wall_ns(text):
    at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return round(at.timestamp() * 1000000) * 1000


def sent(request):
    """What the body of a logged request says."""
    return json.loads(request["body"] or b"{}")


def wall_of(record):
    return record["boot_ns"] + record["wall_offset_ns"]


@pytest.fixture(name="api")
def an_api(node, tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", api_node(node.name))
        yield api


@pytest.fixture(name="slow_start")
def one_second():
    return "1s"


@pytest.fixture(name="told")
def a_telling_daemon(node, api, tmp_path, slow_start):
    with Daemon(node, "--slow-start", slow_start, "--annotation-interval", "500ms", state=str(tmp_path / "state"),
                kubeconfig=api.kubeconfig) as daemon:
        told = Told(node, api, daemon)
        told.wait_line("agent", "watching since", seconds=5)
        yield told


@pytest.fixture(name="pod")
def one_pod(node, told, request):
    del told
    pod = node.run_pod(request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:60].strip("-"))
    yield pod
    node.remove_pods()  # of this test, and of one that failed: the next daemon would adopt them


def check_form(told, event, pod, container):
    """All that Kubernetes and kubectl describe need."""
    assert event["metadata"]["namespace"] == pod.namespace
    assert event["metadata"]["name"].startswith(pod.name + ".")
    assert event["regarding"] == {"kind": "Pod", "apiVersion": "v1", "namespace": pod.namespace, "name": pod.name,
                                  "uid": pod.uid, "fieldPath": "spec.containers{%s}" % container}
    assert event["related"]["kind"] == "Node" and event["related"]["name"] == told.node.name
    assert event["reportingController"] == "nodewake.io/agent"
    assert event["reportingInstance"] == told.node.name


@pytest.mark.parametrize("what, command, memory, reason, note, name, parts", [
    ("exit", ["exit", "3", "20"], 0, "ContainerCrashed", "ended with exit code 3 after", "crashes", ["exit 3"]),
    ("segv", ["segv", "20"], 0, "ContainerCrashed", "crashed: SIGSEGV at address 0xdead000", "crashes", ["SIGSEGV"]),
    ("init", ["eat", "20"], 24, "ContainerOOMKilled", "container limit 24MiB", "oom-kills",
     ["cast (init, container ended), container limit 24Mi"]),
    ("child", ["eat-child", "20", "1"], 24, "ProcessOOMKilled", "child cast (pid", "oom-kills",
     ["cast (child", "container limit 24Mi"]),
    ("slow", ["listen", "8080", "1200"], 0, "ContainerSlowStart", "to listen on port 8080: app 1.2", "slowest-start",
     ["app 1.2s"]),
])
def test_what_happens_is_told(told, pod, what, command, memory, reason, note, name, parts):
    time.sleep(0.6)  # the annotations' interval
    options = {"memory": memory * MB} if memory else {}
    pod.start(what, command, **options)
    seconds = SOON + 1.2 if what == "slow" else SOON
    event = told.event(reason, pod.name, seconds)
    check_form(told, event, pod, what)
    assert note in event["note"]
    told.wait_line(name, "shop/" + pod.name[:20], *parts)
    time.sleep(1.5)  # nothing is said twice
    assert [e["reason"] for e in told.events(pod=pod.name)] == [reason]
    assert counts(told.events(pod=pod.name)[0]) == 1
    record = [r for r in sum((told.daemon.records(kind) for kind in ("exits", "ooms", "starts")), [])
              if r["subject"].get("container") == what and abs(wall_of(r) - wall_ns(event["eventTime"])) <= 1000]
    assert record, "the Event's time is its record's"


def test_missing_program(told, pod):
    with pytest.raises(RuntimeError):
        pod.start("app", [], program="/nowhere")
    event = told.event("ContainerExecFailed", pod.name)
    check_form(told, event, pod, "app")
    assert 'exec: "/nowhere"' in event["note"] and "no such file" in event["note"]
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


def test_completed_and_stopped_are_not_told(told, pod):
    pod.start("done", ["exit", "0", "20"]).wait_exited()
    pod.start("polite", ["polite"]).stop()
    pod.start("deaf", ["deaf"]).stop(timeout=0)
    told.daemon.wait_final("exits", count=3)
    time.sleep(1)
    assert told.events(pod=pod.name) == []


def test_latency_of_a_kill(told, node):
    """From the kernel's time of the kill to the API server's log."""
    pods = [node.run_pod("late-%d" % i) for i in range(12)]
    late = []
    for pod in pods:
        pod.start("app", ["eat", "0"], memory=16 * MB)
        told.event("ContainerOOMKilled", pod.name)
    offset = time.time() - time.monotonic()
    for request in told.api.found("POST", "/events"):
        event = sent(request)
        if event["reason"] == "ContainerOOMKilled" and event["regarding"]["name"].startswith("late-"):
            late.append((request["at"] + offset) * 1e9 - wall_ns(event["eventTime"]))
    print("\nkernel kill to API server: median %.1f ms, worst %.1f ms of %d" % (
        statistics.median(late) / 1e6, max(late) / 1e6, len(late)))
    assert len(late) == len(pods)
    assert statistics.median(late) < 100e6  # 25 ms on a machine of one's own


def test_first_start_tells_nothing_of_before(node, api, tmp_path):
    """Whatever runs, died or loops there already: no Event; the annotations count it."""
    pods = [node.run_pod("before-%d" % i) for i in range(6)]
    for i, pod in enumerate(pods):
        pod.start("app", [["exit", "3", "0"], ["segv", "0"], ["listen", "8080"]][i % 3])
        for attempt in range(4):
            pod.start("loop", ["exit", "1", "0"], attempt=attempt).wait_exited()
    time.sleep(0.5)
    with Daemon(node, "--slow-start", "1ms", "--annotation-interval", "500ms", state=str(tmp_path / "state"),
                kubeconfig=api.kubeconfig) as daemon:
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
    time.sleep(max(0, away + 20 - time.monotonic()))
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
        assert abs(wall_ns(event["eventTime"]) - of[0]) <= 1000
        if len(of) > 1:
            assert abs(wall_ns(event["series"]["lastObservedTime"]) - of[-1]) <= 1000
    posts = [r for r in api.requests[before:] if r["method"] == "POST" and r["status"] == 201 and
             sent(r)["regarding"]["name"] in mine]
    assert len(posts) == len(events) == 65
    at = [wall_ns(sent(r)["eventTime"]) for r in posts]
    # a death is final only when containerd has told its end, so neighbours may change places
    assert all(later > max(at[:i + 1]) - 1e9 for i, later in enumerate(at[1:]))
    print("\ntold within %.1f s once the first try got through, %d calls for 200 records" % (
        posts[-1]["at"] - posts[0]["at"], len(api.requests) - before))
    for pod in pods:
        pod.remove()


def test_a_flood_costs_few_writes(told, pod, node):
    """Children killed as fast as the kernel can for 20 s; another pod's kill is told at once meanwhile."""
    begin = len(told.api.requests)
    eater = pod.start("app", ["eat-flood", "20"], memory=8 * MB)  # with less it is killed itself
    time.sleep(8)
    other = node.run_pod("flood-neighbour")
    other.start("app", ["eat", "0"], memory=16 * MB)
    told.event("ContainerOOMKilled", other.name)
    kills = wait_until(lambda: eater.stamps().get("kills"), 60, "the flood's end")
    ended = time.monotonic()

    def right():
        event = told.events("ProcessOOMKilled", pod.name)[0]
        return counts(event) == kills and event
    event = wait_until(right, 75, "the count of %d: it is %s; records %d" % (
        kills, [counts(e) for e in told.events("ProcessOOMKilled", pod.name)],
        len([r for r in told.daemon.records("ooms") if r["subject"].get("pod") == pod.name])))
    took = time.monotonic() - ended
    writes = [r for r in told.api.requests[begin:] if r["method"] != "GET" and
              (event["metadata"]["name"] in r["line"] or
               sent(r).get("metadata", {}).get("name") == event["metadata"]["name"])]
    print("\n%d kills (%d a second), %d writes of their Event, the right count %.0f s after the end" % (
        kills, kills / 20, len(writes), took))
    assert kills > 200
    assert len(writes) <= 10
    other.remove()


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


def test_an_expired_event_is_made_anew(told, pod):
    pod.start("app", ["eat-child", "0", "2", "1500"], memory=16 * MB)
    event = told.event("ProcessOOMKilled", pod.name)
    told.api.objects.delete("events", pod.namespace, event["metadata"]["name"])
    again = told.event("ProcessOOMKilled", pod.name, seconds=5)
    assert counts(again) == 2 and again["eventTime"] == event["eventTime"]


def test_idle_writes_nothing(told):
    """20 s without a record, other containers of this machine not counted."""
    for _ in range(5):
        time.sleep(2)
        before, records = len(told.writes()), told.daemon.status()["store"]["records"]
        time.sleep(20)
        if told.daemon.status()["store"]["records"] == records:
            assert len(told.writes()) == before
            return
    pytest.skip("this machine was never idle: others' containers started or died all the time")


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
        api.objects.delete("events", event["metadata"]["namespace"], event["metadata"]["name"])
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


def test_annotations_are_removed(told, api):
    told.wait_line("agent", "watching since")
    lines = 5 if told.line("boot") else 4  # there is a boot's line once there is a boot record
    api.objects.merge_patch("nodes", "", told.node.name, {"metadata": {"annotations": {"mine": "stays"}}})
    told.daemon.kill()
    words = ["uninstall-annotations", "--kubeconfig", api.kubeconfig, "--node-name"]
    code, text = told.daemon.verb(*words, told.node.name)
    assert (code, text) == (0, "node %s: %d annotations of nodewake.io removed\n" % (told.node.name, lines))
    assert api.objects.get("nodes", "", told.node.name)["metadata"]["annotations"] == {"mine": "stays"}
    code, text = told.daemon.verb(*words, told.node.name)
    assert (code, text) == (0, "node %s: 0 annotations of nodewake.io removed\n" % told.node.name)
    assert told.daemon.verb(*words, "no-such-node")[0] == 1
    assert told.daemon.verb(*words, "Not/a/name")[0] == 2
    told.daemon.start()


def test_an_absent_node_is_not_made(node, api, tmp_path):
    with Daemon(node, "--node-name", "elsewhere", state=str(tmp_path / "state"), kubeconfig=api.kubeconfig) as daemon:
        wait_until(lambda: api.found("GET", "/nodes/elsewhere"), 5, "the look at the Node")
        time.sleep(2)
        assert api.count("PATCH", "/nodes/") == 0
        assert daemon.status()["kubernetes"]["annotations"]["failed"] > 0
        assert any("elsewhere" in problem for problem in daemon.status()["problems"])


def test_without_kubernetes_all_else_goes_on(node, tmp_path):
    with Daemon(node, state=str(tmp_path / "state")) as daemon:
        assert "kubernetes" not in daemon.status() and daemon.status()["well"]
    broken = tmp_path / "kubeconfig"
    broken.write_text("nonsense")
    with Daemon(node, state=str(tmp_path / "state"), kubeconfig=str(broken)) as daemon:
        assert "Kubernetes is not told" in daemon.read_log()
        assert "kubernetes" not in daemon.status()
