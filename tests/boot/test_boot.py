# SPDX-License-Identifier: Apache-2.0
"""A machine that boots, reboots, loses its power and panics, and what the agent tells of each of its boots."""

import json
import time

import pytest

from .analyze import Analyzed
from .pods import USUAL, stamps
from .report import Report, final_report

NAMES = [pod.name for pod in USUAL]
MS = 1_000_000
OFF_SECONDS = 15  # the machine stays off so long after its power was lost


class Boot:
    """One boot of the machine that has come to rest, looked at from outside and by the agent."""

    def __init__(self, machine, begun, off_at=None):
        """begun: monotonic, when it was told to boot; off_at: wall, when the boot before it ended."""
        self.id = machine.boot_id
        self.answer_seconds = time.monotonic() - begun
        self.down_seconds = machine.start_wall() - off_at if off_at else None
        machine.wait_pods(NAMES, 120)
        self.pods_seconds = time.monotonic() - begun
        machine.wait_settled()
        self.analyzed = Analyzed(machine)
        self.told = machine.told()
        self.stamps = {pod.name: stamps(machine, pod) for pod in USUAL}
        self.status = json.loads(machine.run("nodewake status --output json", check=False) or "{}")
        self.ids = machine.run("journalctl --list-boots --no-pager").split()
        self.report_text = machine.run("nodewake boot --output json", check=False)
        self.late = None
        if '"type"' in self.report_text:
            try:
                self.report_text = final_report(machine, 60).text
            except (TimeoutError, AssertionError) as error:
                self.late = str(error)
        print("boot %d: answers after %.1f s, its pods are ready after %.1f s; systemd: %.1f s" % (
            machine.boots, self.answer_seconds, self.pods_seconds, self.analyzed.time["total"] / 1e9), flush=True)

    @property
    def report(self):
        assert not self.late, self.late
        assert '"type"' in self.report_text, "nodewake boot: " + self.report_text[-500:]
        return Report(self.report_text)

    def pod_log(self, name, what):
        return [line for line in self.told if line["pod"] == name and line["what"] == what]


@pytest.fixture(scope="module", name="boots")
def four_boots(make_lasting):
    """By how the boot before each ended: off, clean, power, panic."""
    machine = make_lasting()
    found = {}
    begun = time.monotonic()
    machine.boot()
    found["off"] = Boot(machine, begun)
    found["facts"] = {
        "init": machine.run("cat /proc/1/comm").strip(),
        "cgroup": machine.run("stat -f -c %T /sys/fs/cgroup; grep -c cgroup /proc/mounts"),
        "kernel": machine.run("uname -r").strip(),
        "pod": machine.run("ls -d /sys/fs/cgroup/kubepods/burstable/pod*"),
        "installed": machine.run("systemctl show -P FragmentPath nodewake.service; systemctl is-active nodewake.service; "
                                 "command -v nodewake"),
        "failed": machine.run("systemctl --failed --no-legend --plain"),
        "warned": machine.run("journalctl -b -u nodewake -g 'symbols' --no-pager -o cat", check=False),
    }
    begun = time.monotonic()
    machine.reboot()
    found["clean"] = Boot(machine, begun)
    time.sleep(5)
    off_at = machine.kill()
    time.sleep(OFF_SECONDS)
    begun = time.monotonic()
    machine.boot()
    found["power"] = Boot(machine, begun, off_at)
    begun = time.monotonic()
    machine.panic()
    found["panic"] = Boot(machine, begun)
    found["pstore"] = machine.run("ls -R /sys/fs/pstore /var/lib/systemd/pstore; journalctl -b -k -g pstore --no-pager",
                                  check=False)
    with open(machine.console, encoding="utf-8", errors="replace") as console:
        found["console"] = console.read()
    return found


# --- the machine itself


def test_systemd_on_debians_cloud_kernel(boots):
    assert boots["facts"]["init"] == "systemd"
    assert boots["facts"]["kernel"].endswith("cloud-amd64")
    assert boots["facts"]["failed"] == ""


def test_cgroup_v2_alone(boots):
    assert boots["facts"]["cgroup"].split() == ["cgroup2fs", "1"]
    assert len(boots["facts"]["pod"].split()) == len(USUAL)


def test_the_agent_runs_as_installed(boots):
    assert boots["facts"]["installed"].split() == ["/usr/local/lib/systemd/system/nodewake.service", "active",
                                                   "/usr/local/bin/nodewake"]
    assert "can't be read" not in boots["facts"]["warned"]
    for name in ("off", "clean", "power", "panic"):
        sources = boots[name].status["sources"]
        assert sources["containerd"]["connected"], name
        assert all(probe["attached"] or probe["on_demand"] for probe in sources["kernel"]["probes"]), name


def test_each_boot_is_one(boots):
    ids = [boots[name].id for name in ("off", "clean", "power", "panic")]
    assert len(set(ids)) == 4
    assert {i.replace("-", "") for i in ids} <= set(boots["panic"].ids)
    assert "Kernel panic" in boots["console"] and "sysrq triggered crash" in boots["console"]
    assert "dmesg-erst" in boots["pstore"] or "/var/lib/systemd/pstore" in boots["pstore"]


