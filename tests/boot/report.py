# SPDX-License-Identifier: Apache-2.0
"""What `nodewake boot` and the other verbs tell in the machine."""

import json

from node.processes import wait_until

KINDS = ("boot", "unit", "start", "pull", "wait", "exit", "gap")


def _values(text):
    """JSON values that follow one another, whatever is between them."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


def _records(value):
    if isinstance(value, dict) and value.get("type") in KINDS:
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _records(part)


class Report:
    """The boot's record and those that belong to it."""

    def __init__(self, text):
        self.text = text
        found = [record for value in _values(text) for record in _records(value)]
        boots = [record for record in found if record["type"] == "boot"]
        assert len(boots) == 1, "%d records of a boot: %s" % (len(boots), text[:2000])
        self.boot = boots[0]
        self.units = {record["name"]: record for record in found if record["type"] == "unit"}
        self.starts = [record for record in found if record["type"] == "start"]
        self.pulls = [record for record in found if record["type"] == "pull"]

    @property
    def phases(self):
        return self.boot["phases"]

    @property
    def steps(self):
        return self.boot.get("steps", [])

    @property
    def missing(self):
        return self.boot.get("missing", [])

    def phase(self, name):
        found = [phase for phase in self.phases if phase["phase"] == name]
        return found[0] if found else None

    def start_of(self, pod):
        """Of its container, the last one."""
        found = [s for s in self.starts if s["subject"].get("pod_uid") == pod.uid and s["subject"].get("container")]
        return max(found, key=lambda s: s["span"]["from_ns"]) if found else None

    def ranking(self):
        """[(seconds, key, steps)] of the critical path's causes, longest first: a cause may have several steps."""
        causes = {}
        for step in self.steps:
            key = (step["kind"], step.get("pod") or step.get("name", ""), step.get("phase", ""))
            causes.setdefault(key, []).append(step)
        return sorted(((sum(s["duration_ns"] for s in steps) / 1e9, key, steps) for key, steps in causes.items()),
                      reverse=True, key=lambda cause: cause[0])


def report(machine, *words):
    """`nodewake boot`, whatever state the boot is in."""
    return Report(machine.run(" ".join(["nodewake boot --output json", *words]), check=False))


def final_report(machine, seconds, *words):
    """Waits until the boot's record is told for the last time."""
    last = ["nothing"]

    def final():
        text = machine.run(" ".join(["nodewake boot --output json", *words]), check=False)
        last[0] = text[-1500:]
        # until this boot is recorded it is the one before, after a line that says so
        if '"boot_id": "%s"' % machine.boot_id not in text:
            return None
        told = Report(text)
        return told if told.boot.get("final") else None
    try:
        return wait_until(final, seconds, "a final report")
    except TimeoutError as error:
        raise TimeoutError("%s; the last one: %s" % (error, last[0])) from None
