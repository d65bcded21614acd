# SPDX-License-Identifier: Apache-2.0
"""Starts whose causes were planted, alone and eight at once: what is said, against the program's own clocks.

NODEWAKE_LONG=1: with the lengths of real troubles (8 s) instead of those that are just long enough to tell.
"""

import calendar
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from node import Daemon, page_cache, why
from node.processes import wait_until
from node.why import MS

LONG = bool(os.environ.get("NODEWAKE_LONG"))
SECONDS = 8 if LONG else 1.5
SHORT_MS = str(int(SECONDS * 1000))
FILE_MB = 300
NUMBERS = itertools.count(1)


class Case:
    """steps: plant's. own: {causes that the clock can't tell apart: ns by the program's stamps}; a thread that is ready
    does not know of it. top: the greatest cause, where its clocks don't say; "" for none."""

    def __init__(self, steps, own, top=None, files=(), peer=None, **options):
        self.steps, self.own, self.top, self.files, self.peer, self.options = steps, own, top, files, peer, options


def clock(step, kind="wall"):
    return lambda stamps: stamps[step + "_" + kind]


def off_cpu(*steps):
    return lambda stamps: sum(stamps[step + "_wall"] - stamps[step + "_cpu"] for step in steps)


def planned(milliseconds):
    return lambda stamps: milliseconds * MS


def waiting(step, kind, arguments=(SHORT_MS,), **more):
    return Case([step, *arguments], {(kind, "run_queue"): off_cpu(step)}, kind, **more)


def reading(how, file, megabytes=FILE_MB, before=(), **more):
    return Case([*before, how, "{data}/" + file], {("disk", "run_queue"): off_cpu(how), ("cpu",): clock(how, "cpu")},
                files=[(file, megabytes)], **more)


def burning(*before, milliseconds=SHORT_MS, wait="run_queue", **more):
    return Case([*before, "burn", milliseconds], {("cpu",): clock("burn", "cpu"), (wait, "run_queue"): off_cpu("burn")},
                **more)


# A page in, a switch or two: where an idle CPU wakes up, the scheduler's clock begins 10 us before the switch is seen.
RANDOM_MB = 16
CASES = {
    "read": reading("read", "read.bin"),
    "mmap": reading("mmap", "mmap.bin"),
    "random": reading("random", "random.bin", RANDOM_MB),
    "disk-throttled": reading("read", "slow.bin", 160, ["throttle", "{limit}", "{disk}%d" % (80 << 20)], top="disk"),
    "burn": burning(),
    "cpu-limit": burning(milliseconds=str(int(SECONDS * 250)), wait="throttled", top="throttled", quota=20000),
    "sleep": waiting("sleep", "sleep"),
    "futex": waiting("futex", "lock"),
    "mutex": waiting("mutex", "lock"),
    "busy-mutex": Case(["busy-mutex", SHORT_MS], {("cpu", "run_queue"): clock("busy-mutex")}),
    "refused": Case(["retry", "{peer}", "5432", "100"], {("peer", "run_queue"): clock("retry")}, "peer",
                    peer=("refuse", 5432, SECONDS)),
    "blackhole": waiting("hang", "peer", ("{hole}", "5432", SHORT_MS, "1")),
    "late-answer": waiting("fetch", "network", ("{peer}", "5432"), peer=("late", 5432, SECONDS)),
    "slow-dns": waiting("dns", "dns", ("{peer}", "53", "2"), peer=("dns", 53, SECONDS / 2)),
    "loader-of-33": burning("crowd", "32"),
    "reader-of-33": reading("random", "random.bin", RANDOM_MB, ["crowd", "32"]),
    "first-of-33": burning("idle", "32"),
    "mixed": Case(["sleep", "500", "burn", "400", "futex", "600", "fetch", "{peer}", "5432"],
                  {("sleep",): planned(500), ("cpu",): clock("burn", "cpu"),
                   ("sleep", "lock", "network", "run_queue"): off_cpu("sleep", "burn", "futex", "fetch")}, "",
                  peer=("late", 5432, 0.7)),
}
# How `explain` names a top cause.
WORDS = {
    "disk": r"disk [\d.]+s, read slow.bin 160MiB",
    "throttled": r"throttled [\d.]+s \(\d+ %\) by its CPU limit",
    "sleep": r"slept [\d.]+s",
    "lock": r"waited [\d.]+s for locks",
    "network": r"network [\d.]+s",
    "peer": r"waited [\d.]+s for 10\.23[02]\.0\.\d+:5432, \d+ (refused|failed) connections?",
    "dns": r"waited [\d.]+s for DNS, server 10\.230\.0\.\d+:53",
}
TOGETHER = [
    ["read", "mmap", "burn", "cpu-limit", "sleep", "futex", "refused", "blackhole"],
    ["slow-dns", "loader-of-33", "disk-throttled", "random", "mutex", "late-answer", "first-of-33", "mixed"],
]


