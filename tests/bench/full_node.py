# SPDX-License-Identifier: Apache-2.0
"""A node as full as it gets: a thousand containers in 250 pods, then containers that come and go and execs, all the time."""

import subprocess
import threading
import time

from bench import cpu_ns, pss_kib
from node.processes import wait_until

PODS, CONTAINERS = 250, 4
CHURNED_PER_MINUTE, EXECS, SECONDS = 1000, 5000, 60
THREADS = 4
PATIENCE_S = 120


class Churn:
    """Containers that start and end, as many in a minute as are asked for, or as the runtime takes."""

    def __init__(self, node):
        self.node, self.done, self.lock = node, 0, threading.Lock()
        self.begin = time.monotonic()
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(THREADS)]
        self.pods = [node.run_pod("churn-%d" % i) for i in range(THREADS)]

    def _run(self, number):
        count = 0
        while time.monotonic() - self.begin < SECONDS:
            due = self.begin + count * 60 * THREADS / CHURNED_PER_MINUTE
            time.sleep(max(0, due - time.monotonic()))
            self.pods[number].start("c%d" % count, ["exit", "0"])
            count += 1
        with self.lock:
            self.done += count

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        return self.done


def measure(bench):
    """Rows (what, value)."""
    rows, node = [], bench.node
    with bench.daemon() as daemon:
        pid = daemon.process.pid
        for i in range(PODS):
            pod = node.run_pod("full-%d" % i)
            for j in range(CONTAINERS):
                pod.start("c%d" % j, ["listen", str(8080 + j)])
        time.sleep(30)
        begin, at = cpu_ns(pid), time.monotonic()
        time.sleep(60)
        kernel = daemon.status()["sources"]["kernel"]
        rows += [("PSS, %d containers in %d pods at rest" % (PODS * CONTAINERS, PODS), "%.1f MiB" % (pss_kib(pid) / 1024)),
                 ("CPU, the same", "%.3f %% of a core" % ((cpu_ns(pid) - begin) / (time.monotonic() - at) / 1e7)),
                 ("memory of BPF maps and rings", "%.1f MiB" % (kernel["map_bytes"] / 1048576)),
                 ("records of its starts lost", "%d of %d" % (
                     PODS * CONTAINERS - len([r for r in daemon.records("starts") if r["subject"].get("container")]),
                     PODS * CONTAINERS))]
        begin, at = cpu_ns(pid), time.monotonic()
        with subprocess.Popen([node.build + "/tests/programs/forkexec", "--rate", str(EXECS), str(SECONDS)],
                              stdout=subprocess.PIPE, text=True) as execs:
            churned = Churn(node).run()
            made, took = execs.communicate()[0].split()
        busy, took = (cpu_ns(pid) - begin) / (time.monotonic() - at) / 1e7, float(took)

        def told():
            ended = [r for r in daemon.records("exits", final=True) if r["subject"].get("pod", "").startswith("churn-")]
            return len(ended) if len(ended) >= churned else None
        try:
            found = wait_until(told, PATIENCE_S, "the records")
        except TimeoutError:
            found = len([r for r in daemon.records("exits") if r["subject"].get("pod", "").startswith("churn-")])
        status = daemon.status()
        rows += [("containers that came and went beside them, asked / done in a minute", "%d / %d" % (CHURNED_PER_MINUTE, churned)),
                 ("execs a second at the same time, asked / done", "%d / %.0f" % (EXECS, float(made) / took)),
                 ("CPU meanwhile", "%.2f %% of a core" % busy),
                 ("PSS afterwards", "%.1f MiB" % (pss_kib(pid) / 1024)),
                 ("exits told", "%d of %d" % (found, churned)),
                 ("lost by the kernel's rings and tables", str(status["sources"]["kernel"]["lost"])),
                 ("the store", "%.1f MiB" % (status["store"]["bytes"] / 1048576))]
    node.remove_pods()
    return rows
