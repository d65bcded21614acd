# SPDX-License-Identifier: Apache-2.0
"""Many deaths at a time: what is planted, counted by those who plant it and by the kernel."""

import json
import os
import subprocess
import time

from node.processes import end, wait_until

MIB = 1 << 20
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Of all its threads, those that are no more included."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


class Kills:
    """One container whose children are killed for memory, one after the other."""

    def __init__(self, node, count, every_ms, name="kills"):
        self.count = count
        self.pod = node.run_pod(name)
        self.container = self.pod.start("app", ["eat-child", "0", str(count), str(every_ms)], memory=16 * MIB)

    def planted(self):
        """How many children it has begun."""
        path = os.path.join(self.container.stamp_dir, "stamps")
        if not os.path.exists(path):
            return 0
        with open(path, encoding="ascii") as file:
            return sum(line.startswith("child ") for line in file)

    def of_kernel(self):
        """The cgroup's own count; None where this kernel has none."""
        for path in ("/sys/fs/cgroup/memory%s/%s/memory.oom_control", "/sys/fs/cgroup%s/%s/memory.events"):
            path %= (self.pod.parent, self.container.id)
            if os.path.exists(path):
                with open(path, encoding="ascii") as file:
                    return {line.split()[0]: int(line.split()[1]) for line in file}.get("oom_kill")
        return None

    def wait(self, seconds):
        wait_until(lambda: (self.of_kernel() or 0) >= self.count, seconds, "%d kills" % self.count)


class CrashLoops:
    """Pods whose container ends with an error again and again, kept as a kubelet keeps them."""

    def __init__(self, node, count, prefix="loop"):
        self.node, self.count, self.prefix = node, count, prefix
        self.log = node.dir + "/loops.log"
        pods = node.dir + "/loops.pods"
        with open(pods, "w", encoding="ascii") as file:
            for i in range(count):
                uid = "%08d-1111-2222-3333-444444444444" % i
                file.write("name=%s-%d namespace=shop uid=%s image=localhost/cast:1 parent=%s/burstable/pod%s hostnet=1 -- "
                           "/cast exit 1 100\n" % (prefix, i, uid, node.cgroup, uid))
        self.process = subprocess.Popen([node.build + "/cri", "keep", "file=" + pods, "log=" + self.log],
                                        env=dict(os.environ, CRI_SOCKET=node.socket))
        node.processes.append(self.process)

    def lines(self, what):
        if not os.path.exists(self.log):
            return 0
        with open(self.log, encoding="utf-8") as file:
            return sum(json.loads(line)["what"] == what for line in file)

    def wait_running(self, seconds):
        """Until each has died once."""
        wait_until(lambda: self.lines("exited") >= self.count, seconds, "%d deaths" % self.count)

    def stop(self):
        end(self.process)
        self.node.processes.remove(self.process)
        time.sleep(1)

    def deaths(self):
        """CRI's: containers of these pods that have ended, by id."""
        return {id_: status for id_, status in self.node.containers(self.prefix).items() if status["state"] == 2}
