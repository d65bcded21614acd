# SPDX-License-Identifier: Apache-2.0
"""What systemd-analyze prints, in ns."""

import re

UNITS = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000}
PART = r"[0-9.]+(?:us|ms|s|min|h)\b"
SPAN = r"(?:0|%s(?: %s)*)" % (PART, PART)


def span_ns(text):
    """ "1min 2.345s" """
    if text.strip() == "0":
        return 0
    parts = re.findall(r"([0-9.]+)(us|ms|s|min|h)\b", text)
    if not parts or re.sub(PART, "", text).strip():
        raise ValueError("no length of time: %r" % text)
    return sum(round(float(number) * UNITS[unit]) for number, unit in parts)


def time(text):
    """{"kernel": ns, "userspace": ns, "total": ns, "target": name, "reached": ns after userspace began}, and
    firmware, loader and initrd where there are any."""
    match = re.search(r"^Startup finished in (.*) = (%s)\s*$" % SPAN, text, re.M)
    found = {name: span_ns(length) for length, name in re.findall(r"(%s) \((\w+)\)" % SPAN, match[1])}
    found["total"] = span_ns(match[2])
    match = re.search(r"^(\S+) reached after (%s) in userspace" % SPAN, text, re.M)
    found["target"], found["reached"] = match[1], span_ns(match[2])
    return found


def blame(text):
    """{unit: ns}"""
    found = {}
    for line in filter(str.strip, text.splitlines()):
        match = re.fullmatch(r"\s*(%s) (\S+)" % SPAN, line.rstrip())
        found[match[2]] = span_ns(match[1])
    return found


def critical_chain(text):
    """[(unit, at ns after userspace began, took ns or None)], as printed."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"[\s\u2500-\u257f]*(\S+\.[a-z]+)(?: @(%s))?(?: \+(%s))?" % (SPAN, SPAN), line.rstrip())
        if match and match[2] is not None:
            found.append((match[1], span_ns(match[2]), None if match[3] is None else span_ns(match[3])))
    return found


class Analyzed:
    """All three of a machine that has finished its boot."""

    def __init__(self, machine):
        self.time = time(machine.run("systemd-analyze time --no-pager"))
        self.blame = blame(machine.run("systemd-analyze blame --no-pager"))
        self.chain = critical_chain(machine.run("systemd-analyze critical-chain --no-pager"))
