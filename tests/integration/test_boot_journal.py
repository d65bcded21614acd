# SPDX-License-Identifier: Apache-2.0
"""The daemon with a journal in the place of the machine's: what it tells of this boot and of the one before."""

import json
import os
import sqlite3
import subprocess
import textwrap
import time

import pytest

from node.daemon import Daemon
from node.processes import wait_until

REMOTE = "/lib/systemd/systemd-journal-remote"
LAST_BOOT = "bbbbbbbb-0000-4000-8000-000000000002"
MACHINE = "22222222222222222222222222222222"
NS = 10**9

pytestmark = pytest.mark.skipif(not os.path.exists(REMOTE),
                                reason="systemd-journal-remote is not installed: run make deps")

# A mount namespace of its own, in which the machine's journal is not; the wrapper is at the place of the program.
WRAPPER = textwrap.dedent("""\
    #!/bin/sh
    exec unshare -m sh -ec '
        mount -t tmpfs tmpfs /var/log
        if [ -d /run/log ]; then mount -t tmpfs tmpfs /run/log; fi
        mkdir /var/log/journal
        mount --bind "$0" /var/log/journal
        exec "$@"' %s %s "$@"
    """)


def this_boot():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def started():
    """When this kernel started, by the clock as it is now, in ns."""
    with open("/proc/uptime", encoding="ascii") as file:
        uptime = float(file.read().split()[0])
    return int(subprocess.check_output(["date", "+%s%N"])) - int(uptime * NS)


def entry(boot, start_ns, seconds, identifier, message):
    fields = {
        "__REALTIME_TIMESTAMP": (start_ns + int(seconds * NS)) // 1000, "__MONOTONIC_TIMESTAMP": int(seconds * 10**6),
        "_BOOT_ID": boot.replace("-", ""), "_MACHINE_ID": MACHINE, "SYSLOG_IDENTIFIER": identifier,
        "_SYSTEMD_UNIT": identifier + ".service", "_TRANSPORT": "stdout", "MESSAGE": message}
    return "".join("%s=%s\n" % item for item in fields.items()) + "\n"


@pytest.fixture(name="journal")
def one_journal(tmp_path):
    """write(text) makes it the machine's journal; the wrapper shows it to a program."""
    folder = tmp_path / "journal" / MACHINE
    folder.mkdir(parents=True)

    def write(text):
        subprocess.run([REMOTE, "--output=%s/system.journal" % folder, "-"], input=text, text=True, check=True,
                       capture_output=True)
        return str(folder.parent)
    return write


def daemon_on(node, tmp_path, folder, state):
    daemon = Daemon(node, state=state)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(WRAPPER % (folder, daemon.program))
    wrapper.chmod(0o755)
    daemon.daemon_program = str(wrapper)
    if os.path.exists(daemon.events):
        os.remove(daemon.events)
    return daemon


def told(daemon):
    """The events of the journal's source, once it has looked."""
    wait_until(lambda: daemon.status()["sources"]["journal"]["looks"], 20, "a look at the journal")
    with open(daemon.events, encoding="utf-8") as file:
        events = [json.loads(line) for line in file.read().splitlines()[1:]]
    return [e for e in events if e["type"] == "last-boot" or "journal" in (e.get("source"), e.get("told_by"))]


def test_this_boot_and_the_one_before(node, journal, tmp_path):
    start = started()
    before = start - 1042 * NS  # it ran for 1000 s, and was down for 42 s
    text = entry(LAST_BOOT, before, 5, "systemd", "Starting app.service - An app...")
    text += entry(LAST_BOOT, before, 1000, "app", "the last that it wrote")
    text += entry(this_boot(), start, 3, "systemd", "hello")
    text += entry(this_boot(), start, 9, "containerd", 'time="2026-05-06T11:05:04Z" level=info msg="starting containerd"')
    text += entry(this_boot(), start, 12.5, "k3s", 'time="2026-05-06T11:05:04Z" level=info msg="Starting k3s v1.35.4"')
    state = str(tmp_path / "state")
    with daemon_on(node, tmp_path, journal(text), state) as daemon:
        events = told(daemon)
        assert [e["type"] for e in events] == ["source", "last-boot", "milestone", "milestone"]
        assert events[0]["step"] == "up"
        assert all(e["reconstructed"] for e in events[1:])
        last = events[1]
        assert (last["boot_id"], last["end"]) == (LAST_BOOT, "power-loss")
        assert abs(last["down_ns"] - 42 * NS) < NS
        assert abs(last["last_wall_ns"] - (start - 42 * NS)) < NS
        assert [(e["what"], e["unit"], e["boot_ns"]) for e in events[2:]] == [
            ("runtime-started", "containerd.service", 9 * NS), ("kubelet-started", "k3s.service", int(12.5 * NS))]
        assert daemon.records("gaps") == []
        _, status = daemon.verb("status", "--socket", daemon.socket)
        assert "journal     1 file, 2 milestones of the boot\n" in status


def image_id_of(node, image):
    found = [line for line in node.cri("images").splitlines() if image in line]
    return json.loads(found[0])["id"]


