# SPDX-License-Identifier: Apache-2.0
"""Rows: how containers and their children end."""

from .planting import container, execute, host_kill, kill_shim, pause, processes, stop
from .row import Row
from .rows_memory import end

CODE, OUTSIDE, INSIDE, STOPPED = "exit code", "a process outside", "a process inside", "the runtime stopped it"


def died(name, planted, cause, command, verdict, code, signal=0, **more):
    """The container's first process, by its own doing."""
    return Row(name, planted, cause, "exits", container(*command),
               {"exits": [end(verdict, code, signal=signal, pid="$pid", comm="die", **more)]})


def fault(name, planted, command, number, signal, **more):
    return died(name, planted, "fault " + number, command, "crashed", 128 + signal, signal, **more)


def child(verdict, signal=0, **more):
    return {"subject.pod": "$pod", "subject.container": "app", "verdict": verdict, "signal": signal, "comm": "die",
            "container_survived": "yes", **more}


def quick(code):
    """Ends as soon as it began: nothing is held."""
    return Row("exit-%d" % code, "exit code %d at once" % code, "exit 0" if code == 0 else CODE, "exits",
               container("exit", code, held=False),
               {"exits": [end("error" if code else "completed", code, signal=0, sender_pid=0)]})


def ended_with(code, what):
    return died("code-%d" % code, "exit code %d, which %s" % (code, what), CODE, ("exit", code), "error", code, sender_pid=0)


def far(told):
    """an address on the stack"""
    return told is not None and int(str(told), 0) > 1 << 32


SENT = {"sender_comm": "sh", "sender_pid": "$sender", "sender_inside": False}

def killed_or_unseen(record):
    """137, or containerd's 255 for an end that it did not see, called wrong"""
    return record.get("code") == 137 or (record.get("code") == 255 and record.get("cri_wrong"))


