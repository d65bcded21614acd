# SPDX-License-Identifier: Apache-2.0
"""Records of the recorded incidents in tests/replay, as if they happened on another node, to another pod, now."""

import copy
import json
import os
import time
import uuid

REPLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "replay")
# What lies on the boot clock; other members in ns are lengths.
MOMENTS = {"boot_ns", "from_ns", "to_ns", "at_ns", "listen_ns", "ready_ns", "started_ns", "finished_ns", "kernel_ns", "start_ns"}
NAMESPACE = "shop"


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def recorded(name):
    with open("%s/%s.records.jsonl" % (REPLAY, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def only(name, kind, **members):
    """The final record of this type, whose subject has these members."""
    return [r for r in recorded(name) if r["type"] == kind and r.get("final")
            and all(r["subject"].get(key) == value for key, value in members.items())]


START = only("with-init", "start")[0]
SLOW_START = only("boot", "start", pod="llama-cpp")[0]
CRASHES = only("looping", "exit")
CRASH = only("broken", "exit")[0]
CHILD_OOM = only("worker", "oom")[0]
BOOT = recorded("boot")
NOT_RECOVERED = dict(BOOT[-1], state="not-recovered")


def moved(value, by_ns):
    if isinstance(value, dict):
        return {key: item + by_ns if key in MOMENTS and item else moved(item, by_ns) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item, by_ns) for item in value]
    return value


def pod_name(node, pod):
    return "app-%d-%d" % (node, pod)


def happens(template, node, pod):
    """That record, now, on this node's pod."""
    record = moved(copy.deepcopy(template), boot_ns() - template["boot_ns"])
    container = uuid.uuid4().hex * 2
    record["subject"].update(pod=pod_name(node, pod), pod_namespace=NAMESPACE, container_id=container,
                             pod_uid=str(uuid.uuid5(uuid.NAMESPACE_OID, pod_name(node, pod))))
    record["key"] = container if record["type"] in ("start", "exit") else "%d-%d" % (1000 + pod, boot_ns())
    return record


def of_boot(template):
    """A record of a boot, which is over now if it ends; when the boot began stays as it was."""
    return dict(copy.deepcopy(template), boot_ns=boot_ns())
