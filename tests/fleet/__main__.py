# SPDX-License-Identifier: Apache-2.0
"""python3 -m fleet BUILD [--nodes N] [--pods N] [--only NAME] [--part P] [--write]: what a fleet costs one API server.

--write puts the tables into docs/fleet.md.
"""

import argparse
import os
import statistics
import threading
import time
import uuid

from deaths import matrix

from .fleet import ApiServer, Fleet
from .incidents import NOT_RECOVERED, of_boot
from .scenarios import SCENARIOS

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "fleet.md")
BOOT_REPORT_SECONDS = 300
FLEETS = (5000, 15000)
KIB = 1024


class Watch:
    """Samples of a scenario, one a second, and how long the API server lets another user wait."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.samples, self.asked = [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self.over.wait(max(0, 1 - time.time() % 1)):
            self.samples.append((time.monotonic(), self.fleet.stats()))
            begin = time.monotonic()
            self.fleet.cluster.get("/api/v1/nodes/sim-0")
            self.asked.append(time.monotonic() - begin)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.over.set()
        self.thread.join()


def run_schedule(fleet, schedule, seconds):
    begin = time.monotonic()
    for at, happen in sorted(schedule, key=lambda item: item[0]):
        if at >= seconds:
            break
        time.sleep(max(0, begin + at - time.monotonic()))
        happen(fleet)
    late = time.monotonic() - begin - seconds
    time.sleep(max(0, -late))


def boot_reports(fleet):
    """(Events that a boot is over, Nodes whose annotation says so)."""
    events = fleet.cluster.get("/apis/events.k8s.io/v1/events?limit=100000")["items"]
    nodes = fleet.cluster.get("/api/v1/nodes")["items"]
    return (len([e for e in events if e["reason"] == "NodeBootCompleted"]),
            len([n for n in nodes if "ready" in n["metadata"].get("annotations", {}).get("nodewake.io/boot", "")]))


def wait_reports(fleet, begin, found):
    """Notes when the last boot report of each kind was there; both are asked after every 2 s."""
    while time.monotonic() - begin < BOOT_REPORT_SECONDS + 60 and len(found) < 2:
        time.sleep(2)
        for kind, number in zip(("Events", "annotations"), boot_reports(fleet)):
            if number >= fleet.count and kind not in found:
                found[kind] = time.monotonic() - begin


def measure(fleet, name, part):
    make, seconds = SCENARIOS[name]
    seconds *= part
    schedule = make(fleet.count, fleet.pods, seconds)
    etcd = fleet.cluster.etcd_bytes()
    reports = {}
    with Watch(fleet) as watch:
        begin = time.monotonic()
        waiter = threading.Thread(target=wait_reports, args=(fleet, begin, reports), daemon=True)
        if "boot" in name:
            waiter.start()
        run_schedule(fleet, schedule, seconds)
        if "boot" in name:
            waiter.join()
        time.sleep(1)
    return summary(fleet, watch, fleet.cluster.etcd_bytes() - etcd, reports)


def peak(samples, seconds):
    """Writes a second, in the busiest stretch of so many seconds."""
    found = 0
    for begin, (at, first) in enumerate(samples):
        for later, last in samples[begin + 1:]:
            if later - at >= seconds:
                found = max(found, (last["writes"] - first["writes"]) / (later - at))
                break
    return found


def summary(fleet, watch, etcd, reports):
    (begin, first), (end, last) = watch.samples[0], watch.samples[-1]
    seconds = end - begin
    grown = {key: last[key] - first[key] for key in last}
    hours = fleet.count * seconds / 3600
    asked = sorted(watch.asked)
    return {
        "seconds": seconds, "writes": grown["writes"] / seconds, "peak": peak(watch.samples, 10),
        "records": grown["records"] / hours, "per_node": grown["writes"] / hours,
        "sent": grown["sent"] / hours, "received": grown["received"] / hours, "etcd": etcd / hours,
        "cpu": (grown["server_cpu"] + grown["etcd_cpu"]) / seconds,
        "cpu_of_write": (grown["server_cpu"] + grown["etcd_cpu"]) / grown["writes"] if grown["writes"] else 0,
        "p50": statistics.median(asked), "p99": asked[int(len(asked) * 0.99)], "failed": grown["failed"],
        "refused": grown["refused"], "given_up": last["given_up"], "pending": last["pending"], "reports": reports,
        "created": grown["created"], "updated": grown["updated"], "applied": grown["applied"],
    }


def tables(fleet, found):
    lines = ["%d nodes of %d pods; Kubernetes %d.%d, etcd, and the fleet on %d shared cores." % (
                 fleet.count, fleet.pods, *fleet.cluster.version, os.cpu_count()), "",
             "| scenario | min | records per node and hour | writes per node and hour | writes/s, all | writes/s, busiest 10 s | "
             "sent, received: KiB per node and hour | etcd grows: KiB per node and hour | server and etcd: CPU | "
             "another user's GET: median, p99 |", "| --- |" + " --- |" * 9]
    for name, row in found.items():
        lines.append("| %s | %.1f | %.1f | %.2f | %.2f | %.1f | %.0f, %.0f | %.0f | %.0f %% | %.0f, %.0f ms |" % (
            name, row["seconds"] / 60, row["records"], row["per_node"], row["writes"], row["peak"], row["sent"] / KIB,
            row["received"] / KIB, row["etcd"] / KIB, row["cpu"] * 100, row["p50"] * 1e3, row["p99"] * 1e3))
    lines += ["", "| scenario | Events made, counted up; annotations applied | unanswered, refused, given up | still to write |",
              "| --- | --- | --- | --- |"]
    for name, row in found.items():
        lines.append("| %s | %d, %d; %d | %d, %d, %d | %d |" % (
            name, row["created"], row["updated"], row["applied"], row["failed"], row["refused"], row["given_up"], row["pending"]))
    for name, row in found.items():
        if row["reports"]:
            lines += ["", "Boot reports of all %d nodes: %s." % (fleet.count, ", ".join(
                "%s within %.0f s of the first node's boot" % item for item in row["reports"].items()))]
    lines += ["", "| scenario | " + " | ".join("writes/s of {:,} nodes: mean, busiest 10 s".format(n) for n in FLEETS) + " |",
              "| --- |" + " --- |" * len(FLEETS)]
    for name, row in found.items():
        lines.append("| %s | %s |" % (name, " | ".join("%.1f, %.0f" % (
            row["writes"] * n / fleet.count, row["peak"] * n / fleet.count) for n in FLEETS)))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="fleet")
    parser.add_argument("build")
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--pods", type=int, default=10)
    parser.add_argument("--part", type=float, default=1, help="of each scenario's time: to try it")
    parser.add_argument("--only", choices=SCENARIOS, action="append")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = {}
    with ApiServer(options.build) as cluster, Fleet(options.build, cluster, options.nodes, options.pods) as fleet:
        for node in range(fleet.count):
            fleet.tell(node=node, boot=str(uuid.uuid4()))
            fleet.tell(node=node, record=of_boot(NOT_RECOVERED))  # its boot is over: nobody follows it any more
        fleet.wait_settled()
        time.sleep(40)  # each has written its first annotations
        for name in options.only or SCENARIOS:
            found[name] = measure(fleet, name, options.part)
            print(name, found[name], flush=True)
            fleet.wait_settled()
        text = tables(fleet, found)
    print(text)
    if options.write:
        matrix.write_document(DOCUMENT, "fleet", text)


if __name__ == "__main__":
    main()
