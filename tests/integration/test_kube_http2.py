# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes client over HTTP/2: nghttpx (Debian's nghttp2-proxy) before the fake API server. No root."""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

from kube.client import Client, wait_for
from kube.fake_api import FakeApi, node, pod

NGHTTPX = shutil.which("nghttpx", path=os.environ.get("PATH", "") + ":/usr/sbin")
pytestmark = pytest.mark.skipif(not NGHTTPX, reason="nghttpx (nghttp2-proxy) is not installed")


class Front:
    """Speaks HTTP/2 to clients. log(): what they asked for, as (connection, protocol, request)."""

    def __init__(self, api):
        self.api = api
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.path = os.path.join(api.directory, "front.log")
        certificate, key = api.authority.server("front")
        self.process = subprocess.Popen(
            [NGHTTPX, "--frontend=127.0.0.1,%d" % self.port, "--backend=127.0.0.1,%d;;tls" % api.port, "--insecure",
             "--workers=1", "--single-process", "--no-ocsp", "--accesslog-file=" + self.path, "--conf=/dev/null",
             "--accesslog-format=$remote_port $alpn $request", key, certificate],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        wait_for(self.is_up, 10, "nghttpx")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kubeconfig(self):
        path = self.api.write_kubeconfig()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.api.write(path, text.replace(":%d" % self.api.port, ":%d" % self.port))
        return path

    def log(self):
        with open(self.path, encoding="utf-8") as file:
            return [line.rstrip("\n").split(" ", 2) for line in file]


@pytest.fixture(name="api")
def fake_api(tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", node("a"))
        yield api


@pytest.fixture(name="front")
def front_of(api):
    with Front(api) as front:
        yield front


def test_one_connection_for_all(api, front):
    api.delay(0.2, times=99)
    with Client("--kubeconfig", front.kubeconfig(), "burst", "32", "/api/v1/nodes/a") as client:
        client.process.wait(20)
    assert [line["status"] for line in client.lines if "status" in line] == [200] * 32
    assert {line[1] for line in front.log()} == {"h2"}
    assert len({line[0] for line in front.log()}) == 1


def test_a_watch(api, front):
    api.objects.create("pods", "default", pod("old", "a"))
    with Client("--kubeconfig", front.kubeconfig(), "watch", "/api/v1/pods") as client:
        client.wait("listed")
        api.objects.create("pods", "default", pod("new", "a"))
        client.wait_name("new")
        api.cut_streams()
        client.wait("down")
        api.objects.create("pods", "default", pod("while-down", "a"))
        client.wait("up")
        client.wait_name("while-down")
    assert api.count("GET", "limit=") == 1
    assert len({line[0] for line in front.log()}) == 1


def test_a_large_body_and_answer(api, front):
    annotations = {"k%d" % number: "v" * 1000 for number in range(110)}
    body = {"metadata": {"annotations": annotations}}
    with Client("--kubeconfig", front.kubeconfig(), "call", "merge", "/api/v1/nodes/a",
                json.dumps(body)) as client:
        client.process.wait(20)
    assert client.lines[0]["body"]["metadata"]["annotations"] == annotations


def test_a_connection_that_answers_nothing_is_given_up(api, front):
    with Client("--kubeconfig", front.kubeconfig(), "--deadline-ms", "1000", "calls") as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        front.process.send_signal(signal.SIGSTOP)  # the kernel still acknowledges
        try:
            for _ in range(2):
                assert client.ask("get", "/api/v1/nodes/a")["status"] == -errno.ETIMEDOUT
        finally:
            front.process.send_signal(signal.SIGCONT)
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
    connections = [line[0] for line in front.log() if line[2].endswith("HTTP/2")]
    assert connections[-1] != connections[0]


def test_a_missed_deadline_alone_keeps_the_connection(api, front):
    with Client("--kubeconfig", front.kubeconfig(), "--deadline-ms", "1000", "calls") as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        api.fault("stall", match="nodes/a")
        assert client.ask("get", "/api/v1/nodes/a")["status"] == -errno.ETIMEDOUT
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        api.heal()
    wait_for(lambda: len(front.log()) >= 2, 5, "nghttpx's log")
    assert len({line[0] for line in front.log()}) == 1
