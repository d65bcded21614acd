# SPDX-License-Identifier: Apache-2.0
"""Rows: what is killed for memory."""

from .planting import (LIMIT, MIB, adjust, container, execute, gone, group, host_kill, host_service, limit, no_swap,
                       pause, processes, swap)
from .row import Row

CONTAINER, POD, OTHER, NODE, KILLER = (
    "memory: the container's limit", "memory: the pod's limit", "memory: another cgroup's limit", "memory: the node's",
    "memory: a user-space killer")


def hog(*command, **options):
    return container(*command, program="/hog", **options)


def kill(scope="container", path="$container_path", init=False, survived="yes", comm="hog", **more):
    """What an OOM kill's record must say."""
    return {"subject.pod": "$pod", "subject.container": "app", "scope": scope, "limit_path": path, "limit_bytes": LIMIT,
            "victims.0.init": init, "victims.0.comm": comm, "container_survived": survived, "confirmed": True,
            **({"victims.0.pid": "$pid"} if init else {}), **more}


def end(verdict, code, **more):
    return {"subject.pod": "$pod", "subject.container": "app", "verdict": verdict, "code": code, **more}


def shared(told):
    """mostly shared memory"""
    return told is not None and told > 12 * MIB


def swapped(told):
    """some of it in swap"""
    return told is not None and told > 4096


KILLED_INIT = end("oom-killed", 137, signal=9, pid="$pid", comm="hog")

