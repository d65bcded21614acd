# SPDX-License-Identifier: Apache-2.0
"""What a start's record says of why it took its time, as seconds per cause; model/cause.h has the same rule in C."""

import os

MS = 1000000
KINDS = ("cpu", "run_queue", "throttled", "disk", "network", "lock", "sleep", "other")
IDLE = ("network", "sleep", "lock", "other")


def length(span):
    return max(0, span.get("to_ns", 0) - span["from_ns"]) if span and span.get("from_ns") else 0


def app_agrees(span, stamps, before_main=50 * MS):
    """The app phase: from the exec, less than before_main ns ahead of the program's first stamp, until it listens, which is
    within its call: a thread may be kept from its CPU between the listening and the stamp behind it."""
    return 0 < stamps["entry"] - span["from_ns"] < before_main and \
        stamps["listen_before"] < span["to_ns"] < stamps["listen"]


def inside(span, whole):
    if not span or "from_ns" not in span:
        return 0
    return max(0, min(span["to_ns"], whole["to_ns"]) - max(span["from_ns"], whole["from_ns"]))


def of(start, name):
    """A list of start["why"]; members that are zero or empty are left out of the JSON."""
    return start.get("why", {}).get(name, [])


def phase(start, name):
    return next((p for p in start["phases"] if p["phase"] == name), None)


def stalls(start, name="app"):
    return next((s for s in of(start, "stalls") if s["phase"] == name), None)


def wall(start, name="app"):
    """{kind: ns} of a phase."""
    return {kind: stalls(start, name)["wall"].get(kind + "_ns", 0) for kind in KINDS}


def _program(start, span):
    """What its program did, with the peers it waited for taken from its idle time."""
    left = wall(start, span["phase"])
    found = {}
    for one in of(start, "peers"):
        due = inside(one["span"], span)
        behind = one.get("probe_ns", 0)
        most = behind if span["phase"] == "probe" else one.get("wait_ns", 0) - behind
        due = due if one["kind"] == "failed" else min(due, most)
        taken = 0
        for kind in IDLE:
            part = min(left[kind], due - taken)
            left[kind] -= part
            taken += part
        name = "dns" if one["kind"] == "dns" else "peer"
        found[name] = found.get(name, 0) + taken
    del left["other"]
    return {**left, **found}


def _pull(start, span):
    """The slower of download and unpack is what it waited for, the other only alone."""
    pull, download, behind = start.get("pull", {}), start.get("download", {}), dict(start.get("unpack", {}))
    behind["from_ns"] = max(behind.get("from_ns", 0), download.get("to_ns", 0))
    fetch, unpack, shared = inside(download, span), inside(behind, span), inside(pull.get("waited"), span)
    fetch = min(fetch, pull.get("download_ns") or fetch)
    if pull.get("unpack_ns", 0) > 1.25 * pull.get("download_ns", 0):
        unpack = min(pull["unpack_ns"], length(span))
        fetch = length(span) - unpack
    return {"resolve": inside(pull.get("resolve"), span), "download": max(0, fetch - shared), "layer": shared,
            "unpack": unpack}


def causes(start, name):
    """{cause: ns} of a phase."""
    span = phase(start, name)
    if name == "pull":
        return _pull(start, span)
    if name == "sandbox":
        return {p["name"]: inside(p, span) for p in start.get("plugins", []) if not p.get("nested")}
    return _program(start, span) if stalls(start, name) else {}


def top(start):
    """(phase, cause): the longest phase, and what took most of it; None where nothing took a third."""
    longest = max(start["phases"], key=length)
    found = causes(start, longest["phase"])
    cause = max(found, key=found.get) if found else None
    if cause and found[cause] * 3 < length(longest):
        cause = None
    return longest["phase"], cause


# What model/cause_words.c calls them.
WORDS = {"cpu": "on CPU", "run_queue": "for a CPU", "throttled": "by its CPU limit", "disk": "disk ", "network": "network ",
         "lock": "for locks", "sleep": "slept", "peer": "waited", "dns": "for DNS", "download": "download ",
         "unpack": "unpack ", "resolve": "resolve ", "layer": "for a layer of"}


def said(daemon, record):
    """The top cause as `nodewake starts` words it: "app: slept 1.50s"; "" where it has none."""
    subject = record["subject"]
    _, text = daemon.verb("starts", "--state-dir", daemon.state, "--pod", subject["pod"], "--limit", "100")
    line = [line for line in text.splitlines() if "%s/%s " % (subject["pod"], subject["container"]) in line][0]
    return line.partition("; ")[2]


def wrong_words(daemon, record):
    """Whether the sentence names another cause than top() finds; one below a second has no words."""
    name, cause = top(record)
    words = "%s: " % name, WORDS.get(cause, cause)
    ns = causes(record, name).get(cause, 0)
    text = said(daemon, record)
    right = text.startswith(words[0]) and words[1] in text if cause and ns >= 1000 * MS else not text
    return [] if right else ["it says %r of %s: %s" % (text, name, cause)]


def grades(records):
    """{grade of the phase app: how many}"""
    found = [(stalls(record) or {"grade": "none"})["grade"] for record in records]
    return {grade: found.count(grade) for grade in sorted(set(found))}


def wrong_breakdowns(records, **planned_ms):
    """Those that say something else than was planned, as far as their grade lets them say it; and degraded ones that
    don't say so."""
    wrong = []
    for record in records:
        app = stalls(record)
        sure = {"measured": planned_ms, "coarse": ["cpu"] if "cpu" in planned_ms else []}.get(app and app["grade"], [])
        if not app or app["grade"] != "measured" and not app.get("reason"):
            wrong.append((record["subject"]["pod"], app))
        elif any(abs(wall(record)[kind] - planned_ms[kind] * MS) > max(50, planned_ms[kind] / 20) * MS for kind in sure):
            wrong.append((record["subject"]["pod"], app))
    return wrong


def disk_of(path):
    """MAJOR:MINOR of the whole disk that the file is on."""
    device = os.stat(path).st_dev
    block = os.path.realpath("/sys/dev/block/%d:%d" % (os.major(device), os.minor(device)))
    if os.path.exists(block + "/partition"):
        block = os.path.dirname(block)
    with open(block + "/dev", encoding="ascii") as file:
        return file.read().strip()


class Table:
    """What was said, beside what the program's own clock has: printed at the end."""

    def __init__(self):
        self.rows = []

    def agree(self, what, said_ns, own_ns, outside_ns=0, of_ns=0):
        """Notes both; false where they differ by more than 5 % (of of_ns, where that is given) and more than 50 ms.
        outside_ns: what may have come on top where its own clock did not run."""
        allowed = max((of_ns or own_ns) * 0.05, 50 * MS)
        right = -allowed <= said_ns - own_ns <= allowed + outside_ns
        self.rows.append("%-44s %9.3f s %9.3f s %+8.1f ms %s" % (
            what, said_ns / 1e9, own_ns / 1e9, (said_ns - own_ns) / 1e6, "" if right else "  <-- wrong"))
        return right

    def text(self):
        return "\n".join(["%-44s %11s %11s %11s" % ("cause", "said", "own clock", "difference"), *self.rows])
