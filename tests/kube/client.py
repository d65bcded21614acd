# SPDX-License-Identifier: Apache-2.0
"""The agent's Kubernetes client (tests/kube/main.c) as a process under test."""

import json
import os
import signal
import subprocess
import threading
import time

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "kube")


def wait_for(condition, seconds, what):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("not in %s s: %s" % (seconds, what() if callable(what) else what))


class Client:
    """A running client; a context manager. lines: what it printed, with `at` in monotonic seconds."""

    def __init__(self, *arguments, environment=None):
        clean = {key: value for key, value in os.environ.items() if not key.startswith("KUBERNETES_")}
        self.process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**clean, **(environment or {})})
        self.lines = []
        self.raw = ""
        self.error = ""
        self.threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._read_error)]
        for thread in self.threads:
            thread.start()

    def _read(self):
        for text in self.process.stdout:
            self.raw += text
            self.lines.append({**json.loads(text), "at": time.monotonic()})

    def _read_error(self):
        self.error = self.process.stderr.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        for thread in self.threads:
            thread.join(10)
        if kind is None and self.process.returncode not in (0, 1):
            raise AssertionError("the client ended with %d: %s" % (self.process.returncode, self.error))

    # --- calls

    def ask(self, verb, path, body=None, seconds=15):
        """Of `kube calls`: one call and its reply."""
        before = len(self.lines)
        self.process.stdin.write("%s %s %s\n" % (verb, path, json.dumps(body, separators=(",", ":")) if body else ""))
        self.process.stdin.flush()
        wait_for(lambda: len(self.lines) > before, seconds, lambda: "a reply; stderr: " + self.error)
        return self.lines[before]

    # --- watches

    def steps(self, *wanted):
        return [line for line in self.lines if line.get("step") in (wanted or (line.get("step"),)) and "step" in line]

    def names(self, step="object"):
        return [line["object"]["metadata"]["name"] for line in self.steps(step)]

    def wait(self, step, count=1, seconds=10):
        wait_for(lambda: len(self.steps(step)) >= count, seconds,
                 lambda: "%d %s; there are %s" % (count, step, [line["step"] for line in self.steps()]))
        return self.steps(step)[count - 1]

    def wait_name(self, name, step="object", seconds=10):
        wait_for(lambda: name in self.names(step), seconds, lambda: "%s %s in %s" % (step, name, self.names(step)))

    def end(self):
        """Ends it and returns its statistics."""
        self.__exit__(None)
        return self.stats()

    def stats(self):
        return next(line["stats"] for line in self.lines if "stats" in line)

    def status_kib(self, field):
        with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def call(verb, path, body=None, *options, environment=None):
    """One process, one call. Returns its reply."""
    words = [*options, "call", verb, path] + ([json.dumps(body)] if body else [])
    with Client(*words, environment=environment) as client:
        client.process.wait(40)
    return client.lines[0]
