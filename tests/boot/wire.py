# SPDX-License-Identifier: Apache-2.0
"""The host's end of the wire to tests/programs/guest.c: one request at a time, each with its time limit."""

import itertools
import json
import socket
import threading
import time


class WireError(Exception):
    """The machine did not answer in time, or went down meanwhile."""


class Wire:
    """A connection to QEMU's end of a virtio-serial port; outlives the machine's reboots, not QEMU."""

    def __init__(self, path, seconds=10):
        self.numbers = itertools.count(1)
        self.buffer = b""
        end = time.monotonic() + seconds
        while True:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.connect(path)
                return
            except OSError:
                self.socket.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def close(self):
        self.socket.close()

    def _receive(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise WireError("no answer in time")
        self.socket.settimeout(left)
        try:
            part = self.socket.recv(1 << 16)
        except TimeoutError:
            raise WireError("no answer in time") from None
        except OSError as error:
            raise WireError(str(error)) from None
        if not part:
            raise WireError("the machine is off")
        self.buffer += part

    def _line(self, end):
        while b"\n" not in self.buffer:
            self._receive(end)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").split()

    def wait_hello(self, seconds, other_than=None):
        """Until the machine has booted; returns its boot id."""
        end = time.monotonic() + seconds
        while True:
            words = self._line(end)
            if len(words) == 2 and words[0] == "hello" and words[1] != other_than:
                return words[1]

    def _send(self, data, end):
        self.socket.settimeout(max(end - time.monotonic(), 0.1))
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise WireError("cannot send: %s" % error) from None

    def start(self, script):
        """Runs the script and does not ask what became of it."""
        data = script.encode()
        self._send(b"%d 0 %d 0\n" % (next(self.numbers), len(data)) + data, time.monotonic() + 10)

    def run(self, script, seconds, data=b""):
        """Returns (exit code, what it wrote)."""
        number, script = b"%d" % next(self.numbers), script.encode()
        # the guest ends it in time, and needs time to tell
        end = time.monotonic() + seconds + 20
        self._send(b"%s %d %d %d\n" % (number, max(int(seconds), 1), len(script), len(data)) + script + data, end)
        while True:
            words = self._line(end)
            if words[:1] == ["hello"]:
                raise WireError("the machine has rebooted")
            if len(words) == 3 and words[0] == number.decode():
                break
        size = int(words[2])
        while len(self.buffer) < size:
            self._receive(end)
        answer, self.buffer = self.buffer[:size], self.buffer[size:]
        return int(words[1]), answer


class Lines:
    """What a program in the machine writes to another port, line by line: JSON, with the host's time of arrival."""

    def __init__(self, path, on_line=None):
        self.wire = Wire(path)
        self.wire.socket.settimeout(None)
        self.lines = []
        self.on_line = on_line
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for text in self.wire.socket.makefile("rb"):
                try:
                    line = json.loads(text)
                except ValueError:  # cut by a reset
                    continue
                line["at"] = time.time()
                self.lines.append(line)
                if self.on_line:
                    self.on_line(line)
        except OSError:
            pass

    def close(self):
        try:
            self.wire.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(5)
        self.wire.close()
