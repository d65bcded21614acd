# SPDX-License-Identifier: Apache-2.0
"""A watch of an API server, as kubectl has one."""

import json
import threading
import time


class Watcher:
    """A context manager. seen: name -> (object, monotonic seconds) of what was added since."""

    def __init__(self, api, path):
        self.api, self.path = api, path
        self.seen = {}
        self.connection = None

    def _ask(self, query):
        self.connection = self.api.connect()
        self.connection.request("GET", self.path + query, headers={"Authorization": "Bearer " + self.api.token})
        answer = self.connection.getresponse()
        if answer.status != 200:
            raise RuntimeError("%s: %d %s" % (self.path, answer.status, answer.read()))
        return answer

    def __enter__(self):
        version = json.loads(self._ask("?limit=1").read())["metadata"]["resourceVersion"]
        self.connection.close()
        answer = self._ask("?watch=true&resourceVersion=" + version)
        threading.Thread(target=self._read, args=(answer,), daemon=True).start()
        return self

    def __exit__(self, *_):
        try:
            self.connection.sock.shutdown(2)
        except OSError:
            pass

    def _read(self, answer):
        try:
            for line in iter(answer.readline, b""):
                now = time.monotonic()
                told = json.loads(line)
                if told["type"] == "ADDED":
                    self.seen[told["object"]["metadata"]["name"]] = (told["object"], now)
        except (OSError, ValueError):
            pass
