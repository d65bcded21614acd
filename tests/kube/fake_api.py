#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A fake Kubernetes API server: HTTP/1.1 over TLS on 127.0.0.1, for tests of the agent.

    with FakeApi(directory) as api:
        api.objects.create("nodes", "", node("a"))
        ... NODEWAKE_KUBECONFIG=api.kubeconfig ...
        api.fail(3, 503, {"Retry-After": "2"}, match="/pods")
        assert api.count("POST", "/events") == 1

As a program it serves until it is stopped: fake_api.py DIRECTORY [NODE ...]; the directory then holds a
kubeconfig. What it keeps and refuses is in fake_objects.py, what it does to a request in handler.py.
"""

import base64
import http.client
import os
import signal
import ssl
import sys
import threading
import time
from http.server import ThreadingHTTPServer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from kube.certificates import Authority  # noqa: E402
from kube.fake_objects import Objects  # noqa: E402
from kube.handler import Handler  # noqa: E402

KUBECONFIG = """apiVersion: v1
kind: Config
current-context: fake
contexts:
- name: fake
  context: {cluster: fake, user: fake}
clusters:
- name: fake
  cluster:
    server: %s
    certificate-authority: %s
users:
- name: fake
  user:
%s
"""


def node(name, **metadata):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, **metadata}, "spec": {}, "status": {}}


def pod(name, node_name, namespace="default", **metadata):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **metadata},
            "spec": {"nodeName": node_name, "containers": [{"name": "main", "image": "busybox"}]},
            "status": {"phase": "Pending"}}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, api):
        self.api = api
        super().__init__(address, Handler)

    def finish_request(self, request, client_address):
        """In the connection's thread: a client that does not shake hands must not block the others."""
        context = self.api.tls
        try:
            if context:
                request.settimeout(20)
                request = context.wrap_socket(request, server_side=True)
                request.settimeout(None)
            with self.api.lock:
                self.api.connections.add(request)
                self.api.accepted += 1
            super().finish_request(request, client_address)
        except OSError:
            pass
        finally:
            with self.api.lock:
                self.api.connections.discard(request)
            request.close()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class FakeApi:
    """objects: what it holds. requests: a log, one dict each, with method, path, query, headers, body, at
    (monotonic seconds), user and, when it is answered, status."""

    def __init__(self, directory, token="secret-1", plain=False, bookmark_seconds=60, watch_cache=True):
        self.directory = directory
        self.objects = Objects()
        self.lock = threading.RLock()
        self.token = token
        self.users = None  # client certificates' names that are let in; None: all of our authority's
        self.forbidden = set()  # ("get", "pods"): 403
        self.requests = []
        self.faults = []
        self.connections = set()
        self.accepted = 0  # connections
        self.sent = 0  # bytes of endless lines
        self.bookmark_seconds = bookmark_seconds
        self.watch_cache = watch_cache  # as the real one: a list with resourceVersion=0 has no pages
        self.piece = 0  # bytes of a stream to write at once; 0: whole lines
        self.streams = 0  # watches under way
        self.stream_orders = []  # [number, bytes or "cut" or "end"] for the streams under way
        self.stopping = threading.Event()
        self.plain = plain
        self.tls = None
        self.server = None
        self.port = 0
        if not plain:
            self.authority = Authority(directory)
            self.load_certificate(*self.authority.server())

    def load_certificate(self, certificate, key):
        """Also while it runs: new connections get it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(self.authority.certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        self.tls = context

    # --- its life; start() after stop() is a restart on the same port

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.stopping.clear()
        self.server = Server(("127.0.0.1", self.port), self)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if not self.server:
            return
        self.stopping.set()
        with self.objects.changed:
            self.objects.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.server = None
        self.hang_up()

    def hang_up(self):
        """Ends all connections."""
        with self.lock:
            for connection in list(self.connections):
                try:
                    connection.shutdown(2)
                except OSError:
                    pass

    # --- who may come, and how

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("http" if self.plain else "https", self.port)

    def write_kubeconfig(self, user_lines=None, name="kubeconfig"):
        """Returns its path. user_lines: of the user; by itself the token."""
        path = os.path.join(self.directory, name)
        lines = user_lines or ["token: " + self.token]
        with open(path, "w", encoding="utf-8") as file:
            file.write(KUBECONFIG % (self.url, self.authority.certificate, "\n".join("    " + x for x in lines)))
        return path

    @property
    def kubeconfig(self):
        return self.write_kubeconfig()

    def account(self):
        """A service account's mount: (directory, environment) as a pod has them."""
        directory = os.path.join(self.directory, "account")
        os.makedirs(directory, exist_ok=True)
        with open(self.authority.certificate, encoding="utf-8") as file:
            self.write(os.path.join(directory, "ca.crt"), file.read())
        self.write(os.path.join(directory, "token"), self.token)
        return directory, {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.port)}

    @staticmethod
    def write(path, text):
        """Replaces a file at once, as the kubelet does."""
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(path + ".new", path)

    # --- what a test asks of it, as of a RealApi (tests/cluster/real_api.py)

    inside = None

    def events(self):
        return self.objects.list("events")[0]

    def delete_event(self, event):
        self.objects.delete("events", event["metadata"]["namespace"], event["metadata"]["name"])

    def annotations(self, node_name):
        return self.objects.get("nodes", "", node_name)["metadata"].get("annotations", {})

    def annotate(self, node_name, name, value):
        self.objects.merge_patch("nodes", "", node_name, {"metadata": {"annotations": {name: value}}})

    def connect(self):
        tls = ssl.create_default_context(cafile=self.authority.certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=tls)

    # --- faults

    def fault(self, kind, times=1, match="", **how):
        """The next requests whose "METHOD path?query" contains match: kind is status, drop (hang up
        unanswered), stall (never answer), silent (headers, then nothing), garbage, endless (a line without
        an end), half (a list cut in its middle) or delay."""
        with self.lock:
            self.faults.append({"kind": kind, "times": times, "match": match, **how})

    def fail(self, times, status, headers=None, match="", reason="", message=""):
        self.fault("status", times, match, status=status, headers=headers or {}, reason=reason, message=message)

    def delay(self, seconds, times=1, match=""):
        self.fault("delay", times, match, seconds=seconds)

    def heal(self):
        with self.lock:
            self.faults = []
        with self.objects.changed:
            self.objects.changed.notify_all()

    def take_fault(self, line):
        with self.lock:
            for fault in self.faults:
                if fault["match"] in line and fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return None

    def order_streams(self, what):
        """To the watches under way: b"..." is written as it is, "cut" hangs up, "end" ends them properly."""
        with self.objects.changed:
            self.stream_orders.append(what)
            self.objects.changed.notify_all()

    def cut_streams(self):
        self.order_streams("cut")

    # --- the log

    def log(self, **request):
        with self.lock:
            request["at"] = time.monotonic()
            self.requests.append(request)
        return request

    def found(self, method="", part=""):
        """Requests whose method is `method` and whose path with query contains `part`."""
        with self.lock:
            return [r for r in self.requests if method in ("", r["method"]) and part in r["line"]]

    def count(self, method="", part=""):
        return len(self.found(method, part))


def main():
    directory = sys.argv[1]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with FakeApi(directory) as api:
        for name in sys.argv[2:]:
            api.objects.create("nodes", "", node(name))
        print(api.url, api.kubeconfig, flush=True)
        with open(api.authority.certificate, "rb") as file:
            print("certificate-authority-data:", base64.b64encode(file.read()).decode(), flush=True)
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