@pytest.mark.parametrize("name", ["off", "clean", "power", "panic"])
def test_pods_come_back_in_new_sandboxes(boots, name):
    for pod in USUAL:
        begin, ready = (boots[name].pod_log(pod.name, what) for what in ("sandbox-begin", "ready"))
        assert len(begin) == len(ready) == 1
        assert int(begin[0]["detail"]) == 1 + ["off", "clean", "power", "panic"].index(name)
        entry, listen = boots[name].stamps[pod.name]["entry"], boots[name].stamps[pod.name]["listen"]
        assert begin[0]["boot_ns"] < entry < listen < ready[0]["boot_ns"]


# --- the numbers agree with systemd's (of two boots)


@pytest.fixture(name="boot", params=["clean", "power"])
def one_of_two(request, boots):
    return boots[request.param]


def near(a, b, limit=10 * MS):
    return abs(a - b) <= limit


def test_time(boot):
    told, time_ = boot.report, boot.analyzed.time
    assert near(told.boot.get("firmware_ns", 0), time_.get("firmware", 0))
    assert near(told.boot.get("loader_ns", 0), time_.get("loader", 0))
    kernel, initrd, userspace = (told.phase(name) for name in ("kernel", "initrd", "userspace"))
    assert near(kernel["duration_ns"], time_["kernel"])
    assert near(initrd["duration_ns"] if initrd else 0, time_.get("initrd", 0))
    assert near(told.units[time_["target"]]["span"]["to_ns"] - userspace["from_ns"], time_["reached"])
    # total is of firmware, loader and all until systemd had finished
    before = time_.get("firmware", 0) + time_.get("loader", 0)
    assert near(told.boot["finish_ns"] - userspace["from_ns"], time_["userspace"])
    assert near(told.boot["finish_ns"], time_["total"] - before)


def test_blame(boot):
    units = boot.report.units
    wrong = {name: (ns / 1e6, units[name]["span"].get("duration_ns", 0) / 1e6 if name in units else None)
             for name, ns in boot.analyzed.blame.items()
             if name not in units or not near(units[name]["span"].get("duration_ns", 0), ns)}
    assert boot.analyzed.blame and not wrong


def test_critical_chain(boot):
    units, begin = boot.report.units, boot.report.phase("userspace")["from_ns"]
    assert len(boot.analyzed.chain) > 1
    for name, at, took in boot.analyzed.chain:
        assert name in units
        span = units[name]["span"]
        if took is None:  # when it was active
            assert near(span["to_ns"] - begin, at), name
        else:
            assert near(span["from_ns"] - begin, at), name
            assert near(span["duration_ns"], took), name


# --- the report in itself


def test_all_pods_are_ready(boot):
    told = boot.report.boot
    assert told["state"] == "ready" and told["pods_expected"] == told["pods_ready"] == len(USUAL)
    last = max(boot.stamps[name]["listen"] for name in NAMES)
    assert near(told["span"]["to_ns"], last, 50 * MS)


def test_phases_sum_to_the_whole(boot):
    told = boot.report
    inside = [phase for phase in told.phases if phase["phase"] not in ("firmware", "loader")]
    assert [phase["phase"] for phase in inside] == ["kernel", "userspace", "runtime", "pods"]
    assert near(sum(phase["duration_ns"] for phase in inside), told.boot["span"]["duration_ns"], 50 * MS)
    assert inside[0]["from_ns"] == told.boot["span"]["from_ns"] == 1
    assert inside[-1]["to_ns"] == told.boot["span"]["to_ns"]
    assert all(a["to_ns"] == b["from_ns"] for a, b in zip(inside, inside[1:]))


def test_the_critical_path_is_one_line(boot):
    told = boot.report
    assert len(told.steps) > 3 and not told.missing
    assert near(sum(step["duration_ns"] for step in told.steps), told.boot["span"]["duration_ns"], 50 * MS)
    assert all(a["to_ns"] == b["from_ns"] for a, b in zip(told.steps, told.steps[1:]))
    assert told.steps[-1]["kind"] == "pod"
    idle = sum(step["duration_ns"] for step in told.steps if step["kind"] == "idle")
    assert idle < 0.2 * told.boot["span"]["duration_ns"], "what nothing explains"


def test_nothing_overlaps_that_could_not(boot):
    told = boot.report
    for unit in told.units.values():
        before = told.units.get(unit.get("after", ""))
        if before:  # ordered: it could not begin before
            assert before["span"]["to_ns"] <= unit["span"]["from_ns"] + MS, (before["name"], unit["name"])
    runtime = told.units["containerd.service"]["span"]
    for pod in USUAL:
        start = told.start_of(pod)
        assert start["span"]["from_ns"] >= runtime["to_ns"] - MS
        spans = start["phases"]
        assert all(a["to_ns"] == b["from_ns"] for a, b in zip(spans, spans[1:]))


