# SPDX-License-Identifier: Apache-2.0
"""A registry on the host, and a slow link to it: what a machine pulls images from."""

import os
import socket
import subprocess
import threading
import time

from node import images
from node.node import run
from node.processes import end, wait_until

from .kubelet import HOST

NAME = "registry.test:5000"  # as the machine calls it
CONFIG = """version: 0.1
log: {level: error}
storage:
  filesystem:
    rootdirectory: %s/registry
http:
  addr: 127.0.0.1:%d
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Link:
    """A context manager: forwards a port to another, in that direction's answers with so many bytes a second in all."""

    def __init__(self, to, bytes_per_second):
        self.to = to
        self.rate = bytes_per_second
        self.lock = threading.Lock()
        self.free_at = time.monotonic()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", self.to), timeout=10)
            upstream.settimeout(None)
            threading.Thread(target=self._forward, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(upstream, client, True), daemon=True).start()

    def _pay(self, size):
        """All connections share the link."""
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + size / self.rate
            wait = self.free_at - now
        time.sleep(wait)

    def _forward(self, source, target, slow):
        try:
            while part := source.recv(1 << 16):
                if slow:
                    self._pay(len(part))
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, target):
                one.close()


class Registry:
    """A context manager."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.port = free_port()
        self.process = None

    def __enter__(self):
        with open(self.folder + "/registry.yml", "w", encoding="utf-8") as file:
            file.write(CONFIG % (self.folder, self.port))
        with open(self.folder + "/registry.log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.folder + "/registry.yml"], stdout=log,
                                            stderr=log)
        wait_until(self._listens, 20, "the registry")
        return self

    def __exit__(self, *_):
        end(self.process)

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def push_big(self, megabytes):
        """An image with a random layer of this size; returns its name in the machine."""
        path = self.folder + "/big.tar"
        images.write_big(self.build, path, "localhost/big:1", megabytes)
        run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", "docker-archive:" + path,
            "docker://127.0.0.1:%d/big:1" % self.port)
        os.unlink(path)
        return NAME + "/big:1"


def hosts_files(port):
    """For the machine's disk: where its containerd finds NAME."""
    return {"/etc/containerd/certs.d/%s/hosts.toml" % NAME:
            'server = "http://{0}:{1}"\n[host."http://{0}:{1}"]\n  capabilities = ["pull", "resolve"]\n'.format(HOST, port)}
