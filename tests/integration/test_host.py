# SPDX-License-Identifier: Apache-2.0
"""Facts of the host beside deaths: a file system that really is remounted read-only, and words that only look like it."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid

import pytest

from node import Daemon, images
from node.journal import REMOTE, UNIT_FAILED, Journal, entry, unit_failed
from node.node import run
from node.processes import wait_until


@pytest.fixture(name="image", scope="module")
def host_image(node):
    path = os.path.join(node.dir, "host.tar")
    images.write_host(path)
    node.ctr("images", "import", path)
    os.unlink(path)
    return "localhost/host:1"


def without_kmsg(node):
    """A program that runs the daemon as a container would: its /dev has no kmsg."""
    path = os.path.join(node.dir, "without-kmsg")
    with open(path, "w", encoding="ascii") as file:
        file.write("""#!/bin/sh
exec unshare --mount --propagation slave sh -c '
mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 && exec "$@"' sh %s "$@"
""" % os.path.join(node.build, "nodewake"))
    os.chmod(path, 0o755)
    return path


@pytest.fixture(name="watching", params=["kmsg", "syslog"])
def a_daemon(node, request):
    """Both ways to the kernel's log: the device, and what a container has."""
    daemon = Daemon(node, state=tempfile.mkdtemp(dir=node.dir))
    if request.param == "syslog":
        daemon.daemon_program = without_kmsg(node)
    with daemon:
        assert "without a part" not in daemon.read_log()
        yield daemon
    shutil.rmtree(daemon.state)


class Volume:
    """An ext4 on a loop device, mounted where a kubelet mounts the volume of a pod."""

    def __init__(self, node, uid):
        self.image = tempfile.mktemp(dir=node.dir)
        self.path = os.path.join(node.dir, "pods", uid, "volumes", "local", "data")
        os.makedirs(self.path)
        run("truncate", "-s", "16M", self.image)
        run("mkfs.ext4", "-q", self.image)
        run("mount", "-o", "loop,errors=remount-ro", self.image, self.path)
        self.device = os.path.basename(run("findmnt", "-no", "SOURCE", self.path))

    def fail(self):
        """As if the kernel had found it damaged."""
        with open("/sys/fs/ext4/%s/trigger_fs_error" % self.device, "w", encoding="ascii") as file:
            file.write("1")

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)
        os.unlink(self.image)


def hosts(daemon, **wanted):
    _, text = daemon.verb("host", "--state-dir", daemon.state, "--output", "json")
    found = [json.loads(line) for line in text.splitlines()]
    return [r for r in found if all(r.get(key) == value for key, value in wanted.items())]


def facts(record):
    return [(fact["fact"], fact["resource"]) for fact in record.get("host", [])]


def shell(pod, image, name, script, *mounts):
    return pod.create(name, ["-c", script], image=image, program="/bin/sh",
                      mount=["/usr:/usr:ro", "/etc:/etc:ro", *mounts])


WRITE = "while echo x >/data/x; do sleep .05; done; exit 3"


def test_a_volume_that_is_remounted_read_only(node, watching, image):
    uid = str(uuid.uuid4())
    volume = Volume(node, uid)
    pod = node.run_pod("disk-ro", pod_uid=uid)
    other = node.run_pod("disk-other")
    try:
        app = shell(pod, image, "app", WRITE, volume.path + ":/data").start()
        # dies for a reason of its own, a moment later; and one that ends well
        beside = shell(other, image, "app", "while [ ! -e /stamps/go ]; do sleep .05; done; exit 3").start()
        done = shell(pod, image, "done", "while [ ! -e /stamps/go ]; do sleep .05; done").start()
        wait_until(lambda: os.path.exists(volume.path + "/x"), 10, "a first line")
        volume.fail()
        for container in (beside, done):
            open(container.stamp_dir + "/go", "w", encoding="ascii").close()
        record = wait_until(lambda: [r for r in watching.records("exits", key=app.id)
                                     if r.get("final") and ("read-only", volume.device) in facts(r)], 15, "a death with its evidence")[0]
        assert record["code"] == 3
        # ext4 says that it found an error, too
        assert set(facts(record)) == {("read-only", volume.device), ("disk-error", volume.device)}
        evidence = [fact for fact in record["host"] if fact["fact"] == "read-only"][0]
        assert evidence["detail"] == "EXT4-fs (%s): Remounting filesystem read-only" % volume.device
        assert abs(evidence["boot_ns"] - record["kernel_ns"]) < 3e9
        assert facts(watching.wait_final("exits", key=beside.id)[0]) == []
        assert facts(watching.wait_final("exits", key=done.id)[0]) == []
        assert hosts(watching, fact="read-only", resource=volume.device)
    finally:
        pod.remove()
        other.remove()
        volume.close()


