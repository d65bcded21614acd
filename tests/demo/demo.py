#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A cast of pods that are slow, killed, crash or fail to start, on a private node, and what nodewake says of them.

Ends with 0 only if every expected record appeared and none was wrong. `demo.py BUILD FILE` keeps the events in FILE.
"""

import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from node import Daemon, Node  # noqa: E402

MEMORY = 32 << 20

# (pod, container): its starts, and its exits as (verdict, exit code)
EXPECTED = {
    ("web", "server"): (["listening"], []),
    ("big-image", "server"): (["listening"], []),
    ("slow-network", "server"): (["listening"], []),
    ("with-init", "migrate"): (["exited"], [("completed", 0)]),
    ("with-init", "app"): (["listening"], []),
    ("worker", "pool"): (["running"], []),
    ("greedy", "app"): (["exited"], [("oom-killed", 137)]),
    ("failing", "app"): (["exited"], [("error", 3)]),
    ("broken", "app"): (["exited"], [("crashed", 139)]),
    ("victim", "app"): (["exited"], [("killed", 137)]),
    ("typo", "app"): (["failed"], [("start-failed", 128)]),
    ("looping", "app"): (["exited"] * 5, [("error", 1)] * 5),
}

# (pod, container): who was killed, whether the container survived, whose limit
EXPECTED_OOMS = {
    ("worker", "pool"): (False, "yes", "container"),
    ("greedy", "app"): (True, "no", "container"),
}


def say(text):
    print("\n--- " + text, flush=True)


def play(node):
    """Runs the cast; the order is the story."""
    say("a server that listens after a second")
    node.run_pod("web").start("server", ["listen", "8080", "1000"])
    say("a 200 MB image over a slowed link")
    pod = node.run_pod("big-image")
    image = "127.0.0.1:5000/big:1"
    node.cri("pull", "image=" + image)
    pod.start("server", ["listen", "8080", "200"], image=image)
    say("a CNI plugin that takes two seconds")
    node.set_cni_delay(2)
    pod = node.run_pod("slow-network")
    node.set_cni_delay(0)
    pod.start("server", ["listen", "8080", "100"])
    say("an init container, then the app")
    pod = node.run_pod("with-init")
    pod.start("migrate", ["exit", "0", "700"]).wait_exited()
    pod.start("app", ["listen", "8080", "100"])
    say("a child is killed for memory, its container lives on")
    node.run_pod("worker").start("pool", ["eat-child", "300"], memory=MEMORY)
    say("a container's first process is killed for memory")
    node.run_pod("greedy").start("app", ["eat", "300"], memory=MEMORY)
    say("exit code 3")
    node.run_pod("failing").start("app", ["exit", "3", "300"])
    say("a segmentation fault")
    node.run_pod("broken").start("app", ["segv", "300"])
    say("SIGKILL from outside")
    container = node.run_pod("victim").start("app", ["sleep", "600000"])
    time.sleep(0.3)
    os.kill(container.inspect()["pid"], signal.SIGKILL)
    say("a program that is not there")
    try:
        node.run_pod("typo").start("app", [], program="/usr/bin/srever")
    except RuntimeError:
        pass
    say("a crash loop")
    pod = node.run_pod("looping")
    for attempt in range(5):
        container = pod.start("app", ["exit", "1", "100"], attempt=attempt)
        container.wait_exited()
        if attempt < 4:
            container.remove()


def compare(what, expected, found, wrong):
    if sorted(map(str, expected)) != sorted(map(str, found)):
        wrong.append("%s: expected %s, found %s" % (what, expected, found))


def who(record):
    subject = record.get("subject", {})
    return subject.get("pod", ""), subject.get("container", "")


def check(daemon):
    """Compares the store with the tables; returns what is wrong."""
    wrong = []
    starts, exits, ooms = (daemon.records(kind) for kind in ("starts", "exits", "ooms"))
    for name, (states, ends) in EXPECTED.items():
        compare("starts of %s/%s" % name, states, [r["state"] for r in starts if who(r) == name], wrong)
        compare("exits of %s/%s" % name, ends,
                [(r["verdict"], r.get("code", 0)) for r in exits if who(r) == name], wrong)
    for name, expected in EXPECTED_OOMS.items():
        compare("OOM kills of %s/%s" % name, [expected],
                [(r["victims"][0].get("init", False), r["container_survived"], r["scope"])
                 for r in ooms if who(r) == name], wrong)
    for record in starts + exits + ooms:
        if who(record) not in EXPECTED:
            wrong.append("a record of nobody in the cast: %s" % record)
    if len(ooms) != len(EXPECTED_OOMS):
        wrong.append("%d OOM kills, expected %d" % (len(ooms), len(EXPECTED_OOMS)))
    pulls = daemon.records("pulls")
    if len(pulls) != 1 or pulls[0].get("failed") or pulls[0]["bytes"] < 200 << 20:
        wrong.append("expected one pull of 200 MB, found %s" % pulls)
    loop = [r for r in exits if who(r) == ("looping", "app") and r.get("looping")]
    if len(loop) != 3:
        wrong.append("the crash loop was called so %d times, expected 3" % len(loop))
    init = [r for r in starts if who(r) == ("with-init", "migrate") and r.get("init_container")]
    if len(init) != 1:
        wrong.append("the init container was not taken for one")
    network = [r for r in starts if who(r) == ("slow-network", "server")]
    plugins = {p["name"]: p["duration_ns"] / 1e9 for r in network for p in r.get("plugins", [])}
    if not 2.0 <= plugins.get("slow-cni", 0) < 2.2:
        wrong.append("the slow CNI plugin took 2 s, told: %s" % plugins)
    wrong += ["a gap: %s" % gap for gap in daemon.records("gaps")]
    return wrong


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with Node(build, registry=True, slow_cni_seconds=0) as node:
        node.push_big("big", 200)
        node.slow_link(400)
        with Daemon(node) as daemon:
            daemon.watch(lambda line: print(line, flush=True))
            play(node)
            time.sleep(3)
            say("nodewake explain big-image")
            print(daemon.verb("explain", "big-image", "--state-dir", daemon.state)[1])
            say("nodewake explain worker")
            print(daemon.verb("explain", "worker", "--state-dir", daemon.state)[1])
            say("nodewake status")
            print(daemon.verb("status", "--socket", daemon.socket)[1])
            wrong = check(daemon)
            if len(sys.argv) > 2:
                shutil.copy(daemon.events, sys.argv[2])
    for text in wrong:
        print("WRONG: " + text)
    print("demo: %s" % ("every expected record appeared, none was wrong" if not wrong else "failed"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