@pytest.fixture(scope="module", name="told")
def one_daemon(node):
    with Daemon(node, state=tempfile.mkdtemp(dir=node.dir)) as daemon:
        yield daemon


@pytest.fixture(scope="module", name="table")
def one_table(pytestconfig):
    pytestconfig.told_at_the_end.append(table := why.Table())
    return table


def final_start(daemon, container):
    def found():
        for record in daemon.records("starts", final=True):
            if record["subject"].get("container_id") == container.id:
                return record
        return None
    return wait_until(found, 20, "the start of " + container.name)


class Planted:
    """One case in a pod of its own, from the plan to what was said of it."""

    def __init__(self, node, daemon, name):
        number = next(NUMBERS)
        self.node, self.daemon, self.name, self.case = node, daemon, name, CASES[name]
        self.address = "10.230.0.%d" % number
        self.data = tempfile.mkdtemp(dir=node.dir)
        for file, megabytes in self.case.files:
            with open(os.path.join(self.data, file), "wb") as out:
                for _ in range(megabytes):
                    out.write(os.urandom(1 << 20))
        self.pod = node.run_pod("%s-%d" % (name, number))
        self.container = None
        self.places = {"data": "/data", "peer": self.address, "hole": "10.232.0.%d" % number,
                       "disk": why.disk_of(self.data) + " "}

    def _limit(self):
        """The folder of the pod's cgroups, as its container sees it: it may slow its own reading."""
        old = os.path.isdir("/sys/fs/cgroup/blkio")
        self.places["limit"] = "/limit/*/" + ("blkio.throttle.read_bps_device" if old else "io.max")
        self.places["disk"] += "" if old else "rbps="
        return "/sys/fs/cgroup/%s%s:/limit" % ("blkio" if old else "", self.pod.parent)

    def start(self):
        mounts = ["%s:/data" % self.data]
        if "throttle" in self.case.steps:
            mounts.append(self._limit())
        steps = [step.format(**self.places) for step in self.case.steps]
        self.container = self.pod.create(self.name, [*steps, "listen", "8080"], image="localhost/plant:1",
                                         program="/plant", mount=mounts, **self.case.options)
        for file, _ in self.case.files:
            page_cache.drop(os.path.join(self.data, file))
        if self.case.peer:
            kind, port, seconds = self.case.peer
            self.node.peer(kind, self.address, port, seconds)
        self.container.start()
        return self

    def stamps(self):
        return wait_until(lambda: "listen" in self.container.stamps() and self.container.stamps(),
                          SECONDS * 10 + 30, "the listen of " + self.name)

    def judge(self, table, prefix=""):
        """What is wrong with what was said, in words; notes all that was compared."""
        stamps = self.stamps()
        record = final_start(self.daemon, self.container)
        app = why.length(why.phase(record, "app"))
        if not why.stalls(record):
            return ["%s%s: nothing is said" % (prefix, self.name)]
        wrong, causes = [], why.causes(record, "app")
        if why.stalls(record)["grade"] != "measured":
            wrong.append("%s: %s" % (why.stalls(record)["grade"], why.stalls(record).get("reason")))
        for names, own in self.case.own.items():
            said = sum(causes.get(name, 0) for name in set(names))
            outside = self._outside(stamps, app) if "run_queue" in names else 0
            # beside a cause, the run queue is what the clock of CPU time leaves: some us of each switch go here or there
            whole = app if set(names) == {"run_queue"} else 0
            if not table.agree("%s%s: %s" % (prefix, self.name, "+".join(sorted(set(names)))), said, own(stamps),
                               outside, whole):
                wrong.append("%s: said %.0f ms, own clock %.0f ms" % ("+".join(sorted(set(names))), said / MS, own(stamps) / MS))
        if abs(sum(why.wall(record).values()) - app) > app / 100:
            wrong.append("the sum is not the phase")
        if not why.app_agrees(why.phase(record, "app"), stamps, 50 * MS + self._outside(stamps, app)):
            wrong.append("the phase is %s, its own stamps are %s" % (why.phase(record, "app"), stamps))
        if max(causes, key=causes.get) not in self._tops(stamps):
            wrong.append("top cause of %s" % causes)
        wrong += self._wrong_files(record)
        if why.top(record)[0] == "app":  # of eight at once, another phase may have taken longer
            wrong += why.wrong_words(self.daemon, record)
        return ["%s%s: %s" % (prefix, self.name, text) for text in wrong]

    @staticmethod
    def _outside(stamps, app):
        """Of the phase, what no step has seen: until main() began, and between the steps."""
        return max(0, app - sum(ns for name, ns in stamps.items() if name.endswith("_wall")))

    def _tops(self, stamps):
        """What took most, by its own clocks: all of what came close."""
        if "quota" in self.case.options and self._throttled_ns() < 0.6 * off_cpu("burn")(stamps):
            return ["throttled", "run_queue"]  # others kept it from a CPU, too
        if self.case.top is not None:
            return [self.case.top] if self.case.top else why.KINDS
        spent = {names: own(stamps) for names, own in self.case.own.items()}
        least = 0.85 * max(ns / len(names) for names, ns in spent.items())
        return [name for names, ns in spent.items() if ns > least for name in names]

    def _throttled_ns(self):
        """Of its container, by the kernel's own count."""
        folder = "/sys/fs/cgroup/cpu" if os.path.isdir("/sys/fs/cgroup/cpu") else "/sys/fs/cgroup"
        with open("%s%s/%s/cpu.stat" % (folder, self.pod.parent, self.container.id), encoding="ascii") as file:
            stat = dict(line.split() for line in file)
        return int(stat.get("throttled_time", 0)) or int(stat.get("throttled_usec", 0)) * 1000

    def _wrong_files(self, record):
        said = {file.get("path"): file["bytes"] for file in why.of(record, "files")}
        return ["%s: said %s" % (name, said) for name, megabytes in self.case.files
                if abs(said.get("/data/" + name, 0) - (megabytes << 20)) > (megabytes << 20) / 100]

    def remove(self):
        self.pod.remove()
        shutil.rmtree(self.data)


