#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch a node: nodewake beside whatever else can be run from Debian's packages, on the same work.

cost.py BUILD [--rounds N] [--without PART] [--write]: prints two tables; --write puts them into docs/cost.md.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
sys.path.insert(0, HERE)

import full_node  # noqa: E402
import peers  # noqa: E402
from bench import IDLE_CONTAINERS, Bench, bpf_stats, pss_kib, schedstat  # noqa: E402
from deaths import matrix  # noqa: E402
from node import Node  # noqa: E402

DOCUMENT = os.path.join(HERE, "..", "..", "docs", "cost.md")
IDLE_SECONDS = 30
ASK_SECONDS = 15
STORM_RATE, STORM_SECONDS = 5000, 20
MIB = 1 << 20


class Nodewake(peers.Peer):
    """The daemon, as its unit runs it."""

    def __init__(self, bench):
        super().__init__(())
        self.daemon = bench.daemon()

    def __enter__(self):
        self.daemon.__enter__()
        time.sleep(2)
        return self

    def __exit__(self, kind, value, trace):
        self.daemon.__exit__(kind, value, trace)

    @property
    def pid(self):
        return self.daemon.process.pid

    def lost(self):
        return self.daemon.status()["sources"]["kernel"]["lost"]


def bpf(kind):
    """bpftool's list of maps or programs, by id."""
    found = json.loads(subprocess.run(("/usr/sbin/bpftool", "-j", kind, "show"), capture_output=True, check=True).stdout)
    return {item["id"]: item for item in found}


