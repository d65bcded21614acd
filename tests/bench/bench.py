#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What nodewake costs, and how soon it tells: ratios from interleaved runs on a private node.

Prints a table, and writes it between the markers of README.md beside this file with --write.
"""

import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

from deaths.load import CrashLoops, Kills, cpu_seconds  # noqa: E402
from kube.fake_api import FakeApi, node as api_node  # noqa: E402
from kube.told import Told, counts  # noqa: E402
from node import Daemon, Node, images, links, why  # noqa: E402
from node.processes import end, wait_until  # noqa: E402

ROUNDS = {"starts": 100, "forks": 20, "outside": 20, "inside": 20}
# The scheduler's load as a busy node has it, and perf's worst case for whoever watches it: two processes that wake each other.
SCHEDULER = {"hackbench": ["/usr/bin/hackbench", "-g", "2", "-l", "1000"],
             "perf bench sched pipe": ["/usr/bin/perf", "bench", "--format=simple", "sched", "pipe", "-l", "100000"]}
STORM = {"starts": 200, "sleep_ms": 400, "cpu_ms": 50}
DEATHS = {"kills": 1000, "every_ms": 35, "loops": 100, "seconds": 60}
PODS_PER_ROUND = 6
RESAMPLES = 1000
IDLE_CONTAINERS = 110
IDLE_SECONDS = 60
FORKS = 4000
READY_RUNS = 9
STATS = "/proc/sys/kernel/bpf_stats_enabled"


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def pss_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def schedstat(pid):
    """(ns on a CPU, how often it was put on one), all threads."""
    total = [0, 0]
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(OSError), open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
            fields = file.read().split()
            total[0] += int(fields[0])
            total[1] += int(fields[2])
    return total


def cpu_ns(pid):
    return schedstat(pid)[0]


@contextlib.contextmanager
def bpf_stats():
    """The kernel counts each program's runs and their time."""
    with open(STATS, encoding="ascii") as file:
        before = file.read()
    try:
        with open(STATS, "w", encoding="ascii") as file:
            file.write("1")
        yield
    finally:
        with open(STATS, "w", encoding="ascii") as file:
            file.write(before)


def seconds(text):
    """The last number that a benchmark prints, in ns."""
    return float(text.split()[-1]) * 1e9