@pytest.fixture(scope="module", autouse=True)
def without_answer(node):
    """Where packets vanish."""
    os.system(" ".join(node.inside("ip", "route", "replace", "blackhole", "10.232.0.0/16")))


@pytest.mark.parametrize("name", CASES)
def test_alone(node, told, table, name):
    planted = Planted(node, told, name).start()
    wrong = planted.judge(table)
    _, text = told.verb("explain", planted.pod.name, "--state-dir", told.state)
    planted.remove()
    assert wrong == []
    if CASES[name].top in WORDS:
        assert re.search("; app: " + WORDS[CASES[name].top], text), text


@pytest.mark.parametrize("names", TOGETHER, ids=("first", "second"))
def test_eight_at_once(node, told, table, names):
    planted = [Planted(node, told, name) for name in names]
    with ThreadPoolExecutor(len(planted)) as pool:
        list(pool.map(Planted.start, planted))
    wrong = sum((one.judge(table, "8: ") for one in planted), [])
    for one in planted:
        one.remove()
    assert wrong == []


@pytest.fixture(name="hogs")
def one_for_each_cpu():
    hogs = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count())]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()


@pytest.mark.usefixtures("hogs")
@pytest.mark.parametrize("name", ["burn", "loader-of-33", "first-of-33"])
def test_beside_others(node, told, table, name):
    """Each turn on a CPU counts, also where the switch to it was not seen."""
    planted = Planted(node, told, name).start()
    wrong = planted.judge(table, "beside others: ")
    cpu_ns, stamps = why.causes(final_start(told, planted.container), "app")["cpu"], planted.stamps()
    planted.remove()
    assert wrong == []
    assert cpu_ns > stamps["burn_cpu"] - MS


