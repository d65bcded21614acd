# SPDX-License-Identifier: Apache-2.0
"""The daemon under test, and the command line beside it."""

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import zlib

from .processes import end, wait_until


class Daemon:
    """nodewake run on a private node; a context manager. records(): what it told so far.

    kubeconfig: of an API server, the node's name there being node.name; by itself there is none. inside: a Node or
    Cluster in whose network it runs, as a pod with hostNetwork does; by itself it is the machine's.
    """

    def __init__(self, node, *arguments, state=None, kubeconfig=None, inside=None):
        self.node = node
        self.inside = inside
        self.program = os.path.join(node.build, "nodewake")
        self.daemon_program = self.program  # a test may put a wrapper here
        self.state = state or os.path.join(node.dir, "nodewake")
        # its folder holds what the next daemon with this store takes over
        self.socket = os.path.join(node.dir, "run-%08x" % zlib.crc32(self.state.encode()), "nodewake.sock")
        self.events = os.path.join(node.dir, "events.jsonl")
        self.log = os.path.join(node.dir, "nodewake.log")
        self.log_begin = os.path.getsize(self.log) if os.path.exists(self.log) else 0  # others' words stand before
        # any free port: daemons of parallel runs must not meet at the default one
        self.arguments = ["--containerd-socket", node.socket, "--state-dir", self.state, "--socket", self.socket,
                          "--listen", "127.0.0.1:0", "--cni-dirs", node.dir + "/cni-bin/:/usr/lib/cni/",
                          "--record-events", self.events,
                          *(["--kubeconfig", kubeconfig, "--node-name", node.name] if kubeconfig
                            else ["--no-kubernetes"]), *arguments]
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        if self.process:
            code = end(self.process)
            self.process = None
            if kind is None and code != 0:
                raise RuntimeError("the daemon ended with %d:\n%s" % (code, self.read_log()))

    def start(self):
        words = self._place(self.daemon_program, "run", *self.arguments)
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        self.node.processes.append(self.process)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("the daemon has ended:\n" + self.read_log())
            status = self.status()
            return status and status["sources"]["containerd"]["connected"]
        try:
            wait_until(ready, 20, "the daemon's status")
        except TimeoutError as error:
            raise TimeoutError("%s; it is %s\n%s" % (error, self.status(), self.read_log()[-3000:])) from None

    def _place(self, *words):
        return self.inside.inside(*words) if self.inside else words

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.node.processes.remove(self.process)
        self.process = None

    def read_log(self):
        with open(self.log, encoding="utf-8") as file:
            file.seek(self.log_begin)
            return file.read()

    def get(self, path, method="GET"):
        """Asks the TCP port, whose number stands in the log; returns (status, text)."""
        address = re.findall(r"serving /metrics.* address=(\S+)", self.read_log())[-1].strip('"')
        connection = http.client.HTTPConnection(address, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def verb(self, *words):
        """Runs a verb; returns (exit code, stdout)."""
        done = subprocess.run(self._place(self.program, *words), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def status(self):
        code, text = self.verb("status", "--socket", self.socket, "--output", "json")
        return json.loads(text) if code in (0, 1) and text else None

    def records(self, kind, **wanted):
        """Records of the store: kind is starts, exits, ooms, pulls or gaps; wanted compares members."""
        _, text = self.verb(kind, "--state-dir", self.state, "--output", "json", "--limit", "1000000")
        found = [json.loads(line) for line in text.splitlines()]
        return [r for r in found if self.node.owns(r) and all(r.get(key) == value for key, value in wanted.items())]

    def stored(self, kind):
        """Records of the store by their own name (child, host), for which there is no verb."""
        with sqlite3.connect("file:%s/nodewake.db?mode=ro" % self.state, uri=True) as store:
            found = [json.loads(body) for body, in store.execute("SELECT body FROM records")]
        return [r for r in found if r["type"] == kind and self.node.owns(r)]

    def wait_final(self, kind, count=1, seconds=15, **wanted):
        """Waits until so many final records are there, and returns them, which are as the JSON Schema says."""
        def enough():
            found = [r for r in self.records(kind, **wanted) if r.get("final")]
            return found if len(found) >= count else None
        from . import schema  # pylint: disable=import-outside-toplevel # a machine under test has no jsonschema
        return schema.check(wait_until(enough, seconds, "%d %s with %s; there are %s" % (
            count, kind, wanted, self.records(kind))))

    def watch(self, line):
        """Calls line(text) for each line of `nodewake watch`, from a thread, until it ends."""
        process = subprocess.Popen([self.program, "watch", "--socket", self.socket], stdout=subprocess.PIPE,
                                   text=True)
        self.node.processes.append(process)
        thread = threading.Thread(target=lambda: [line(text.rstrip("\n")) for text in process.stdout],
                                  daemon=True)
        thread.start()
        return process