ROWS = [
    *(quick(code) for code in (0, 1, 3, 126, 127, 255)),
    ended_with(137, "no signal stood behind"),
    ended_with(139, "no fault stood behind"),
    ended_with(143, "nobody asked for"),
    fault("segv-read", "reads address 0", ("segv-read",), "SIGSEGV", 11, fault_code=1, fault_address=None),
    fault("segv-write", "writes to 0xdead000", ("segv-write", "0xdead000"), "SIGSEGV", 11, fault_code=1,
          fault_address="0xdead000"),
    fault("segv-access", "writes to a page that is read-only", ("segv-access",), "SIGSEGV", 11, fault_code=2),
    fault("segv-exec", "calls an address without code", ("segv-exec",), "SIGSEGV", 11, fault_address="0x1000"),
    fault("segv-thread", "a thread of it reads address 0", ("segv-thread",), "SIGSEGV", 11),
    fault("stack", "its stack overflows", ("stack",), "SIGSEGV", 11, fault_address=far),
    fault("bus", "reads beyond the end of a mapped file", ("bus",), "SIGBUS", 7),
    fault("fpe", "divides by 0", ("fpe",), "SIGFPE", 8),
    fault("ill", "an instruction that there is not", ("ill",), "SIGILL", 4),
    fault("trap", "a breakpoint without debugger", ("trap",), "SIGTRAP", 5),
    fault("core", "a fault with a core", ("core", "segv-read"), "SIGSEGV", 11, core_dumped=True),
    died("abort", "abort() as pid 1, which ends in a fault", "abort", ("abort",), "crashed", 139, 11),
    died("seccomp", "a call that its seccomp filter forbids", "seccomp", ("sys",), "crashed", 159, 31),
    Row("kill-outside", "kill -9 on the machine", OUTSIDE, "exits", container("sleep", after=[host_kill(9)]),
        {"exits": [end("killed", 137, signal=9, pid="$pid", **SENT)]}),
    Row("term-outside", "kill -TERM on the machine, which it takes to end with 143", OUTSIDE, "exits",
        container("polite", 143, after=[pause(0.3), host_kill(15)]), {"exits": [end("error", 143, sender_signal=15, **SENT)]}),
    Row("int-outside", "kill -INT on the machine, of a child", OUTSIDE, "children",
        container("worker", "sleep", after=[processes(2), host_kill(2, "child")]),
        {"children": [child("killed", 2, pid="$child", **SENT)]}),
    Row("segv-outside", "kill -SEGV on the machine, of a child: no fault of its own", OUTSIDE, "children",
        container("worker", "sleep", after=[processes(2), host_kill(11, "child")]),
        {"children": [child("killed", 11, pid="$child", **SENT)]}),
    Row("kill-inside", "a child's kill -9 of the container's first process, in a pod with one pid namespace", INSIDE, "exits",
        container("kill-init", 9, pod_options={"podpid": 1}), {"exits": [end("self-killed", 137, signal=9, sender_inside=True)]}),
    Row("term-inside", "a child's kill -TERM, which it takes to end with 143", INSIDE, "exits", container("kill-init", 15),
        {"exits": [end("error", 143, sender_signal=15, sender_inside=True)]}),
    Row("stop-honoured", "stopped; it ends with 0", STOPPED, "exits", container("polite", 0, after=[pause(0.3), stop(10)]),
        {"exits": [end("completed", 0, sender_signal=15, **{"stop.kill_ns": 0})]}),
    Row("stop-143", "stopped; it ends with 143", STOPPED, "exits", container("polite", 143, after=[pause(0.3), stop(10)]),
        {"exits": [end("stopped", 143, sender_signal=15, **{"stop.overran": False})]}),
    Row("stop-ignored", "stopped; it ignores SIGTERM, and SIGKILL comes", STOPPED, "exits",
        container("deaf", after=[pause(0.3), stop(1)]), {"exits": [end("stopped", 137, signal=9, **{"stop.overran": True})]}),
    Row("stop-default", "stopped; pid 1 has no handler, so SIGTERM does nothing", STOPPED, "exits",
        container("sleep", after=[pause(0.3), stop(1)]), {"exits": [end("stopped", 137, signal=9, **{"stop.overran": True})]}),
    Row("shim-killed", "the container's shim is killed, and the runtime cleans up", STOPPED, "exits",
        container("sleep", after=[kill_shim]), {"exits": [{"subject.pod": "$pod", "subject.container": "app", "verdict": "stopped", "signal": 9, ".": killed_or_unseen}]}),
    Row("child-segv", "a child's fault; the container goes on", "fault SIGSEGV", "children", container("worker", "segv-read"),
        {"children": [child("crashed", 11, count=1)]}),
    Row("child-abort", "a child aborts; the container goes on", "abort", "children", container("worker", "abort"),
        {"children": [child("crashed", 6, count=1)]}),
    Row("child-killed", "one worker kills another", INSIDE, "children", container("murder", 9),
        {"children": [child("self-killed", 9, sender_inside=True, count=1)]}),
    Row("child-outside", "kill -9 on the machine, of a child", OUTSIDE, "children",
        container("worker", "sleep", after=[processes(2), host_kill(9, "child")]),
        {"children": [child("killed", 9, pid="$child", **SENT)]}),
    Row("worker-loop", "five workers in a row, each with a fault", "fault SIGSEGV", "children",
        container("each", 300, 5, "segv-read"), {"children": [child("crashed", 11, count=5, same=5, looping=True)]}),
    Row("child-exit", "a child ends with 1: no death that matters", "nothing", "children", container("worker", "exit", 1), {}),
    Row("supervised", "a supervisor ends its workers with SIGTERM: no death that matters", "nothing", "children",
        container("stop-workers", 300, 15), {}),
    Row("session", "what kubectl exec began has a fault: the container does not end", "fault SIGSEGV", "children",
        container("sleep", after=[execute("/die", "segv-read")]), {"children": [child("crashed", 11)]}),
    Row("teardown", "it ends with 3 and leaves children, which the kernel kills: no crash of theirs", CODE, "exits",
        container("leave", 3), {"exits": [end("error", 3, pid="$pid")]}),
    Row("child-and-init", "a child's fault, and the first process ends with 5", CODE, "exits",
        container("child-code", 5, "segv-read"),
        {"exits": [end("error", 5)], "children": [child("crashed", 11, container_survived="no")]}),
]
