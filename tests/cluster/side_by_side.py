# SPDX-License-Identifier: Apache-2.0
"""python3 -m cluster.side_by_side BUILD [--again]: what kubectl, the kubelet, node-problem-detector's rules and nodewake tell of the
same kills, on a real Kubernetes. Writes BUILD/deaths/side-by-side.md and docs/deaths-judged.md: the table, then all that was read.

The kill for the whole node is of the machine in BUILD/deaths/machine.json, which `make check-deaths` leaves; it has
no kubelet. --again: writes what was found last time.
"""

import json
import os
import re
import sys
import time

from deaths import matrix
from deaths.kernel_log import KernelLog
from node import Daemon

from . import Cluster

# What node-problem-detector's kernel-monitor looks for about deaths, by the rule's reason: the words of the kernel's line.
# Its other rules (TaskHung, KernelOops, Ext4Error, IOError, ...) are about the machine; none is about a fault of a program.
NPD_RULES = {"OOMKilling": re.compile(r"Killed process \d+ .+ total-vm:\d+kB, anon-rss:\d+kB, file-rss:\d+kB")}
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "deaths-judged.md")
USUAL = {"Scheduled", "Pulled", "Pulling", "Created", "Started", "Killing"}
SECONDS = 45  # until a restarted container has backed off


def container(name, *command, image="localhost/cast:1", memory="32Mi"):
    return {"name": name, "image": image, "imagePullPolicy": "Never", "args": list(command),
            "resources": {"limits": {"memory": memory}}}


def pod(name, *containers):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": list(containers)}}


QUIET = container("quiet", "sleep", "600000", memory="64Mi")  # so that the pod's limit is another one than the container's
KILLS = {
    "a worker, at the container's limit": pod("pool", container("app", "eat-child", "2000"), QUIET),
    "the first process, at the container's limit": pod("greedy", container("app", "eat", "2000"), QUIET),
    "a worker, at the pod's limit": pod("small", container("app", "eat-child", "2000")),
    "a worker's segmentation fault, each 5 s": pod("broken", container("app", "each", "5000", "0", "segv-read",
                                                                     image="localhost/die:1")),
}


def state_of(described):
    """The lines of kubectl describe that tell of the container app's life."""
    text = described[described.index("  app:"):]
    text = text[:re.search(r"^(Conditions|  quiet):", text, flags=re.M).start()]
    found = [" ".join(line.split()) for line in text.splitlines()
             if re.match(r" +(State|Last State|Reason|Exit Code|Restart Count):", line)]
    return ", ".join(found)


def kubelets(events, name, lines):
    """Its Events on the pod, but those of every start; and on the node about this kill: it reads all that the kernel log still has."""
    pids = re.findall(r"Killed process (\d+)", " ".join(lines))
    return ["%s: %s" % (e["reason"], e["message"]) for e in events if e["source"].get("component") == "kubelet"
            and ((e["involvedObject"]["name"] == name and e["reason"] not in USUAL)
                 or ("OOM" in e["reason"] and any(e["message"].endswith("pid: " + pid) for pid in pids)))]


def by_npd(lines):
    """An Event on the node for each line, which is the message."""
    return ["%s: %s" % (reason, line) for line in lines for reason, rule in NPD_RULES.items() if rule.search(line)]


def nodewakes(events, name):
    return ["%s: %s" % (e["reason"], e["note"]) for e in events
            if e["regarding"].get("name") == name and e.get("reportingController") == "nodewake.io/agent"]


def observe(cluster, daemon, name, lines):
    events = cluster.get("/api/v1/events")["items"]
    described = cluster.kubectl("-n", "shop", "describe", "pod", name)
    return {
        "kubectl describe pod": [state_of(described)],
        "the kubelet's Events": kubelets(events, name, lines) or ["none"],
        "node-problem-detector": by_npd(lines) or ["none of its rules fits a line of the kernel"],
        "nodewake": nodewakes(cluster.get("/apis/events.k8s.io/v1/events")["items"], name),
        "why": daemon.verb("why", name, "-n", "shop", "--state-dir", daemon.state)[1],
        "kernel": lines,
    }


def of_machine(build):
    """The kill of the node's memory, from the machine's outcomes."""
    path = os.path.join(build, "deaths/machine.json")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        row = next((o for o in json.load(file) if o["row"] == "oom-node" and o.get("records", {}).get("ooms")), None)
    if not row:
        return None
    ended = row["records"]["exits"][0]
    return {"kubectl describe pod": ["CRI's word, which it shows: Reason: %s, Exit Code: %d" % (
                ended.get("reason", "-"), ended["code"])],
            "the kubelet's Events": ["no kubelet in that machine"],
            "node-problem-detector": by_npd(row["kernel"]), "nodewake": [first_line(row["why"])],
            "why": row["why"], "kernel": row["kernel"]}


def first_line(why):
    """The kill in one line, without its time."""
    return next((line.strip() for line in why.splitlines() if "memory" in line), "")


def cell(texts):
    shown = "; ".join(dict.fromkeys(texts)) if texts else "nothing"
    return shown.replace("|", "\\|").replace("\n", " ")


def write(path, found):
    columns = ["kubectl describe pod", "the kubelet's Events", "node-problem-detector", "nodewake"]
    lines = ["| killed | " + " | ".join(columns) + " |", "|" + " --- |" * (len(columns) + 1)]
    lines += ["| %s | %s |" % (kill, " | ".join(cell(told[column]) for column in columns)) for kill, told in found.items()]
    for kill, told in found.items():
        lines += ["", "### " + kill, "", "```", *told["kernel"], "", told["why"].strip(), "```"]
    text = "\n".join(lines) + "\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    matrix.write_document(DOCUMENT, "beside", text)
    print(text)


def kill_them(build):
    found = {}
    with Cluster(build) as cluster:
        cluster.kubectl("create", "namespace", "shop")
        cluster.wait("/api/v1/namespaces/shop/serviceaccounts/default", lambda account: account.get("secrets"))
        with Daemon(cluster.node, kubeconfig=cluster.kubeconfig, inside=cluster) as daemon:
            for kill, manifest in KILLS.items():
                log = KernelLog()
                cluster.apply(manifest)
                time.sleep(SECONDS)
                name = manifest["metadata"]["name"]
                lines = [line for line in log.read() if re.search(r"Killed process|segfault", line)][:1]
                found[kill] = observe(cluster, daemon, name, lines)
                cluster.kubectl("-n", "shop", "delete", "pod", name)
    return found


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    kept = os.path.join(build, "deaths/side-by-side.json")
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    if "--again" not in sys.argv:
        found = kill_them(build)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    with open(kept, encoding="utf-8") as file:
        found = json.load(file)
    node = of_machine(build)
    if node:
        found["the first process, as the node ran out (a virtual machine)"] = node
    write(os.path.join(build, "deaths/side-by-side.md"), found)


if __name__ == "__main__":
    main()