class Bench:
    """One private node and a daemon that can be put on and off."""

    def __init__(self, node):
        self.node = node
        self.rows = []

    def daemon(self):
        daemon = Daemon(self.node, state=tempfile.mkdtemp(dir=self.node.dir))
        option = daemon.arguments.index("--record-events")  # no unit has it
        del daemon.arguments[option:option + 2]
        return daemon

    def row(self, what, value, goal):
        self.rows.append((what, value, goal))
        print("%-62s %-48s %s" % (what, value, goal), flush=True)

    def start_pods(self, count, prefix="bench"):
        lines = self.node.cri("bench", "count=%d" % count, "image=localhost/cast:1", "prefix=" + prefix,
                              "parent=" + self.node.cgroup + "/burstable", "--", "/cast", "listen", "8080")
        return [json.loads(line) for line in lines.splitlines()]

    def remove_pods(self, pods):
        for pod in pods:
            self.node.cri("stopp", "id=" + pod["pod"])
            self.node.cri("rmp", "id=" + pod["pod"])

    def interleaved(self, what, measure, rounds, unit_ns, unit, goal):
        """The ratio of medians of measure() with the daemon on and off, the order swapped each round.

        Rounds differ more than the pods of one do, so the 95 % interval comes from drawing whole rounds anew.
        """
        times = []
        measure()
        for i in range(rounds):
            one = {}
            for on in ((False, True), (True, False))[i % 2]:
                if on:
                    with self.daemon():
                        one[on] = measure()
                else:
                    one[on] = measure()
            times.append(one)

        def medians(sample):
            return [statistics.median(sum((one[on] for one in sample), [])) for on in (True, False)]

        on, off = medians(times)
        drawn = sorted(a / b for a, b in (medians(random.choices(times, k=rounds)) for _ in range(RESAMPLES)))
        self.row(what, "%.3f (95 %%: %.3f to %.3f; %.1f / %.1f %s)" % (
            on / off, drawn[RESAMPLES // 40], drawn[-RESAMPLES // 40], on / unit_ns, off / unit_ns, unit), goal)

    def pod_times(self):
        pods = self.start_pods(PODS_PER_ROUND)
        self.remove_pods(pods)
        return [pod["total_ns"] for pod in pods]

    def starts(self):
        self.interleaved("RunPodSandbox + CreateContainer + StartContainer, on / off", self.pod_times,
                         ROUNDS["starts"], 1e6, "ms", "<= 1.03")

    def fork_times(self):
        program = os.path.join(self.node.build, "tests/programs/forkexec")
        return [int(subprocess.run([program, str(FORKS)], capture_output=True, check=True).stdout) for _ in range(2)]

    def forks(self):
        self.interleaved("fork + exec + wait on the host, on / off", self.fork_times,
                         ROUNDS["forks"], 1e3, "us", "<= 1.02")

    def outside_times(self, words):
        """On the host, while a container starts that never listens."""
        pod = self.node.run_pod("open")
        pod.start("open", ["sleep", "600000"])
        times = [seconds(subprocess.run(words, capture_output=True, text=True, check=True).stdout) for _ in range(2)]
        pod.remove()
        return times

    def inside_times(self, words):
        """By a starting container itself."""
        pod = self.node.run_pod("inside", logs=tempfile.mkdtemp(dir=self.node.dir))
        times = []
        for i in range(2):
            container = pod.create("bench%d" % i, words[1:], image="localhost/host:1", program=words[0],
                                   mount=["/usr:/usr:ro", "/etc:/etc:ro"]).start()
            container.wait_exited(60)
            logs = next(option.split("=", 1)[1] for option in pod.options if option.startswith("logs="))
            with open("%s/bench%d_0.log" % (logs, i), encoding="utf-8") as file:
                times.append(seconds(file.read()))
        pod.remove()
        return times

    def windows(self):
        """What the programs cost that are there only while something starts."""
        path = self.node.dir + "/host.tar"
        images.write_host(path)
        self.node.ctr("images", "import", path)
        for name, words in SCHEDULER.items():
            self.interleaved("%s on the host while a container starts, on / off" % name,
                             lambda words=words: self.outside_times(words), ROUNDS["outside"], 1e6, "ms", "<= 1.01")
            self.interleaved("%s in a starting container, on / off" % name,
                             lambda words=words: self.inside_times(words), ROUNDS["inside"], 1e6, "ms", "<= 1.10")
        with self.daemon() as daemon:
            pod = self.node.run_pod("watched")
            pod.start("watched", ["listen", "8080", "2000"])
            during = len(links.on_demand(daemon.process.pid))
            pod.remove()
            time.sleep(10)
            self.row("on-demand programs attached, in a start / 10 s after", "%d / %d" % (
                during, len(links.on_demand(daemon.process.pid))), "0 at rest")

    def storm(self):
        """Many starts at once, each of which sleeps and computes for a known time."""
        plan = STORM
        with self.daemon() as daemon:
            pid = daemon.process.pid
            self.remove_pods(self.start_pods(3, "warm"))
            time.sleep(10)
            before = peak = pss_kib(pid)
            begin = time.monotonic()
            client = self.node.start_pods("storm", plan["starts"], 8, image="localhost/plant:1", command=[
                "/plant", "sleep", str(plan["sleep_ms"]), "burn", str(plan["cpu_ms"]), "listen", "8080"])
            while client.poll() is None:
                peak = max(peak, pss_kib(pid))
                time.sleep(0.2)
            took = time.monotonic() - begin
            self.node.containers("storm")

            def all_told():
                found = [r for r in daemon.records("starts", final=True)
                         if r["subject"].get("pod", "").startswith("storm") and r["subject"].get("container_id")]
                return found if len(found) >= plan["starts"] else None
            records = wait_until(all_told, 60, "the storm's records")
            peak = max(peak, pss_kib(pid))
            wrong = why.wrong_breakdowns(records, sleep=plan["sleep_ms"], cpu=plan["cpu_ms"])
            self.row("%d starts in %.0f s: wrong breakdowns" % (plan["starts"], took), "%d (%s)" % (
                len(wrong), ", ".join("%d %s" % (count, grade) for grade, count in why.grades(records).items())), "0")
            self.row("PSS, growth during the storm", "%.1f MiB" % ((peak - before) / 1024), "<= 4 MB")
        self.node.remove_pods()

    def deaths(self):
        """A thousand kills in a minute in one pod, and a hundred pods that crash-loop, with an API server to tell."""
        folder = tempfile.mkdtemp(dir=self.node.dir)
        with FakeApi(folder) as api:
            api.objects.create("nodes", "", api_node(self.node.name))
            with Daemon(self.node, state=tempfile.mkdtemp(dir=self.node.dir), kubeconfig=api.kubeconfig) as daemon:
                told = Told(self.node, api, daemon)
                self.kills(told)
                self.node.remove_pods()
                self.crash_loops(told)
            self.node.remove_pods()

    def cost(self, what, told, begin, writes_goal):
        """begin: (monotonic, CPU, writes, PSS) of before."""
        took = time.monotonic() - begin[0]
        pid = told.daemon.process.pid
        self.row("CPU, %s in %.0f s" % (what, took), "%.1f %% of a core" % (
            (cpu_seconds(pid) - begin[1]) / took * 100), "<= 10 %")
        self.row("API writes for them", "%d" % (len(told.writes()) - begin[2]), writes_goal)
        self.row("PSS, growth meanwhile", "%.1f MiB" % ((pss_kib(pid) - begin[3]) / 1024), "")

    @staticmethod
    def now(told):
        pid = told.daemon.process.pid
        return time.monotonic(), cpu_seconds(pid), len(told.writes()), pss_kib(pid)

    def kills(self, told):
        count = DEATHS["kills"]
        time.sleep(5)
        begin = self.now(told)
        kills = Kills(self.node, count, DEATHS["every_ms"])
        kills.wait(300)
        time.sleep(2)
        self.cost("%d OOM kills in one pod" % count, told, begin, "<= 20")
        records = wait_until(lambda: told.daemon.wait_final("ooms", count=count), 60, "the records")

        def in_events():
            return sum(counts(e) for e in told.events("ProcessOOMKilled", kills.pod.name))
        wait_until(lambda: in_events() == count, 90, "the Event's count")
        self.row("the kernel's count / records / the Event's count", "%d / %d / %d" % (
            kills.of_kernel(), len(records), in_events()), "the same")

    def crash_loops(self, told):
        time.sleep(5)
        begin = self.now(told)
        loops = CrashLoops(self.node, DEATHS["loops"])
        loops.wait_running(180)
        self.cost("%d pods that start and die for the first time" % DEATHS["loops"], told, begin, "<= 20 a second")
        begin, before = self.now(told), loops.lines("exited")
        time.sleep(DEATHS["seconds"])
        self.cost("%d pods crash-looping, %d deaths" % (DEATHS["loops"], loops.lines("exited") - before), told, begin,
                  "<= 20 a second")
        loops.stop()
        dead = loops.deaths()
        records = wait_until(lambda: [r for r in told.daemon.wait_final("exits", count=len(dead))
                                      if r["subject"]["container_id"] in dead], 60, "the records")
        self.row("CRI's count of them / records", "%d / %d" % (len(dead), len(records)), "the same")

    def idle(self):
        pods = self.start_pods(IDLE_CONTAINERS, "idle")
        with self.daemon() as daemon:
            time.sleep(10)
            pid = daemon.process.pid
            before = cpu_ns(pid)
            time.sleep(IDLE_SECONDS)
            share = (cpu_ns(pid) - before) / IDLE_SECONDS / 1e7
            self.row("PSS, idle, %d containers" % IDLE_CONTAINERS, "%.1f MiB" % (pss_kib(pid) / 1024), "<= 16 MB")
            self.row("CPU, idle, %d containers" % IDLE_CONTAINERS, "%.3f %% of a core" % share, "<= 0.2 %")
            self.row("memory of BPF maps and rings",
                     "%.1f MiB" % (daemon.status()["sources"]["kernel"]["map_bytes"] / 1048576), "")
        self.remove_pods(pods)

    def ready(self):
        """What the host's unit costs a boot: containerd's waits for its READY=1."""
        path = os.path.join(self.node.dir, "notify")
        times = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(path)
            notified.settimeout(30)
            for _ in range(READY_RUNS):
                daemon = self.daemon()
                begin = time.monotonic()
                with subprocess.Popen([daemon.program, "run", *daemon.arguments], stderr=subprocess.DEVNULL,
                                      env={**os.environ, "NOTIFY_SOCKET": path}) as process:
                    self.node.processes.append(process)
                    while b"READY=1" not in notified.recv(4096):
                        pass
                    times.append(time.monotonic() - begin)
                    end(process)
        self.row("exec to READY=1, which containerd's unit waits for", "%.0f ms" % (statistics.median(times) * 1e3), "")

    def latency(self):
        """From the kernel's time stamp to the committed record, as a watcher sees it (an upper bound)."""
        late = {"listen": [], "OOM kill": [], "exit": []}
        seen = set()
        members = {"start": ("listen_ns", "listen"), "oom": ("boot_ns", "OOM kill"), "exit": ("kernel_ns", "exit")}

        def note(daemon):
            process = subprocess.Popen([daemon.program, "watch", "--all", "--output", "json", "--socket",
                                        daemon.socket], stdout=subprocess.PIPE)
            self.node.processes.append(process)
            for line in process.stdout:
                now, record = boot_ns(), json.loads(line)
                member, name = members.get(record["type"], (None, None))
                key = (record["type"], record["key"])
                if member and record.get(member) and key not in seen:
                    seen.add(key)
                    late[name].append(now - record[member])

        with self.daemon() as daemon:
            thread = threading.Thread(target=note, args=(daemon,), daemon=True)
            thread.start()
            time.sleep(0.5)
            pod = self.node.run_pod("latency")
            for i in range(100):
                pod.start("s%d" % i, ["listen", str(2000 + i), "60"])
                pod.start("e%d" % i, ["exit", "3", "60"])
                if i % 2:
                    pod.start("o%d" % i, ["eat", "20"], memory=16 << 20)
            time.sleep(3)
            pod.remove()
        for name, values in late.items():
            values.sort()
            self.row("kernel event to stored record, %s (%d)" % (name, len(values)),
                     "median %.2f ms, p99 %.1f ms" % (statistics.median(values) / 1e6,
                                                      values[int(len(values) * 0.99)] / 1e6), "<= 5, <= 50 ms")

    def probes(self):
        with bpf_stats(), self.daemon() as daemon:
            self.remove_pods(self.start_pods(20))
            self.fork_times()
            for probe in daemon.status()["sources"]["kernel"]["probes"]:
                if probe["runs"]:
                    self.row("probe %s" % probe["name"],
                             "%.0f ns x %d" % (probe["run_ns"] / probe["runs"], probe["runs"]), "")


def write(rows):
    path = os.path.join(HERE, "README.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    table = "| what | measured | goal |\n| --- | --- | --- |\n" + "".join("| %s | %s | %s |\n" % row for row in rows)
    head, rest = text.split("<!-- table -->\n", 1)
    tail = rest.split("<!-- /table -->\n", 1)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + "<!-- table -->\n" + table + "<!-- /table -->\n" + tail)


def main():
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    build = arguments[0] if arguments else "build"
    parts = arguments[1:] or ["starts", "forks", "ready", "idle", "latency", "probes", "windows", "storm", "deaths"]
    with Node(build, slow_cni_seconds=0) as node:
        bench = Bench(node)
        for part in parts:
            getattr(bench, part)()
    if "--write" in sys.argv:
        write(bench.rows)


if __name__ == "__main__":
    main()
