# SPDX-License-Identifier: Apache-2.0
"""A client of the API server inside a network namespace, for a test that stands outside of it."""

import ctypes
import http.client
import json
import os
import socket
import ssl

CLONE_NEWNET = 0x40000000  # sched.h


class ApiError(RuntimeError):
    """An answer that is not a success."""

    def __init__(self, status, text):
        super().__init__("%d: %s" % (status, text))
        self.status = status


def _setns(fd):
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns comes with Python 3.12
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def connect_inside(netns, address, timeout):
    """A connection in the network namespace of this path; only this thread goes there, and comes back.

    A socket stays in the namespace where it was made.
    """
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(netns, os.O_RDONLY)
    try:
        _setns(there)
        try:
            return socket.create_connection(address, timeout)
        finally:
            _setns(home)
    finally:
        os.close(there)
        os.close(home)


class Api:
    """One user's door to the API server."""

    def __init__(self, netns, ca_file, token, timeout=10):
        self.netns, self.token, self.timeout = netns, token, timeout
        self.tls = ssl.create_default_context(cafile=ca_file)

    def connect(self, timeout=None):
        """An HTTPSConnection; raises OSError where nobody answers."""
        connection = http.client.HTTPSConnection("127.0.0.1", context=self.tls)
        raw = connect_inside(self.netns, ("127.0.0.1", 443), timeout)
        try:
            connection.sock = self.tls.wrap_socket(raw, server_hostname="127.0.0.1")
        except OSError:
            raw.close()
            raise
        return connection

    def request(self, method, path, body=None, content_type="application/json"):
        """Returns the answer's text; raises ApiError, or OSError where nobody answers."""
        connection = self.connect(self.timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Authorization": "Bearer " + self.token, "Content-Type": content_type})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, text)
        return text

    def get(self, path):
        return json.loads(self.request("GET", path))