def test_slow_cni(node, told, table):
    node.set_cni_delay(SECONDS)
    pod = node.run_pod("slow-cni")
    node.set_cni_delay(0)
    record = final_start(told, pod.start("app", ["listen", "8080"]))
    with open(node.dir + "/cni-bin/took", encoding="ascii") as file:
        own = int(file.read())
    pod.remove()
    assert table.agree("slow-cni: slow-cni", why.causes(record, "sandbox")["slow-cni"], own)
    assert why.top(record) == ("sandbox", "slow-cni") and not why.wrong_words(told, record)


def wall_ns(text):
    """Of a time as the registry writes it."""
    day, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(day, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction.ljust(9, "0"))


def sent(node, since):
    """By the registry's own log: (how long it took to send the blob that took longest, when it had sent the last)."""
    units = {"s": 1e9, "ms": 1e6, "µs": 1e3}
    with open(node.dir + "/registry.log", encoding="utf-8") as file:
        file.seek(since)
        found = re.findall(r'time="(\S+)" .*method=GET .*/blobs/.*duration="?([\d.]+)(s|ms|µs)\W', file.read())
    return max(float(took) * units[unit] for _, took, unit in found), max(wall_ns(end) for end, _, _ in found)


def pulled(node, told, image):
    """(the record, when the call returned, what the registry knows)"""
    since = os.path.getsize(node.dir + "/registry.log")
    pod = node.run_pod(image.split("/")[1].split(":")[0])
    node.cri("pull", "image=" + image)
    returned = time.time_ns()
    record = final_start(told, pod.start("app", ["listen", "8080"], image=image))
    pod.remove()
    return record, returned, sent(node, since)


def test_download_bound(node, told, table):
    image = node.push_big("download", int(SECONDS * 25))
    for way, least, usual, most in (("rmem", 4096, 65536, 262144), ("wmem", 4096, 16384, 262144)):
        os.system(" ".join(node.inside("sysctl", "-q", "-w", "'net.ipv4.tcp_%s=%d %d %d'" % (way, least, usual, most))))
    node.slow_link(100)  # the disk has its share of a download too, which the registry's clock has not: it must be small
    record, _, (took, _) = pulled(node, told, image)
    os.system(" ".join(node.inside("tc", "qdisc", "delete", "dev", "lo", "root")))
    assert table.agree("download-bound: download", why.causes(record, "pull")["download"], took)
    assert why.top(record) == ("pull", "download") and not why.wrong_words(told, record)


def test_unpack_bound(node, told, table):
    image = node.push("hollow", [{"data/zeros": bytes(int(SECONDS * 400) << 20)}])  # small to send, large to unpack
    record, returned, (_, last) = pulled(node, told, image)
    assert table.agree("unpack-bound: unpack", why.causes(record, "pull")["unpack"], returned - last)
    assert why.top(record) == ("pull", "unpack") and not why.wrong_words(told, record)
