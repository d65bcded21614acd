# SPDX-License-Identifier: Apache-2.0
"""Watches of client/kube/kube_watch.c against a fake API server: pages, resumption, faults, no hot loop. No root."""

import contextlib
import os
import socket
import time

import pytest

from kube.client import PROGRAM, Client, wait_for
from kube.fake_api import FakeApi, node, pod

PODS = "/api/v1/pods"
SELECTED = (PODS, "fieldSelector=spec.nodeName%3Da")


@pytest.fixture(name="api")
def fake_api(tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", node("a"))
        yield api


def watch(api, *arguments, what=SELECTED):
    return Client("--kubeconfig", api.kubeconfig, *arguments, "watch", *what)


def assert_small(client, most_mib):
    """Of its whole life. The sanitizers' allocator keeps what is freed: no figures from there."""
    with open(PROGRAM, "rb") as file:
        if b"__asan_init" not in file.read():
            assert client.status_kib("VmHWM") < most_mib << 10


def add(api, name, node_name="a", **metadata):
    return api.objects.create("pods", "default", pod(name, node_name, **metadata))


def version_of(item):
    return item["metadata"]["resourceVersion"]


def lists(api):
    return api.found("GET", "limit=")


def streams(api):
    return api.found("GET", "watch=1")


def assert_no_hot_loop(requests, most):
    """At least a second between two, then two, then four."""
    times = [request["at"] for request in requests]
    assert len(times) <= most, "%d requests: %s" % (len(times), [r["line"] for r in requests])
    for number, (one, two) in enumerate(zip(times, times[1:])):
        assert two - one >= min(2 ** number, 30) * 0.99


# --- what it tells


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_list_then_what_changes(api, piece):
    api.piece = piece
    add(api, "old")
    add(api, "elsewhere", "b")
    with watch(api) as client:
        client.wait("listed")
        assert client.names() == ["old"] and client.steps("object")[0]["listed"]
        add(api, "new")
        client.wait_name("new")
        api.objects.merge_patch("pods", "default", "new", {"status": {"phase": "Running"}})
        api.objects.delete("pods", "default", "old")
        client.wait("deleted")
        add(api, "elsewhere-2", "b")
    assert client.names() == ["old", "new", "new"] and client.names("deleted") == ["old"]
    assert not client.steps("object")[1]["listed"]
    assert client.steps("object")[2]["object"]["status"]["phase"] == "Running"
    assert [line["step"] for line in client.steps()] == ["list", "object", "listed", "object", "object", "deleted"]


def test_it_asks_as_it_should(api):
    with watch(api) as client:
        client.wait("listed")
        wait_for(lambda: streams(api), 5, "a stream")
    first, stream = lists(api)[0]["query"], streams(api)[0]["query"]
    assert first == {"limit": "100", "resourceVersion": "0", "fieldSelector": "spec.nodeName=a"}
    assert 270 <= int(stream.pop("timeoutSeconds")) < 330
    assert stream == {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": "1001",
                      "fieldSelector": "spec.nodeName=a"}


def test_a_watch_needs_no_selector(api):
    add(api, "b", "b")
    with watch(api, what=(PODS,)) as client:
        client.wait("listed")
    assert client.names() == ["b"]


def test_a_list_comes_in_pages(api):
    api.watch_cache = False
    for number in range(25):
        add(api, "p%02d" % number)
    with watch(api, "--page", "10") as client:
        client.wait("listed")
    assert client.names() == ["p%02d" % number for number in range(25)]
    assert [bool(r["query"].get("continue")) for r in lists(api)] == [False, True, True]
    assert len(client.steps("list")) == 1


def test_a_continue_token_that_expires_lists_anew(api):
    api.watch_cache = False
    for number in range(25):
        add(api, "p%02d" % number)
    api.delay(0.5, match="continue=")
    with watch(api, "--page", "10") as client:
        wait_for(lambda: api.count("GET", "continue="), 5, "the second page")
        api.objects.delete("pods", "default", "p00")
        api.objects.forget()
        client.wait("listed")
        told = client.steps()
    assert [s["step"] for s in told if s["step"] != "object"] == ["list", "down", "list", "listed"]
    assert "410" in client.steps("down")[0]["why"]
    again = [s["object"]["metadata"]["name"] for s in told[[s["step"] for s in told].index("down"):] if s["object"]]
    assert again == ["p%02d" % number for number in range(1, 25)]
    assert "resourceVersion" not in lists(api)[2]["query"]  # never back in time


def test_a_list_without_an_end(api):
    """A server that always has one more page."""
    api.watch_cache = False
    for number in range(1100):
        add(api, "p%04d" % number)
    with watch(api, "--page", "1") as client:
        client.wait("down", seconds=30)
    assert len(lists(api)) == 1001


# --- streams that end


def test_a_cut_stream_is_resumed_where_it_was(api):
    with watch(api) as client:
        client.wait("listed")
        last = add(api, "one")
        client.wait_name("one")
        api.cut_streams()
        client.wait("down")
        add(api, "while-down")
        client.wait("up")
        client.wait_name("while-down")
        assert [s["step"] for s in client.steps()] == ["list", "listed", "object", "down", "up", "object"]
    assert len(lists(api)) == 1
    assert streams(api)[1]["query"]["resourceVersion"] == version_of(last)
    assert client.stats()["watch_restarts"] == 1


def test_a_stream_cut_within_an_object(api):
    with watch(api) as client:
        client.wait("listed")
        wait_for(lambda: api.streams, 5, "a stream")
        api.order_streams(b'{"type":"ADDED","object":{"metadata":{"name":"half')
        api.cut_streams()
        client.wait("up")
    assert client.names() == [] and len(lists(api)) == 1


def test_a_stream_that_ends_in_time_is_no_failure(api):
    with watch(api, "--stream-s", "2") as client:
        client.wait("listed")
        wait_for(lambda: len(streams(api)) == 3, 10, "three streams")
        add(api, "late")
        client.wait_name("late")
        assert [s["step"] for s in client.steps()] == ["list", "listed", "object"]
    assert len(lists(api)) == 1 and client.stats()["watch_restarts"] == 2


def test_bookmarks_move_on_what_to_resume_from(api):
    api.bookmark_seconds = 0.2
    with watch(api) as client:
        client.wait("listed")
        for number in range(5):
            last = add(api, "elsewhere-%d" % number, "b")
        time.sleep(0.6)
        api.objects.forget()  # versions below are gone: without the bookmark it would be 410
        api.cut_streams()
        client.wait("up")
        assert client.names() == [] and len(lists(api)) == 1
    assert streams(api)[1]["query"]["resourceVersion"] == version_of(last)


@pytest.mark.parametrize("how", ["event", "status"])
def test_gone_lists_anew_and_never_says_up(api, how):
    add(api, "stays")
    add(api, "goes")
    with watch(api) as client:
        client.wait("listed")
        wait_for(lambda: api.streams, 5, "a stream")
        if how == "status":
            api.fail(1, 410, match="watch=1")
        api.cut_streams()
        client.wait("down")
        api.objects.delete("pods", "default", "goes")
        api.objects.forget()
        client.wait("listed", 2, 15)
        add(api, "new")
        client.wait_name("new")
        assert [s["step"] for s in client.steps()] == ["list", "object", "object", "listed", "down", "list", "object",
                                                       "listed", "object"]
    assert client.names() == ["goes", "stays", "stays", "new"]
    assert "resourceVersion" not in lists(api)[1]["query"]


def test_an_error_event_that_is_not_gone(api):
    with watch(api) as client:
        client.wait("listed")
        wait_for(lambda: api.streams, 5, "a stream")
        api.order_streams(b'{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcd is ill"}}\n')
        assert client.wait("down")["why"] == "etcd is ill"
        client.wait("up")
    assert len(lists(api)) == 1


def test_a_server_that_restarts(api):
    with watch(api) as client:
        client.wait("listed")
        api.stop()
        client.wait("down")
        time.sleep(2)
        api.start()
        add(api, "after")
        client.wait("up", seconds=15)
        client.wait_name("after")
    assert len(client.steps("down")) == 1 and len(lists(api)) == 1


# --- what no server should send


@pytest.mark.parametrize("garbage", [b"<html>\n", b"[]\n", b'{"type":"ADDED"}\n', b'{"type":"ADDED","object":{}}\n',
                                     b'{"type":"ADDED","object":"x"}\n', b"\x00\xff\xfe\n", b'{"a":' * 5000 + b"\n"])
def test_garbage_in_a_stream_ends_it_and_it_is_resumed(api, garbage):
    with watch(api) as client:
        client.wait("listed")
        wait_for(lambda: api.streams, 5, "a stream")
        api.order_streams(garbage)
        assert client.wait("down")["why"] == "the server sent what is no object"
        add(api, "after")
        client.wait_name("after")
        client.wait("up")
    assert client.names() == ["after"] and len(lists(api)) == 1


def test_what_cannot_be_resumed_is_listed_anew(api):
    """Always garbage from this version on; a new list helps. Pauses of 1, 2 and 4 s, and as much again at most."""
    with watch(api) as client:
        client.wait("listed")
        wait_for(lambda: api.streams, 5, "a stream")
        api.fault("garbage", 2, "watch=1")
        api.order_streams(b"nonsense\n")
        client.wait("listed", 2, 20)
    assert len(streams(api)) >= 3 and len(lists(api)) == 2


def test_a_line_without_an_end_takes_no_memory(api):
    api.fault("endless", match="watch=1")
    with watch(api) as client:
        assert client.wait("down", seconds=20)["why"] == "the server sent an object without an end"
        assert_small(client, 30)
    assert api.sent < 48 << 20


def test_an_object_that_is_too_large_is_left_out(api):
    add(api, "large", annotations={"a": "x" * (3 << 20)})
    add(api, "small")
    with watch(api) as client:
        client.wait("listed")
        add(api, "large-2", annotations={"a": "x" * (3 << 20)})
        add(api, "small-2")
        client.wait_name("small-2")
        assert client.names() == ["small", "small-2"] and not client.steps("down")
        stats = client.end()
    assert stats["skipped"] >= 1  # of the list; a stream's are told when it ends


def test_a_nul_in_an_annotation_is_no_garbage(api):
    add(api, "hostile", annotations={"a": "x\x00y"})
    with watch(api) as client:
        client.wait("listed")
        add(api, "hostile-2", annotations={"a": "x\x00y"})
        client.wait_name("hostile-2")
        assert client.names() == ["hostile", "hostile-2"] and not client.steps("down")


def test_many_objects_take_no_memory(api):
    """20 MB of pods in one answer."""
    api.watch_cache = True
    for number in range(200):
        add(api, "p%03d" % number, annotations={"a": "x" * 100000})
    with watch(api) as client:
        client.wait("listed", seconds=20)
        assert len(client.names()) == 200
        assert_small(client, 25)


# --- refusals and silence


def test_a_401_reads_the_token_again_at_once(api):
    directory, environment = api.account()
    with Client("--account-dir", directory, "watch", *SELECTED, environment=environment) as client:
        client.wait("listed")
        wait_for(lambda: api.streams, 5, "a stream")
        api.token = "secret-2"
        api.write(directory + "/token", "secret-2")
        api.cut_streams()
        client.wait("up")
    assert [r["status"] for r in streams(api)] == [200, 401, 200]
    assert streams(api)[2]["at"] - streams(api)[1]["at"] < 0.5


def test_retry_after_is_heeded(api):
    api.fail(1, 429, {"Retry-After": "3"})
    with watch(api) as client:
        assert "429" in client.wait("down")["why"]
        client.wait("listed")
    assert lists(api)[1]["at"] - lists(api)[0]["at"] >= 3


FAULTS = {
    "401": {"kind": "status", "status": 401}, "403": {"kind": "status", "status": 403},
    "410": {"kind": "status", "status": 410}, "429": {"kind": "status", "status": 429},
    "500": {"kind": "status", "status": 500}, "200": {"kind": "status", "status": 200},
    "drop": {"kind": "drop"}, "garbage": {"kind": "garbage"}, "half": {"kind": "half"},
}


@pytest.mark.parametrize("match", ["limit=", "watch=1"])
def test_no_fault_makes_a_hot_loop(tmp_path, match):
    """All faults at once, each with a server and a client of its own, for 10 s."""
    if os.getloadavg()[0] > 4:
        pytest.skip("the machine is busy: nine servers in Python would answer too late to tell")
    with contextlib.ExitStack() as stack:
        running = {}
        for name, fault in FAULTS.items():
            (tmp_path / name).mkdir()
            api = stack.enter_context(FakeApi(str(tmp_path / name)))
            api.fault(times=999, match=match, headers={}, reason="", message="", **fault)
            running[name] = api, stack.enter_context(watch(api))
        time.sleep(10)
        for name, (api, client) in running.items():
            tries = api.found("GET", match)
            if name == "401":  # each of which is tried again at once
                tries = tries[::2]
            if name == "drop" and match == "watch=1":
                # libcurl asks once more by itself where a kept connection ended without an answer
                tries = tries[1:]
            assert_no_hot_loop(tries, 4)
            assert len(tries) >= 2, name
            # told once; after 410, or some answers in a row that make no sense, it lists anew and is up in between
            most = len(lists(api)) if match == "watch=1" else 1
            assert most - 1 <= len(client.steps("down")) <= most and client.steps("down"), name
        for api, _ in running.values():
            api.heal()
        for api, client in running.values():
            client.wait("listed", seconds=30)
            wait_for(lambda api=api: api.streams, 30, "a stream")


def test_a_server_that_ends_streams_at_once_makes_no_hot_loop(api):
    with watch(api) as client:
        client.wait("listed")
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if api.streams:
                api.order_streams("end")
            time.sleep(0.05)
    assert_no_hot_loop(streams(api), 4)


def test_nobody_there_is_no_hot_loop_either(tmp_path):
    """A listener that hangs up counts connections."""
    with FakeApi(str(tmp_path)) as api, socket.create_server(("127.0.0.1", 0)) as listener:
        path = api.kubeconfig
        with open(path, encoding="utf-8") as file:
            api.write(path, file.read().replace(str(api.port), str(listener.getsockname()[1])))
        listener.settimeout(0.2)
        times, until = [], time.monotonic() + 10
        with Client("--kubeconfig", path, "watch", *SELECTED):
            while time.monotonic() < until:
                with contextlib.suppress(TimeoutError):
                    connection, _ = listener.accept()
                    connection.close()
                    times.append({"at": time.monotonic(), "line": "connection"})
    assert_no_hot_loop(times, 4)


def test_silence(tmp_path):
    """A list, a stream that does not begin, and one that never ends: each is given up, and tried again."""
    with contextlib.ExitStack() as stack:
        running = {}
        for kind, match in (("stall", "limit="), ("stall", "watch=1"), ("silent", "watch=1")):
            (tmp_path / (kind + match[:5])).mkdir()
            api = stack.enter_context(FakeApi(str(tmp_path / (kind + match[:5]))))
            api.fault(kind, match=match)
            running[kind, match] = stack.enter_context(watch(api, "--stream-s", "2"))
        for client in running.values():
            client.wait("down", seconds=40)
        for (_, match), client in running.items():
            client.wait("listed" if match == "limit=" else "up", seconds=25)


# --- its end


@pytest.mark.parametrize("step", ["list", "object", "listed", "deleted", "down", "up"])
def test_it_can_be_freed_from_its_callback(api, step):
    add(api, "one")
    add(api, "two")
    with watch(api, "--free-at", step) as client:
        client.wait("list")
        if step in ("deleted", "down", "up"):
            wait_for(lambda: api.streams, 5, "a stream")
            api.objects.delete("pods", "default", "one")
        if step in ("down", "up"):
            client.wait("deleted")
            api.cut_streams()
        assert client.process.wait(10) == 0
    assert client.steps()[-1]["step"] == step and len(client.steps(step)) == 1