class Cost:
    """Rows of figures by watcher."""

    def __init__(self, bench, rounds):
        self.bench, self.rounds = bench, rounds
        self.watchers = {"nodewake": lambda: Nodewake(bench),
                         "`ctr events`": lambda: peers.CtrEvents(bench.node.socket)}
        there = peers.available()
        if "bpftrace" in there:
            self.watchers["bpftrace: exec, exit, oom"] = peers.Bpftrace
        if "execsnoop" in there:
            self.watchers["execsnoop (libbpf-tools)"] = peers.Execsnoop
        if "prometheus-node-exporter" in there:
            self.watchers["prometheus-node-exporter"] = peers.NodeExporter
        self.rows = {}  # {what: {watcher: text}}
        self.programs = []  # of nodewake: (name, ns, runs)
        self.empty_ns = 0  # of a program that does nothing, at the tracepoint of an exec
        self.full_rows = []

    def note(self, what, name, text):
        self.rows.setdefault(what, {})[name] = text
        print("%-28s %-52s %s" % (name, what, text), flush=True)

    def ratios(self):
        """Interleaved: in each round nothing and every watcher, in an order of its own."""
        times = {name: {"start": [], "fork": []} for name in ("nothing", *self.watchers)}
        dice = random.Random(1)
        self.bench.pod_times()
        for _ in range(self.rounds):
            names = list(times)
            dice.shuffle(names)
            for name in names:
                with self.watchers[name]() if name in self.watchers else contextlib.nullcontext():
                    times[name]["start"] += self.bench.pod_times()
                    times[name]["fork"] += self.bench.fork_times()
        for what, key in (("a pod's sandbox and container, beside nothing", "start"), ("fork + exec + wait, beside nothing", "fork")):
            nothing = statistics.median(times["nothing"][key])
            for name in self.watchers:
                self.note(what, name, "x %.3f" % (statistics.median(times[name][key]) / nothing))

    def idle(self):
        pods = self.bench.start_pods(IDLE_CONTAINERS, "idle")
        for name, make in self.watchers.items():
            maps, programs = bpf("map"), bpf("prog")
            with make() as watcher:
                locked = sum(item.get("bytes_memlock", 0) for old, new in ((maps, bpf("map")), (programs, bpf("prog")))
                             for key, item in new.items() if key not in old)
                time.sleep(10)
                before = schedstat(watcher.pid)
                for _ in range(IDLE_SECONDS // ASK_SECONDS):
                    time.sleep(ASK_SECONDS)
                    watcher.ask()
                after = schedstat(watcher.pid)
                self.note("PSS, %d containers at rest" % IDLE_CONTAINERS, name, "%.1f MiB" % (pss_kib(watcher.pid) / 1024))
                self.note("CPU at rest", name, "%.3f %% of a core" % ((after[0] - before[0]) / IDLE_SECONDS / 1e7))
                self.note("put on a CPU at rest", name, "%.1f a second" % ((after[1] - before[1]) / IDLE_SECONDS))
                self.note("memory of BPF maps and programs", name, "%.1f MiB" % (locked / MIB))
        self.bench.remove_pods(pods)

    def execs(self):
        """A storm of them: how many, and the seconds."""
        program = os.path.join(self.bench.node.build, "tests/programs/forkexec")
        made, took = subprocess.run([program, "--rate", str(STORM_RATE), str(STORM_SECONDS)], capture_output=True, text=True,
                                    check=True).stdout.split()
        return int(made), float(took)

    def empty(self):
        """The mean of a program that does nothing, alone at the tracepoint of an exec."""
        with peers.empty_probe(self.bench.node.build, "sched_process_exec"), bpf_stats():
            self.execs()
            found, = [item for item in bpf("prog").values() if item["name"] == "empty"]
        return found["run_time_ns"] / found["run_cnt"]

    def storm(self):
        """So many execs a second."""
        self.empty_ns = self.empty()
        for name, make in self.watchers.items():
            old = bpf("prog")
            with make() as watcher, bpf_stats():
                before = schedstat(watcher.pid)
                made, took = self.execs()
                after = schedstat(watcher.pid)
                time.sleep(2)
                new = [item for key, item in bpf("prog").items() if key not in old]
                self.note("CPU at %d execs a second" % STORM_RATE, name, "%.2f %% of a core" % (
                    (after[0] - before[0]) / took / 1e7))
                self.note("execs a second that were reached", name, "%.0f" % (made / took))
                ran = sum(item.get("run_time_ns", 0) for item in new)
                self.note("its BPF programs, for each fork, exec and exit", name, "%.0f ns" % (ran / made) if ran else "-")
                seen = watcher.seen("forkexec")  # it executes itself
                self.note("lost", name, str(watcher.lost()) if name == "nodewake" else
                          "-" if seen is None else "%d of %d" % (max(0, made - seen), made))
                if name == "nodewake":
                    self.programs = [(item["name"], item["run_time_ns"] / item["run_cnt"], item["run_cnt"])
                                     for item in new if item.get("run_cnt")]

    def full(self):
        self.full_rows = full_node.measure(self.bench)

    def tables(self):
        lines = ["| | %s |" % " | ".join(self.watchers), "| --- |" + " --- |" * len(self.watchers)]
        lines += ["| %s | %s |" % (what, " | ".join(row.get(name, "-") for name in self.watchers))
                  for what, row in self.rows.items()]
        lines += ["", "| nodewake's program | mean of a run | without what an empty one takes | runs |", "| --- | --- | --- | --- |"]
        lines += ["| `%s` | %.0f ns | %.0f ns | %d |" % (name, ns, ns - self.empty_ns, runs)
                  for name, ns, runs in sorted(self.programs)]
        lines += ["| an empty program | %.0f ns | | |" % self.empty_ns]
        if self.full_rows:
            lines += ["", "| nodewake on a full node | |", "| --- | --- |"] + ["| %s | %s |" % row for row in self.full_rows]
        missing = [package for name, package in peers.packages().items() if name not in peers.available()]
        if missing:
            lines += ["", "Not installed when this was measured: %s." % ", ".join(missing)]
        return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="cost.py")
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--without", action="append", default=[], choices=["idle", "storm", "ratios", "full"])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with Node(options.build, slow_cni_seconds=0) as node, peers.tracefs():
        cost = Cost(Bench(node), options.rounds)
        for part in ("idle", "storm", "ratios", "full"):
            if part not in options.without:
                getattr(cost, part)()
    print(cost.tables())
    if options.write:
        matrix.write_document(DOCUMENT, "cost", cost.tables())


if __name__ == "__main__":
    main()
