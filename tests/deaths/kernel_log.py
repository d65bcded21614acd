# SPDX-License-Identifier: Apache-2.0
"""The kernel's own word on OOM kills, as a witness."""

import os
import re
import threading

KILLED = re.compile(r"Killed process (\d+) \(([^)]*)\)")
LIMIT = re.compile(r"oom-kill:constraint=(\w+),.*?(?:oom_memcg=([^,]*)|global_oom),task_memcg=([^,]*),task=([^,]*),pid=(\d+),")


class KernelLog:
    """Lines of /dev/kmsg from now on, without what stands before the text.

    A thread reads: the kernel keeps only the last ones.
    """

    def __init__(self):
        self.file = os.open("/dev/kmsg", os.O_RDONLY)
        os.lseek(self.file, 0, os.SEEK_END)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                line = os.read(self.file, 8192).decode(errors="replace")
            except BrokenPipeError:  # it wrote more than its buffer holds
                continue
            self.lines.append(line.partition(";")[2].split("\n")[0])

    def read(self):
        """All of them so far."""
        return list(self.lines)

    def kills(self):
        """{pid: {"comm", "line", and unless it said too much already "limit" (None: the node's) and "own"}}"""
        found = {}
        for line in self.read():
            limit, killed = LIMIT.search(line), KILLED.search(line)
            if limit:
                found.setdefault(int(limit[5]), {}).update(limit=limit[2], own=limit[3])
            elif killed:
                found.setdefault(int(killed[1]), {}).update(comm=killed[2], line=line)
        return found
