# SPDX-License-Identifier: Apache-2.0
"""The cause that a record tells, in the matrix's words. Knows nothing of what was planted."""

import signal

FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}


def of_oom(record):
    if record.get("killer"):
        return "memory: a user-space killer"
    return "memory: %s" % {"container": "the container's limit", "pod": "the pod's limit", "cgroup": "another cgroup's limit",
                           "node": "the node's"}.get(record["scope"], "?")


def _crash(record):
    number = record.get("signal", 0)
    if signal.SIGABRT in (number, record.get("sender_signal")):
        return "abort"
    if number == signal.SIGSYS:
        return "seccomp"
    if number in FAULTS:
        return "fault " + signal.Signals(number).name
    return "crash by signal %d" % number


def of_end(record):
    """A container's, or a child's."""
    verdict = record["verdict"]
    if verdict == "crashed":
        return _crash(record)
    if verdict in ("completed", "error") and record.get("stop", {}).get("term_ns"):
        return "the runtime stopped it"  # and it had its own way to end
    if verdict in ("completed", "error") and record.get("sender_pid"):
        return "a process inside" if record.get("sender_inside") else "a process outside"  # asked it to end
    if verdict == "start-failed" or record.get("failed", {}).get("kind"):
        return "no start: " + record.get("failed", {}).get("kind", "other")
    return {"completed": "exit 0", "error": "exit code", "oom-killed": "memory: its own kill",
            "stopped": "the runtime stopped it", "killed": "a process outside", "self-killed": "a process inside",
            "signaled": "a signal, sender unknown", "lost": "unknown"}.get(verdict, verdict)


def of_row(row, records):
    """The first one, of the kind that the row is about."""
    told = records[row.about]
    if not told:
        return "nothing"
    return of_oom(told[0]) if row.about == "ooms" else of_end(told[0])
