# SPDX-License-Identifier: Apache-2.0
"""Containers that start and die all the time, and whether each was told: once, and as it was."""

import json
import random
import threading
import time

from .processes import wait_until

LYING = 60
WAYS = {"listens": ["listen", "8080"], "crashes": ["segv", "20"], "ends": ["exit", "7", "20"], "eats": ["eat", "10"]}
VERDICTS = {"listens": {"killed", "stopped"}, "crashes": {"crashed"}, "ends": {"error"}, "eats": {"oom-killed"}}


class Load:
    """One container after another, each in one of these ways, until the block ends. ran: their names and ids. Of those that
    ended so many lie about; who is removed before the agent could ask for its name is told without."""

    def __init__(self, node, lying=LYING):
        self.most_lying = lying
        self.node, self.over, self.ran, self.error, self.pod = node, threading.Event(), {}, None, None
        self.lying = []
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        if self.error:
            raise self.error

    def _one(self, number):
        way = random.choice(list(WAYS))
        container = self.pod.start("%s-%d" % (way, number), WAYS[way], **({"memory": 16 << 20} if way == "eats" else {}))
        if way == "listens":
            time.sleep(random.random() * 0.2)
            container.stop(0)
        container.wait_exited(60)
        self.ran[container.name] = container.id
        self.lying.append(container)
        if len(self.lying) > self.most_lying:  # told long ago; of a thousand that lie about each listing takes seconds
            self.lying.pop(0).remove()

    def _run(self):
        try:
            self.pod = self.node.run_pod("load")
            while not self.over.is_set():
                self._one(len(self.ran))
        except Exception as error:  # pylint: disable=broad-except # told by __exit__
            self.error = error

    def assert_told(self, daemon, seconds=60):
        """Each start, kill for memory and death exactly once and with the right verdict, and none that was not; at the latest
        after so many seconds."""
        eaten = sorted(name for name in self.ran if name.startswith("eats"))
        wanted = {"starts": sorted(self.ran), "exits": sorted(self.ran), "ooms": eaten}

        def told(kind):
            return [r for r in daemon.records(kind, final=True) if r["subject"].get("pod_uid") == self.pod.uid]

        def names(records):
            return sorted(r["subject"].get("container", "?") for r in records)

        def wrong(records):
            return [r for r in records if r["verdict"] not in VERDICTS[r["subject"]["container"].split("-")[0]]]

        def is_told():
            return all(names(told(kind)) == those for kind, those in wanted.items()) and not wrong(told("exits"))

        try:
            wait_until(is_told, seconds, "that all is told")
        except TimeoutError:
            pass
        found = {kind: told(kind) for kind in wanted}
        for kind, those in wanted.items():
            assert names(found[kind]) == those, kind
        assert not wrong(found["exits"]), json.dumps(wrong(found["exits"]))
        return found