ROWS = [
    Row("oom-child", "a child eats up the container's limit", CONTAINER, "ooms", hog("children", 1, "eat", memory=LIMIT),
        {"ooms": [kill()]}),
    Row("oom-init", "the first process does", CONTAINER, "ooms", hog("eat", memory=LIMIT),
        {"ooms": [kill(init=True, survived="no")], "exits": [KILLED_INIT]}),
    Row("oom-thread", "a thread of the first process does", CONTAINER, "ooms", hog("thread", memory=LIMIT),
        {"ooms": [kill(init=True, survived="no", invoker_pid="$pid")], "exits": [KILLED_INIT]}),
    Row("oom-follow", "a child does, and the first process ends with 7 since it is gone", CONTAINER, "ooms",
        hog("follow", "eat", memory=LIMIT), {"ooms": [kill(survived="no")], "exits": [end("error", 7, pid="$pid")]}),
    Row("oom-invoker", "a small child takes the last MiB, and a large one dies of it", CONTAINER, "ooms",
        hog("large-and-small", 14, memory=LIMIT, before=[no_swap]), {"ooms": [kill(comm="large", invoker_comm="small", invoker_inside=True)]}),
    Row("oom-repeats", "three children, one after the other", CONTAINER, "ooms", hog("children", 3, "eat", memory=LIMIT),
        {"ooms": [kill(), kill(), kill()]}),
    Row("oom-session", "what kubectl exec began eats it up", CONTAINER, "ooms",
        hog("pause", memory=LIMIT, after=[execute("/hog", "eat")]), {"ooms": [kill()]}),
    Row("oom-shared", "a child's memfd does: memory that is nobody's RSS", CONTAINER, "ooms",
        hog("children", 1, "shared", memory=LIMIT), {"ooms": [kill()]}),
    Row("oom-tmpfs", "a file on a tmpfs does, which no kill frees", CONTAINER, "ooms",
        hog("file", "/dev/shm/file", memory=LIMIT, before=[no_swap]),
        {"ooms": [kill(init=True, survived="no", **{"memory.shmem_bytes": shared})], "exits": [KILLED_INIT]},
        alone=True),  # of many kills at once not each is looked at
    Row("oom-pod", "the pod's limit, its container has none", POD, "ooms", hog("children", 1, "eat", before=[limit("pod")]),
        {"ooms": [kill("pod", "$pod_path")]}),
    Row("oom-pod-init", "the same, the first process", POD, "ooms", hog("eat", before=[limit("pod")]),
        {"ooms": [kill("pod", "$pod_path", init=True, survived="no")], "exits": [KILLED_INIT]}),
    Row("oom-pod-lower", "a pod's limit below its container's", POD, "ooms",
        hog("children", 1, "eat", memory=2 * LIMIT, before=[limit("pod")]), {"ooms": [kill("pod", "$pod_path")]}),
    Row("oom-qos", "the limit of the QoS class's cgroup", OTHER, "ooms",
        hog("children", 1, "eat", pod_class="besteffort-%s", before=[limit("parent")]),
        {"ooms": [kill("cgroup", "$parent_path")]}),
    Row("oom-slice", "the limit of a slice above that", OTHER, "ooms",
        hog("eat", pod_class="kubepods-%s/burstable",
            before=[limit("above")]),
        {"ooms": [kill("cgroup", "$above_path", init=True, survived="no")], "exits": [KILLED_INIT]}),
    Row("oom-service", "a host's service at its own limit", OTHER, "ooms", host_service("eat"),
        {"ooms": [{"subject.pod": None, "subject.container_id": None, "scope": "cgroup", "limit_path": "$service_path",
                   "limit_bytes": LIMIT, "victims.0.pid": "$pid", "victims.0.comm": "hog", "confirmed": True}]}),
    Row("oom-group", "memory.oom.group: all of the container's processes", CONTAINER, "ooms",
        hog("children", 1, "eat", memory=LIMIT, before=[group("container")]),
        {"ooms": [kill(survived="no", group_kill=True, victim_total=2)], "exits": [end("oom-killed", 137, signal=9, pid="$pid")]},
        version=2),
    Row("oom-group-pod", "memory.oom.group of the pod", POD, "ooms",
        hog("children", 1, "eat", before=[limit("pod"), group("pod")]),
        {"ooms": [kill("pod", "$pod_path", survived="no", group_kill=True)],
         "exits": [end("oom-killed", 137, signal=9, pid="$pid")]}, version=2),
    Row("oom-swap", "swapped out as far as it may be, then killed", CONTAINER, "ooms",
        hog("children", 1, "eat", memory=LIMIT, before=[swap("container", 16 * MIB)]),
        {"ooms": [kill(**{"victims.0.swap_kb": swapped})]}, version=2, virtual=True),
    Row("oom-node", "the node runs out, and the first process of a pod dies of it", NODE, "ooms",
        hog("eat", before=[adjust(1000)], after=[gone]),
        {"ooms": [kill("node", None, init=True, survived="no", limit_bytes=None)], "exits": [KILLED_INIT]}, alone=True,
        virtual=True),
    Row("oom-node-child", "the node runs out, and a child in a pod dies of it", NODE, "ooms",
        hog("children", 1, "eat", before=[adjust(900)], after=[pause(4), adjust(-999)]),  # the next rows must not strike it
        {"ooms": [kill("node", None, limit_bytes=None)]}, alone=True, virtual=True),
    Row("oom-node-service", "the node runs out of a host's service", NODE, "ooms", host_service("eat", size=0),
        {"ooms": [{"subject.pod": None, "scope": "node", "victims.0.pid": "$pid", "victims.0.comm": "hog", "confirmed": True}]},
        alone=True, virtual=True),
    Row("earlyoom-init", "earlyoom's SIGKILL", KILLER, "ooms", container("sleep", after=[host_kill(9, name="earlyoom")]),
        {"ooms": [{"subject.pod": "$pod", "killer": "earlyoom", "killer_pid": "$sender", "victims.0.pid": "$pid",
                   "victims.0.init": True, "container_survived": "no"}],
         "exits": [end("oom-killed", 137, signal=9, sender_comm="earlyoom", sender_pid="$sender")]}),
    Row("oomd-child", "systemd-oomd's SIGKILL of a child", KILLER, "ooms",
        container("worker", "sleep", after=[processes(2), host_kill(9, "child", "systemd-oomd")]),
        {"ooms": [{"subject.pod": "$pod", "killer": "systemd-oomd", "killer_pid": "$sender", "victims.0.pid": "$child",
                   "container_survived": "yes"}]}),
]