def test_calls_of_containers_that_were_there(node, journal, tmp_path):
    """A pod that ran before the agent, and a log that says when it was made: early in the boot."""
    start = started()
    pod = node.run_pod("logged")
    container = pod.start("main", ["listen", "8080", "0"])
    sandbox = "RunPodSandbox for &PodSandboxMetadata{Name:logged,Uid:%s,Namespace:shop,Attempt:0,}" % pod.uid
    create = 'CreateContainer within sandbox "%s" for %%s&ContainerMetadata{Name:main,Attempt:0,}' % pod.id
    image, image_id = "localhost/cast:1", image_id_of(node, "localhost/cast:1")
    lines = {20: sandbox, 21.5: sandbox + ' returns sandbox id "%s"' % pod.id, 21.625: 'PullImage "%s"' % image,
             21.875: 'PullImage "%s" returns image reference "%s"' % (image, image_id), 22: create % "container ",
             23: create % "" + ' returns container id "%s"' % container.id, 24: 'StartContainer for "%s"' % container.id,
             25: 'StartContainer for "%s" returns successfully' % container.id,
             26: 'StartContainer for "%s"' % ("f" * 64), 27: 'StartContainer for "%s" returns successfully' % ("f" * 64)}
    text = entry(this_boot(), start, 3, "systemd", "hello")
    for seconds, message in lines.items():
        line = 'time="2026-05-06T11:05:04Z" level=info msg="%s"' % message.replace('"', '\\"')
        text += entry(this_boot(), start, seconds, "containerd", line)

    def told_of_it():
        found = [r for r in daemon.records("starts") if r["subject"]["container_id"] == container.id]
        return found and len(found[0]["phases"]) > 2 and found[0]

    def pulls():
        return [(p["image"], p["span"]["from_ns"] / NS, p["span"]["to_ns"] / NS) for p in daemon.records("pulls")]
    folder, state = journal(text), str(tmp_path / "state")
    with daemon_on(node, tmp_path, folder, state) as daemon:
        record = wait_until(told_of_it, 20, "the start as it was logged")
        assert record["final"] and all(phase["reconstructed"] for phase in record["phases"])
        assert [(p["phase"], p["from_ns"] / NS, p["to_ns"] / NS) for p in record["phases"]] == [
            ("sandbox", 20, 21.5), ("wait", 21.5, 21.625), ("pull", 21.625, 21.875), ("wait", 21.875, 22),
            ("create", 22, 23), ("wait", 23, 24), ("runtime", 24, 25)]
        assert wait_until(pulls, 5, "the pull as it was logged") == [(image, 21.625, 21.875)]
        assert daemon.records("pulls")[0]["reconstructed"]
        assert "f" * 64 not in json.dumps(daemon.records("starts"))  # it is gone
        with open(daemon.events, encoding="utf-8") as file:
            calls = [e for e in map(json.loads, file.read().splitlines()[1:]) if e["type"] == "cri-call"]
        assert [(e["method"], e.get("container_id") or e["image"], e["began_ns"] / NS, e["boot_ns"] / NS)
                for e in calls] == [
            ("run-pod-sandbox", pod.id, 20, 21.5), ("pull-image", image, 21.625, 21.875),
            ("create-container", container.id, 22, 23),
            ("start-container", container.id, 24, 25), ("start-container", "f" * 64, 26, 27)]
        _, replayed = daemon.verb("replay", daemon.events, "--output", "json")
    again = [r for r in map(json.loads, replayed.splitlines()) if r["type"] == "start" and r.get("final")]
    assert [r["phases"] for r in again if r["subject"]["container_id"] == container.id][-1] == record["phases"]

    with sqlite3.connect(state + "/nodewake.db") as store:  # as if another agent had seen it
        store.execute("UPDATE records SET key = 'seen', body = replace(body, key, 'seen') WHERE key LIKE 'sha256:%'")
    store.close()
    with daemon_on(node, tmp_path, folder, state) as daemon:
        wait_until(lambda: daemon.status()["sources"]["journal"]["looks"], 20, "a look at the journal")
        time.sleep(2)  # longer than a pull that was logged waits for others
        assert pulls() == [(image, 21.625, 21.875)]
    pod.remove()


def test_the_heartbeat_is_a_later_sign(node, journal, tmp_path):
    """The store of a boot before, whose agent lived 30 s longer than what journald had written."""
    start = started()
    before = start - 1042 * NS
    text = entry(LAST_BOOT, before, 1000, "app", "the last that it wrote") + entry(this_boot(), start, 3, "systemd", "hello")
    folder, state = journal(text), str(tmp_path / "state")
    with daemon_on(node, tmp_path, folder, state) as daemon:
        told(daemon)
    with sqlite3.connect(state + "/nodewake.db") as store:
        store.execute("UPDATE boots SET boot_id = ?, wall_offset_ns = ?", (LAST_BOOT, before))
        store.execute("UPDATE bookmarks SET value = ? WHERE name = 'heartbeat'", (1030 * NS,))
    store.close()
    with daemon_on(node, tmp_path, folder, state) as daemon:
        last, = [e for e in told(daemon) if e["type"] == "last-boot"]
        assert (last["boot_id"], last["end"]) == (LAST_BOOT, "power-loss")
        assert last["last_wall_ns"] == before + 1030 * NS
        assert abs(last["down_ns"] - 12 * NS) < NS


def test_a_journal_that_does_harm_is_left_alone(node, journal, tmp_path):
    folder, state = journal(entry(this_boot(), started(), 3, "systemd", "hello")), str(tmp_path / "state")
    with daemon_on(node, tmp_path, folder, state) as daemon:
        assert told(daemon)[0]["step"] == "up"
    with sqlite3.connect(state + "/nodewake.db") as store:
        value, = store.execute("SELECT value FROM bookmarks WHERE name = 'journal-attempts'").fetchone()
        assert value == 0
        store.execute("UPDATE bookmarks SET value = 2 WHERE name = 'journal-attempts'")
    store.close()
    for _ in range(2):
        with daemon_on(node, tmp_path, folder, state) as daemon:
            event = told(daemon)[0]
            assert event["step"] == "missing"
            assert event["cause"].startswith("left alone")
