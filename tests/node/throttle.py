#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""throttle.py PORT UPSTREAM_PORT BYTES_PER_S LOG: a registry's slow link, with a clock of its own.

Passes HTTP on to another port of this machine; all answers together come no faster than that. LOG gets a line of JSON for
each answer: method, path, status, bytes, and begin_ns and end_ns on the boot clock: the request's arrival and its last byte.
"""

import http.client
import http.server
import json
import socket
import sys
import threading
import time

PIECE = 32768


class Bucket:
    """A piece may go when those before it have had their time."""

    def __init__(self, bytes_per_s):
        self.bytes_per_s = bytes_per_s
        self.free = 0.0
        self.lock = threading.Lock()

    def take(self, size):
        with self.lock:
            begin = max(self.free, time.monotonic())
            self.free = begin + size / self.bytes_per_s
            wait = self.free - time.monotonic()
        if wait > 0:
            time.sleep(wait)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def log_message(self, format, *arguments):  # pylint: disable=redefined-builtin
        pass

    def setup(self):
        super().setup()
        # what lies in buffers is not counted as passed on
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PIECE)

    def answer(self):
        begin = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
        upstream.request(self.command, self.path, headers=headers)
        reply = upstream.getresponse()
        self.send_response(reply.status)
        for key, value in reply.getheaders():
            if key.lower() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(key, value)
        self.end_headers()
        sent = 0
        try:
            while self.command != "HEAD" and (piece := reply.read(PIECE)):
                self.server.bucket.take(len(piece))
                self.wfile.write(piece)
                sent += len(piece)
        finally:
            self.server.note({"method": self.command, "path": self.path, "status": reply.status, "bytes": sent,
                              "begin_ns": begin, "end_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME)})
            upstream.close()

    do_GET = do_HEAD = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, upstream, bytes_per_s, log):
        super().__init__(("127.0.0.1", port), Handler)
        self.upstream = upstream
        self.bucket = Bucket(bytes_per_s)
        self.log = log
        self.lock = threading.Lock()

    def handle_error(self, request, client_address):
        pass  # the client has gone

    def note(self, line):
        with self.lock, open(self.log, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    Server(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]).serve_forever()
