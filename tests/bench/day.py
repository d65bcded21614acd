#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a day does to an agent: 24 h of events, made of the recorded incidents in tests/replay, in some minutes.

day.py BUILD [--write]: two days, through the daemon's own tracker, event log, store and metrics on the events' clock
(tests/bench/day.c); prints a table, --write puts it into docs/cost.md.
"""

import argparse
import heapq
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

from deaths import matrix  # noqa: E402

DOCUMENT = os.path.join(HERE, "..", "..", "docs", "cost.md")
REPLAY = os.path.join(HERE, "..", "replay")
SECOND = 10 ** 9
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
DAY = 24 * HOUR
BEGIN = 2 * MINUTE  # the recorded boot is over
LIVING_PODS = 250
# What becomes another in each instance: moments, processes, cgroups, containers (not layers), pods.
DIFFERS = re.compile(
    r'"(?P<moment>boot_ns|seen_ns|start_ns|created_ns|started_ns|finished_ns|exited_ns|resolved_ns|committed_ns|began_ns)":(?P<ns>\d+)'
    r'|"(?P<process>pid|parent_pid)":(?P<pid>\d+)'
    r'|"(?P<group>(?:\w+_)?cgroup_id)":(?P<cgroup>\d+)'
    r'|(?<!sha256:)\b(?P<container>[0-9a-f]{10})(?=[0-9a-f]{54}\b)'
    r'|(?P<uid>[0-9a-f]{8})(?=(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'
    r'|"pod":"(?P<pod>[^"]+)"')


def line(event):
    return json.dumps(event, separators=(",", ":"))


def recorded(name):
    """Its events, a line each, without the first."""
    with open("%s/%s.events.jsonl" % (REPLAY, name), encoding="utf-8") as file:
        return file.readlines()[1:]


class Incident:
    """What was recorded of one pod; with lives_ns, so long after it, the end of what was left running."""

    def __init__(self, name, lives_ns):
        events = [event for event in map(json.loads, recorded(name)) if event["type"] != "source"]
        self.from_ns = min(event["boot_ns"] for event in events)
        begun = [event for event in events if event["type"] == "exec" and event["role"] == "entrypoint"]
        self.starts = sum(event["file"] != "/pause" for event in begun)
        self.ooms = sum(event["type"] == "oom" for event in events)
        dead = {event["who"]["pid"] for event in events if event["type"] == "exit"}
        if lives_ns:
            events += self._ends(events, begun, dead, max(event["seen_ns"] for event in events) + lives_ns)
        self.exits = sum(event["file"] != "/pause" and (lives_ns > 0 or event["who"]["pid"] in dead) for event in begun)
        events.sort(key=lambda event: event["seen_ns"])
        self.events = [(event["seen_ns"] - self.from_ns, line(event)) for event in events]

    @staticmethod
    def _ends(events, begun, dead, at_ns):
        """Whoever runs is ended by SIGTERM, and all is removed."""
        told = {event["container_id"] for event in events if event["type"] == "task" and event["step"] == "exit"}
        gone = {event["container_id"] for event in events if event["type"] == "container-gone"}
        groups = {event["container_id"] for event in events if event["type"] == "cgroup-gone"}
        for order, event in enumerate(reversed(begun)):
            moment = at_ns + order * SECOND // 10
            container, pid = event["container_id"], event["who"]["pid"]
            of_it = {"boot_ns": moment, "container_id": container, "seen_ns": moment}
            if pid not in dead:
                yield dict(of_it, type="exit", who=event["who"], role="entrypoint", cgroup_id=event["cgroup_id"],
                           comm=event["comm"], signal=15)
            if container not in told:
                yield dict(of_it, type="task", exec_id=container, step="exit", pid=pid, exit_status=143, exited_ns=moment)
                yield dict(of_it, type="task", step="delete", pid=pid, exit_status=143, exited_ns=moment)
            if container not in groups:
                yield dict(of_it, type="cgroup-gone", cgroup_id=event["cgroup_id"])
            if container not in gone:
                yield dict(of_it, type="container-gone", boot_ns=moment + SECOND, seen_ns=moment + SECOND)

    def happens(self, number, at_ns):
        """(when it is seen, line) of another pod, that many ns after the boot."""
        by_ns = at_ns - self.from_ns

        def other(found):
            if found["moment"]:
                return '"%s":%d' % (found["moment"], int(found["ns"]) + by_ns)
            if found["process"]:
                return '"%s":%d' % (found["process"], int(found["pid"]) + number * 10000)
            if found["group"]:
                return '"%s":%d' % (found["group"], int(found["cgroup"]) + number * 1000000)
            if found["container"]:
                return "%010x" % number
            if found["uid"]:
                return "%08x" % number
            return '"pod":"%s-%d"' % (found["pod"], number)
        return [(at_ns + after_ns, DIFFERS.sub(other, text)) for after_ns, text in self.events]


LIVING = Incident("with-init", 0)
START = Incident("with-init", HOUR)
SLOW_START = Incident("slow-network", HOUR)
CRASH = Incident("broken", 5 * MINUTE)
WORKER = Incident("worker", 10 * MINUTE)
RESTARTS = Incident("looping", MINUTE)

# (what happens, each so many ns)
NORMAL = [(START, 6 * MINUTE), (SLOW_START, HOUR), (CRASH, HOUR), (WORKER, 4 * HOUR)]
DAYS = {"a normal day": NORMAL, "a day of crash loops": NORMAL + [(RESTARTS, 10 * SECOND), (WORKER, MINUTE)]}


def schedule(day):
    """(when, what), in order: the pods that live on begin in the first minutes."""
    happenings = [(BEGIN + number * SECOND, number, LIVING) for number in range(LIVING_PODS)]
    for kind, (incident, each_ns) in enumerate(day):
        happenings += [(BEGIN + at_ns, kind, incident) for at_ns in range(each_ns // 2, DAY - each_ns // 2 + 1, each_ns)]
    return sorted(happenings, key=lambda happening: happening[:2])


def write_events(day, file):
    """Returns how many starts, deaths and kills for memory it has. Who began late ends after it."""
    expected = {"starts": sum('"entrypoint"' in text and '"/pause"' not in text for text in recorded("boot")), "exits": 0, "ooms": 0}
    waiting = []
    file.write(line({"nodewake": "events", "version": 1, "boot_id": "00000000-0000-4000-8000-000000000000",
                     "wall_offset_ns": 1795601448833685814}) + "\n")
    file.writelines(recorded("boot"))
    for number, (at_ns, _, incident) in enumerate(schedule(day), 1):
        while waiting and waiting[0][0] < at_ns:
            file.write(heapq.heappop(waiting)[1] + "\n")
        for event in incident.happens(number, at_ns):
            heapq.heappush(waiting, event)
        for what in expected:
            expected[what] += getattr(incident, what)
    while waiting:
        file.write(heapq.heappop(waiting)[1] + "\n")
    return expected


def measure(build, day):
    """(what was expected, each hour's line of the program)"""
    with tempfile.TemporaryDirectory(prefix="nodewake-day-") as directory:
        with subprocess.Popen([build + "/day", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            expected = write_events(day, process.stdin)
            process.stdin.close()
            hours = [json.loads(text) for text in process.stdout]
        if process.returncode:
            sys.exit("day: ended with %d" % process.returncode)
    return expected, hours


def column(expected, hours):
    """{what: text}"""
    last = hours[-1]
    return {
        "events": "%d" % last["events"],
        "starts, deaths, kills for memory: told of those that happened": ", ".join(
            "%d of %d" % (last[what], happened) for what, happened in expected.items()),
        "containers pushed out, records dropped, gaps": ", ".join("%d" % last[what] for what in ("evicted", "dropped", "gaps")),
        "PSS of this program after 1, 12, 24 h": ", ".join("%.1f" % (hours[hour - 1]["pss_kib"] / 1024) for hour in (1, 12, 24)) + " MiB",
        "the store after 1, 12, 24 h": ", ".join("%.1f" % (hours[hour - 1]["store_bytes"] / 1048576) for hour in (1, 12, 24)) + " MiB",
        "CPU": "%.1f s, %.3f %% of a core" % (last["cpu_s"], last["cpu_s"] / last["seconds"] * 100),
    }


def main():
    parser = argparse.ArgumentParser(prog="day.py")
    parser.add_argument("build")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    columns = {name: column(*measure(options.build, day)) for name, day in DAYS.items()}
    lines = ["| | %s |" % " | ".join(columns), "| --- |" + " --- |" * len(columns)]
    lines += ["| %s | %s |" % (what, " | ".join(told[what] for told in columns.values()))
              for what in next(iter(columns.values()))]
    table = "\n".join(lines) + "\n"
    print(table)
    if options.write:
        matrix.write_document(DOCUMENT, "day", table)


if __name__ == "__main__":
    main()
