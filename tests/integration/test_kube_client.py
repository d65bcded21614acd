# SPDX-License-Identifier: Apache-2.0
"""Calls of client/kube/kube.c against a fake API server: verbs, refusals, credentials, TLS. No root."""

import errno
import json
import os
import socket
import subprocess
import time

import pytest

from kube.certificates import Authority
from kube.client import PROGRAM, Client, call
from kube.fake_api import FakeApi, node, pod


@pytest.fixture(name="api")
def fake_api(tmp_path):
    with FakeApi(str(tmp_path)) as api:
        api.objects.create("nodes", "", node("a"))
        yield api


def ask(api, verb, path, body=None, *options):
    return call(verb, path, body, "--kubeconfig", api.kubeconfig, *options)


def apply_body(**annotations):
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "a", "annotations": {"nodewake.io/" + k: v for k, v in annotations.items()}}}


def event_body(name):
    return {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"},
            "eventTime": "2026-11-23T06:12:04.123456Z", "reportingController": "nodewake.io/agent",
            "reportingInstance": "nodewake-a", "action": "Starting", "reason": "ContainerSlowStart",
            "type": "Warning", "note": "slow", "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}}


# --- verbs


def test_get(api):
    reply = ask(api, "get", "/api/v1/nodes/a")
    assert reply["status"] == 200 and reply["ok"] and reply["body"]["metadata"]["name"] == "a"
    assert api.requests[0]["headers"]["Authorization"] == "Bearer secret-1"
    assert api.requests[0]["headers"]["User-Agent"].startswith("nodewake/")


def test_what_is_not_there_is_data(api):
    reply = ask(api, "get", "/api/v1/nodes/b")
    assert reply["status"] == 404 and reply["reason"] == "NotFound" and '"b" not found' in reply["message"]


def test_post_and_already_exists(api):
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    assert ask(api, "post", path, event_body("e1"))["status"] == 201
    again = ask(api, "post", path, event_body("e1"))
    assert again["status"] == 409 and again["reason"] == "AlreadyExists"
    assert [e["metadata"]["name"] for e in api.objects.list("events")[0]] == ["e1"]
    wrong = ask(api, "post", path, {**event_body("e2"), "action": ""})
    assert wrong["status"] == 422 and "action" in wrong["message"]


def test_apply_removes_what_is_applied_no_longer(api):
    path = "/api/v1/nodes/a?fieldManager=nodewake&force=true"
    api.objects.merge_patch("nodes", "", "a", {"metadata": {"annotations": {"other": "stays"}}})
    assert ask(api, "apply", path, apply_body(boot="fast", crashes="none"))["status"] == 200
    reply = ask(api, "apply", path, apply_body(boot="slow"))
    assert reply["body"]["metadata"]["annotations"] == {"other": "stays", "nodewake.io/boot": "slow"}
    patches = api.found("PATCH")
    assert patches[0]["headers"]["Content-Type"] == "application/apply-patch+yaml"
    assert ask(api, "apply", "/api/v1/nodes/a", apply_body(boot="x"))["status"] == 400  # without a manager


def test_merge_and_delete(api):
    reply = ask(api, "merge", "/api/v1/nodes/a", {"metadata": {"annotations": {"k": "v"}}})
    assert reply["body"]["metadata"]["annotations"] == {"k": "v"}
    assert ask(api, "delete", "/api/v1/nodes/a")["status"] == 200
    assert ask(api, "get", "/api/v1/nodes/a")["status"] == 404


# --- what the server refuses, and what it does wrong


@pytest.mark.parametrize("status, reason, sent", [(401, "Unauthorized", 2), (403, "Forbidden", 1),
                                                  (409, "Conflict", 1), (410, "Expired", 1),
                                                  (500, "InternalError", 1), (503, "ServiceUnavailable", 1)])
def test_refusals_are_data_and_only_a_401_is_tried_again_once(api, status, reason, sent):
    api.fail(9, status, message="because of the test")
    reply = ask(api, "get", "/api/v1/nodes/a")
    assert (reply["status"], reply["reason"], reply["message"]) == (status, reason, "because of the test")
    assert not reply["ok"] and reply["retry_after_ms"] == 0
    assert api.count() == sent


@pytest.mark.parametrize("told, heeded", [("7", 7000), ("86400", 300000), ("99999999999", 300000), ("-5", 0),
                                          ("soon", 0)])
def test_retry_after(api, told, heeded):
    api.fail(1, 429, {"Retry-After": told})
    reply = ask(api, "get", "/api/v1/nodes/a")
    assert reply["status"] == 429 and reply["reason"] == "TooManyRequests"
    assert reply["retry_after_ms"] == heeded


def test_garbage_is_no_body(api):
    api.fault("garbage")
    reply = ask(api, "get", "/api/v1/nodes/a")
    assert reply["status"] == 200 and reply["body"] is None


def test_an_answer_is_bounded(api):
    api.fault("endless")
    with Client("--kubeconfig", api.kubeconfig, "call", "get", "/api/v1/nodes/a") as client:
        client.process.wait(20)
    assert client.lines[0]["status"] == -errno.EMSGSIZE
    assert api.sent < 32 << 20


def test_a_deadline_holds_whoever_is_silent(api):
    api.fault("stall")
    began = time.monotonic()
    assert ask(api, "get", "/api/v1/nodes/a", None, "--deadline-ms", "1500")["status"] == -errno.ETIMEDOUT
    assert 1.4 < time.monotonic() - began < 4


def test_who_takes_connections_and_does_not_shake_hands(api):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        path = api.write_kubeconfig()
        with open(path, encoding="utf-8") as file:
            text = file.read().replace(api.url, "https://127.0.0.1:%d" % mute.getsockname()[1])
        api.write(path, text)
        reply = call("get", "/x", None, "--kubeconfig", path, "--deadline-ms", "1500")
    assert reply["status"] == -errno.ETIMEDOUT


def test_nobody_there(api):
    path = api.kubeconfig
    api.stop()
    reply = call("get", "/api/v1/nodes/a", None, "--kubeconfig", path)
    assert reply["status"] == -errno.ECONNREFUSED and "connect" in reply["message"].lower()


def test_hung_up_without_an_answer(api):
    api.fault("drop")
    assert ask(api, "get", "/api/v1/nodes/a")["status"] == -errno.ECONNRESET


DEAF_NAMES = """
set -e
ip link set lo up
echo nameserver 127.0.0.1 >resolv.conf
echo hosts: dns >nsswitch.conf
mount --bind resolv.conf /etc/resolv.conf
mount --bind nsswitch.conf /etc/nsswitch.conf
/usr/bin/python3 -c 'import socket, time
deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
deaf.bind(("127.0.0.1", 53))
time.sleep(30)' &
deaf=$!
sleep 0.3
printf 'get /a\nget /b\n' | "$1" --kubeconfig kubeconfig --deadline-ms 1000 calls
kill $deaf
"""


def test_a_name_server_that_does_not_answer_holds_up_nothing(tmp_path):
    """In namespaces of their own: getaddrinfo's thread would wait 10 s, but neither calls nor the end do."""
    unshare = ["unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("no right to make namespaces")
    (tmp_path / "kubeconfig").write_text("""
current-context: c
contexts: [{name: c, context: {cluster: k}}]
clusters: [{name: k, cluster: {server: 'https://api.nowhere.test:6443'}}]
""")
    began = time.monotonic()
    done = subprocess.run([*unshare, "sh", "-c", DEAF_NAMES, "sh", os.path.abspath(PROGRAM)], cwd=tmp_path, timeout=30,
                          check=True, capture_output=True, text=True)
    assert time.monotonic() - began < 5
    replies = [json.loads(line) for line in done.stdout.splitlines()][:2]
    assert [reply["status"] for reply in replies] == [-errno.ETIMEDOUT] * 2
    assert "Resolving" in replies[0]["message"]


def test_a_redirect_is_not_followed(api):
    api.fail(1, 307, {"Location": api.url + "/api/v1/nodes/elsewhere"})
    assert ask(api, "get", "/api/v1/nodes/a")["status"] == 307
    assert api.count() == 1


def test_at_most_32_calls_at_once(api):
    api.delay(0.5, times=99)
    with Client("--kubeconfig", api.kubeconfig, "burst", "40", "/api/v1/nodes/a") as client:
        client.process.wait(20)
    statuses = [line["status"] for line in client.lines if "status" in line]
    assert sorted(statuses) == [-errno.EBUSY] * 8 + [200] * 32
    assert api.accepted <= 8  # connections


def test_no_proxy_is_used(api):
    environment = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    reply = call("get", "/api/v1/nodes/a", None, "--kubeconfig", api.kubeconfig, environment=environment)
    assert reply["status"] == 200


def test_one_connection_serves_call_after_call(api):
    with Client("--kubeconfig", api.kubeconfig, "calls") as client:
        for _ in range(5):
            assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        assert client.ask("get", "/api/v1/nodes/b")["status"] == 404
    assert api.accepted == 1
    assert client.stats()["calls"]["get"] == 6


# --- the pod's service account


def in_cluster(api, *options):
    directory, environment = api.account()
    return directory, lambda: Client("--account-dir", directory, *options, "calls", environment=environment)


def test_service_account(api):
    _, client = in_cluster(api)
    with client() as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200


def test_a_401_makes_the_token_be_read_again(api):
    directory, client = in_cluster(api)
    with client() as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        api.token = "secret-2"
        api.write(os.path.join(directory, "token"), "secret-2\n")
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
    assert [r["status"] for r in api.requests] == [200, 401, 200, 200]


@pytest.mark.parametrize("options, second", [(["--token-age-ms", "300"], "secret-2"), ([], "secret-1")])
def test_a_token_is_read_again_when_it_is_old_and_not_before(api, options, second):
    directory, client = in_cluster(api, *options)
    with client() as client:
        client.ask("get", "/api/v1/nodes/a")
        api.write(os.path.join(directory, "token"), "secret-2")
        time.sleep(0.4)
        api.token = second
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
    assert [r["headers"]["Authorization"] for r in api.requests] == ["Bearer secret-1", "Bearer " + second]


@pytest.mark.parametrize("now", [None, "", "two words", "line\nX-Injected: 1"])
def test_a_token_file_that_is_gone_or_wrong_for_a_moment(api, now):
    directory, client = in_cluster(api, "--token-age-ms", "1")
    path = os.path.join(directory, "token")
    with client() as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        if now is None:
            os.unlink(path)
        else:
            api.write(path, now)
        time.sleep(0.05)
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200  # with the token of before


def test_no_token_at_all(api):
    directory, client = in_cluster(api)
    api.write(os.path.join(directory, "token"), "")
    with client() as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == -errno.EINVAL
    assert api.count() == 0


def test_not_in_a_pod():
    with Client("call", "get", "/x") as client:
        client.process.wait(5)
    assert client.lines[0]["error"] == -errno.ENOENT


def test_no_token_is_printed(api):
    directory, client = in_cluster(api)
    with client() as client:
        client.ask("get", "/api/v1/nodes/a")
        api.token = "other"
        client.ask("get", "/api/v1/nodes/a")
        os.unlink(os.path.join(directory, "token"))
        client.ask("get", "/api/v1/nodes/a")
    assert "secret-1" not in client.raw + client.error


# --- certificates


def certificate_lines(certificate, key):
    return ["client-certificate: " + os.path.basename(certificate), "client-key: " + os.path.basename(key)]


def test_a_client_certificate_rotated_on_disk(api):
    one, two = api.authority.client("one"), api.authority.client("two")
    path = api.write_kubeconfig(certificate_lines(*one))
    with Client("--kubeconfig", path, "calls") as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        for old, new in zip(one, two):
            os.rename(new, old)
        api.users = {"two"}
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
    assert [r["user"] for r in api.requests] == ["one", "two"]


def test_an_authority_rotated_on_disk(api, tmp_path):
    path = api.kubeconfig
    other = Authority(str(tmp_path), "other-ca")
    with Client("--kubeconfig", path, "calls") as client:
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
        api.load_certificate(*other.server("other-server"))
        api.hang_up()
        reply = client.ask("get", "/api/v1/nodes/a")
        assert reply["status"] == -errno.EPROTO and "certificate" in reply["message"]
        os.rename(other.certificate, api.authority.certificate)
        assert client.ask("get", "/api/v1/nodes/a")["status"] == 200
    assert api.count() == 2


def edit_kubeconfig(api, old, new):
    path = api.write_kubeconfig(name="edited")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert old in text
    api.write(path, text.replace(old, new))
    return path


def test_a_server_of_another_authority_is_refused(api, tmp_path):
    other = Authority(str(tmp_path), "other-ca")
    path = edit_kubeconfig(api, api.authority.certificate, other.certificate)
    assert call("get", "/api/v1/nodes/a", None, "--kubeconfig", path)["status"] == -errno.EPROTO
    # neither is it one of the system's
    path = edit_kubeconfig(api, "certificate-authority: ", "x-not-it: ")
    assert call("get", "/api/v1/nodes/a", None, "--kubeconfig", path)["status"] == -errno.EPROTO
    assert api.count() == 0


def test_insecure_only_if_the_kubeconfig_says_so(api):
    path = edit_kubeconfig(api, "certificate-authority: " + api.authority.certificate,
                           "insecure-skip-tls-verify: true")
    assert call("get", "/api/v1/nodes/a", None, "--kubeconfig", path)["status"] == 200


def test_the_servers_name_is_verified(api):
    api.load_certificate(*api.authority.server("named", "DNS:api.example.test"))
    assert ask(api, "get", "/api/v1/nodes/a")["status"] == -errno.EPROTO
    path = edit_kubeconfig(api, "    server: ", "    tls-server-name: api.example.test\n    server: ")
    assert call("get", "/api/v1/nodes/a", None, "--kubeconfig", path)["status"] == 200
    assert api.requests[-1]["headers"]["Host"] == "127.0.0.1:%d" % api.port


def test_pods_of_the_fake_are_selected_as_by_the_real_one(api):
    api.objects.create("pods", "default", pod("p", "a"))
    assert ask(api, "get", "/api/v1/pods?fieldSelector=spec.nodeName%3Db")["body"]["items"] == []
    assert ask(api, "get", "/api/v1/pods?fieldSelector=spec.nonsense%3Db")["status"] == 400