def test_words_of_others_are_not_the_kernels(watching, image, node):
    """Root on the host, or a privileged container, may write to /dev/kmsg; the facility says who it was."""
    for priority in ("<2>", "<0>", ""):
        with open("/dev/kmsg", "w", encoding="ascii") as file:
            file.write(priority + "EXT4-fs (sdz9): Remounting filesystem read-only\n")
    pod = node.run_pod("disk-spoofed")
    app = shell(pod, image, "app", "exit 3").start()
    assert facts(watching.wait_final("exits", key=app.id)[0]) == []
    pod.remove()
    assert hosts(watching, resource="sdz9") == []


def test_a_link_that_goes_down(watching):
    """A carrier that is lost, and the pods' own links, which come and go."""
    run("ip", "link", "add", "nwt0", "type", "veth", "peer", "name", "nwt1")
    try:
        for name in ("nwt0", "nwt1"):
            run("ip", "link", "set", name, "up")
        time.sleep(2)  # the kernel tells of a carrier once a second at most
        run("ip", "link", "set", "nwt1", "down")
        record = wait_until(lambda: hosts(watching, fact="link-down", resource="nwt0"), 10, "a link that is down")[0]
        assert record["detail"] == "it lost its carrier" and record["told_by"] == "netlink"
        assert hosts(watching, resource="nwt1")[0]["detail"] == "the link was set down"
    finally:
        run("ip", "link", "delete", "nwt0")
    pod = watching.node.run_pod("link-of-a-pod")
    pod.remove()
    assert {r["resource"] for r in hosts(watching, fact="link-down")} == {"nwt0", "nwt1"}


@pytest.mark.skipif(not os.path.exists(REMOTE), reason="systemd-journal-remote is not installed: run make deps")
def test_the_journal_as_it_grows(node, tmp_path):
    """Units that fail, in a journal that is written while the daemon runs, and rotated."""
    journal = Journal(tmp_path / "journal")

    def units(daemon):
        return sorted(r["resource"] for r in hosts(daemon, fact="unit-failed"))

    journal.write(unit_failed("before.service"))
    daemon = Daemon(node, state=str(tmp_path / "state"))
    journal.show_to(daemon, tmp_path)
    with daemon:
        time.sleep(1)  # what was there before it is not news
        journal.write(entry("nothing", _SYSTEMD_UNIT="cron.service"), unit_failed("a.service"),
                      entry("spoofed", UNIT="spoofed.service",
                            **{**UNIT_FAILED, "_PID": "77", "_SYSTEMD_UNIT": "x.service"}))
        wait_until(lambda: units(daemon) == ["a.service"], 10, "the unit's failure")
        journal.rotate()
        journal.write(unit_failed("b.service"))
        wait_until(lambda: units(daemon) == ["a.service", "b.service"], 10, "that of the next file")
        journal.write(entry("write /var/lib/containerd/x: no space left on device", _SYSTEMD_UNIT="containerd.service"))
        wait_until(lambda: hosts(daemon, fact="disk-full", resource="/var/lib/containerd/x"), 10, "a disk that is full")
        assert units(daemon) == ["a.service", "b.service"]
