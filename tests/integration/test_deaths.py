# SPDX-License-Identifier: Apache-2.0
"""Certificates of deaths that were planted: program die, each verb a way to die."""

import os
import signal
import subprocess
import tempfile
import time

import pytest

from node.processes import wait_until

MS = 1000000
DIE = {"image": "localhost/die:1", "program": "/die"}
SEGV_MAPERR, SEGV_ACCERR = 1, 2
SI_KERNEL = 128


def exits(daemon, pod, count=1):
    """The final records of so many containers of the pod: an earlier test's may still be on its way out."""
    def enough():
        found = [r for r in daemon.records("exits") if r.get("final") and r["subject"].get("pod_uid") == pod.uid]
        return found if len(found) >= count else None
    return wait_until(enough, 15, "%d exits; there are %s" % (count, daemon.records("exits")))


def died(daemon, pod, command, **options):
    """The exit's record of one container that is left alone."""
    container = pod.start("app", command, **{**DIE, **options})
    container.wait_exited()
    record, = exits(daemon, pod)
    assert record["subject"]["container_id"] == container.id
    return record


@pytest.mark.parametrize("command, number, code, address", [
    (["segv-read", "0xdead000"], signal.SIGSEGV, SEGV_MAPERR, 0xdead000),
    (["segv-write"], signal.SIGSEGV, SEGV_MAPERR, 0),
    (["segv-access"], signal.SIGSEGV, SEGV_ACCERR, None),
    (["segv-exec", "0x1000"], signal.SIGSEGV, SEGV_MAPERR, 0x1000),
    (["segv-thread", "0xdead000"], signal.SIGSEGV, SEGV_MAPERR, 0xdead000),
    (["stack"], signal.SIGSEGV, None, None),
    (["bus"], signal.SIGBUS, 2, None),  # BUS_ADRERR
    (["fpe"], signal.SIGFPE, 1, None),  # FPE_INTDIV
    (["ill"], signal.SIGILL, 2, None),  # ILL_ILLOPN
    (["trap"], signal.SIGTRAP, SI_KERNEL, None),
    (["sys-trap"], signal.SIGSYS, 1, None),  # SYS_SECCOMP
    (["sys"], signal.SIGSYS, 1, None),
])
def test_faults(daemon, pod, command, number, code, address):
    record = died(daemon, pod, ["listen", "8080", "after", "100"] + command)
    assert (record["verdict"], record["signal"], record["code"]) == ("crashed", number, 128 + number)
    assert "sender_pid" not in record
    assert code is None or record["fault_code"] == code
    assert address is None or int(record.get("fault_address", "0x0"), 16) == address
    assert record["file"] == "/die"
    assert record["listen_port"] == 8080 and record["started_ns"] < record["listen_ns"] < record["kernel_ns"]
    assert not record.get("cri_wrong")


def test_abort_in_pid_1(daemon, pod):
    record = died(daemon, pod, ["abort"])
    assert (record["verdict"], record["signal"], record["sender_signal"]) == ("crashed", 11, signal.SIGABRT)
    assert record["fault_code"] == SI_KERNEL  # glibc's halt instruction, since the signal is in vain
    assert "listen_ns" not in record


def test_signals_to_itself_are_in_vain_in_pid_1(daemon, pod):
    record = died(daemon, pod, ["raise", "9", "5"])
    assert (record["verdict"], record["code"]) == ("error", 5)
    assert "sender_pid" not in record


def test_stopped_in_time_and_too_late(daemon, pod):
    for name, command, seconds in (("polite", ["polite", "0", "300"], 5), ("deaf", ["deaf"], 2)):
        container = pod.start(name, command, **DIE)
        time.sleep(0.2)
        container.stop(timeout=seconds)
    polite, deaf = (next(r for r in exits(daemon, pod, 2) if r["subject"]["container"] == name)
                    for name in ("polite", "deaf"))
    assert polite["verdict"] == "completed" and polite["stop"]["term_ns"] and "kill_ns" not in polite["stop"]
    assert 300 * MS <= polite["kernel_ns"] - polite["stop"]["term_ns"] < 1000 * MS
    assert (deaf["verdict"], deaf["stop"]["overran"], deaf["stop"]["grace_s"]) == ("stopped", True, 2)
    assert abs(deaf["stop"]["kill_ns"] - deaf["stop"]["term_ns"] - 2000 * MS) < 500 * MS