@pytest.mark.parametrize("name", NAMES)
def test_each_pods_phases_are_there(boot, name):
    pod = USUAL[NAMES.index(name)]
    start = boot.report.start_of(pod)
    assert start, "no start of " + name
    phases = {phase["phase"]: phase for phase in start["phases"]}
    assert {"sandbox", "create", "runtime", "app"} <= set(phases)
    begin, = boot.pod_log(name, "sandbox-begin")
    end, = boot.pod_log(name, "sandbox")
    assert begin["boot_ns"] - MS <= phases["sandbox"]["from_ns"] < phases["sandbox"]["to_ns"] <= end["boot_ns"] + 50 * MS
    stamps = boot.stamps[name]
    # on a busy machine it waits for a CPU between its exec and its own first look at the clock
    assert stamps["entry"] - 50 * MS - stamps["waited"] <= phases["app"]["from_ns"] <= stamps["entry"] + MS
    assert near(phases["app"]["to_ns"], stamps["listen"], 50 * MS)
    assert bool(start.get("plugins")) == pod.network


def test_it_was_measured(boot):
    assert boot.report.boot["measured"]


# --- how the boot before ended


@pytest.mark.parametrize("name, end", [("clean", "clean"), ("power", "power-loss"), ("panic", "panic")])
def test_the_last_end(boots, name, end):
    told = boots[name].report.boot
    before = {"clean": "off", "power": "clean", "panic": "power"}[name]
    assert told["last_end"] == end, told.get("last_evidence")
    assert told["last_boot_id"].replace("-", "") == boots[before].id.replace("-", "")
    assert told["last_evidence"]


def test_how_long_it_was_down(boots):
    assert boots["power"].down_seconds > OFF_SECONDS
    assert abs(boots["power"].report.boot["down_ns"] / 1e9 - boots["power"].down_seconds) <= 2


# --- an agent that comes late


LATE = "/var/lib/late"


def spans_of(start, phase):
    return [span for span in start["phases"] if span["phase"] == phase]


def words_of(start):
    return " ".join("%s %.3f-%.3f" % (span["phase"], span["from_ns"] / 1e9, span["to_ns"] / 1e9) for span in start["phases"])


def test_an_agent_that_comes_late_tells_the_same(make_machine):
    machine = make_machine()
    machine.boot()
    machine.wait_pods(NAMES, 120)
    early = final_report(machine, 60)
    machine.wait("[ $(cut -d . -f 1 /proc/uptime) -ge 120 ]", 150, "two minutes")
    machine.run("mkdir -p %s && systemd-run --unit=late nodewake run --state-dir %s --socket /run/late.sock --listen off"
                % (LATE, LATE))
    late = final_report(machine, 120, "--state-dir", LATE)
    assert early.boot["measured"] and not any(phase.get("reconstructed") for phase in early.phases
                                              if phase["phase"] in ("runtime", "pods"))
    assert not late.boot.get("measured") and all(phase.get("reconstructed") for phase in late.phases
                                                 if phase["phase"] == "pods")
    assert [phase["phase"] for phase in early.phases] == [phase["phase"] for phase in late.phases]
    for a, b in zip(early.phases, late.phases):
        assert near(a["duration_ns"], b["duration_ns"], 1000 * MS), (a, b)
    for pod in USUAL:
        a, b = early.start_of(pod), late.start_of(pod)
        print("%s: early %s\n%s: late  %s" % (pod.name, words_of(a), pod.name, words_of(b)), flush=True)
        # when a program listened can't be found afterwards: only what was before it
        for phase in ("sandbox", "create", "runtime"):
            measured, found = spans_of(a, phase), spans_of(b, phase)
            assert len(measured) == len(found) == 1, (pod.name, phase, a, b)
            assert found[0].get("reconstructed") and not measured[0].get("reconstructed"), (pod.name, phase)
            for border in ("from_ns", "to_ns"):
                assert near(measured[0][border], found[0][border], 1000 * MS), (pod.name, phase, border, a, b)
        assert near(a["span"]["from_ns"], b["span"]["from_ns"], 1000 * MS), (a, b)
    # the critical path goes through the start of the pod that was up last: for a late agent when it ran, not listened
    for told in (early, late):
        steps = [step for step in told.steps if step.get("phase") == "sandbox"]
        pod, = {pod.path: pod for pod in USUAL if steps and pod.path == steps[0]["pod"]}.values()
        measured, = spans_of(early.start_of(pod), "sandbox")
        assert near(steps[0]["from_ns"], measured["from_ns"], 1000 * MS), (steps, measured)
        assert near(steps[-1]["to_ns"], measured["to_ns"], 1000 * MS), (steps, measured)
        assert all(bool(step.get("reconstructed")) == (told is late) for step in steps), steps
    print(machine.run("nodewake boot --state-dir " + LATE), flush=True)