def test_killed_on_the_host_and_from_inside(daemon, pod):
    outside = pod.start("outside", ["sleep"], **DIE)
    inside = pod.start("inside", ["kill-init", "15"], **DIE)
    killer = subprocess.Popen(["/bin/sh", "-c", "kill -9 %d; sleep 0.1" % outside.inspect()["pid"]])
    killer.wait()
    outside.wait_exited()
    inside.wait_exited()
    found = {r["subject"]["container"]: r for r in exits(daemon, pod, 2)}
    assert (found["outside"]["verdict"], found["outside"]["sender_pid"]) == ("killed", killer.pid)
    assert not found["outside"].get("sender_inside")
    assert (found["inside"]["verdict"], found["inside"]["code"]) == ("error", 143)
    assert found["inside"]["sender_inside"] and found["inside"]["sender_comm"] == "die"


@pytest.mark.parametrize("options, kind, what", [
    ({"program": "/nowhere"}, "not-found", "/nowhere"),
    ({"program": "nowhere"}, "not-found", "nowhere"),
    ({"program": "/forbidden"}, "permission", "/forbidden"),
    ({"program": "/secret", "user": 1000, "confined": 1}, "permission", "/secret"),
    ({"mount": "/etc/hostname:/folder"}, "mount", "/folder"),
    ({"mount": ["/etc/ssl:/folder:ro", "/etc/hostname:/folder/new"]}, "read-only", "/folder/new"),
    ({"workdir": "/die"}, "working-directory", "/die"),
    ({"memory": 4096}, "cgroup", ""),
])
def test_start_failures(daemon, pod, options, kind, what):
    with pytest.raises(RuntimeError):
        pod.start("app", ["exit", "0"], **{**DIE, **options})
    record, = exits(daemon, pod)
    assert (record["verdict"], record["reason"]) == ("start-failed", "StartError")
    assert (record["failed"]["kind"], record["failed"].get("what", "")) == (kind, what)
    assert record["failed"]["text"] in record["message"]


@pytest.mark.parametrize("program, kind", [
    ("/script", "interpreter"), ("/foreign", "format"), ("/text", "format"), ("/empty", "format")])
def test_what_is_no_program_never_started(daemon, node, program, kind):
    """runc has said "created" by then: CRI calls it an error of the program, and only its log says why."""
    logs = tempfile.mkdtemp(dir=node.dir)
    pod = node.run_pod("no-program-" + program[1:], logs=logs)
    pod.start("app", [], **{**DIE, "program": program}).wait_exited()
    record, = exits(daemon, pod)
    assert (record["verdict"], record["code"], record["reason"]) == ("start-failed", 1, "Error")
    assert (record["failed"]["kind"], record["failed"]["what"]) == (kind, program)
    pod.remove()


def test_loop(daemon, pod):
    for attempt in range(3):
        pod.start("app", ["after", "300", "exit", "4"], attempt=attempt, **DIE).wait_exited()
    records = sorted(exits(daemon, pod, 3), key=lambda r: r["subject"].get("attempt", 0))
    assert "loop" not in records[0] or not records[0]["loop"].get("pattern")
    loop = records[2]["loop"]
    assert (loop["pattern"], loop["count"], records[2]["deaths"], records[2]["looping"]) == ("same", 3, 3, True)
    assert 300 * MS <= loop["shortest_ns"] <= loop["longest_ns"] < 2000 * MS
    assert loop["first_ns"] == records[0]["finished_ns"] and loop["first"].startswith("exit 4 after 3")


def test_core(daemon, pod, node):
    """The kernel's own word on where it goes; the pattern is the machine's: it is put back."""
    path = "/proc/sys/kernel/core_pattern"
    with open(path, encoding="ascii") as file:
        before = file.read()
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write("/stamps/core.%e.%s.%p")
        container = pod.start("app", ["core", "fpe"], **DIE)
        container.wait_exited()
    except PermissionError:
        pytest.skip("the core pattern of this machine can't be changed")
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(before)
    record, = exits(daemon, pod)
    assert record["core_dumped"] and record["core"] == "/stamps/core.die.8.1"
    assert os.path.exists(os.path.join(container.stamp_dir, "core.die.8.1"))
