# SPDX-License-Identifier: Apache-2.0
"""The anatomy of pulls, against the clock of a slow link, containerd's own events and the size of what was pulled."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from node import Daemon
from node.node import ENVIRONMENT
from node.processes import end, wait_until

MS = 1000000
NS = 1000000000
RATE = 5000000
PORT = 5001


def near(told_ns, true_ns):
    """Within 5 % or 50 ms, the larger."""
    assert abs(told_ns - true_ns) <= max(true_ns * 0.05, 50 * MS), (told_ns / 1e9, true_ns / 1e9)


class Link:
    """The slow link, and what it passed on."""

    def __init__(self, node):
        self.process, self.log = node.throttle(PORT, RATE)

    def image(self, reference):
        return reference.replace(":5000/", ":%d/" % PORT)

    def blobs(self):
        """What was passed on, by digest."""
        with open(self.log, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        return {line["path"].rpartition("/")[2]: line for line in lines if "/blobs/" in line["path"]}


@pytest.fixture(name="link")
def slow_link(node):
    link = Link(node)
    yield link
    end(link.process)
    node.processes.remove(link.process)


class Snapshots:
    """When containerd prepared and committed layers, by its own stamps: chain id -> (prepare, commit)."""

    def __init__(self, node):
        self.path = node.dir + "/snapshots.txt"
        with open(self.path, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(["ctr", "--address", node.socket, "--namespace", "k8s.io", "events"],
                                            stdout=out, env=ENVIRONMENT)
        node.processes.append(self.process)
        time.sleep(0.5)

    def read(self):
        offset = time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        found = {}
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                match = re.match(r"(\S+ \d\d:\d\d:\d\d)\.(\d+) .* /snapshot/(prepare|commit) (\{.*\})", line)
                if not match or "extract-" not in line:
                    continue
                seconds = time.mktime(time.strptime(match[1] + " UTC", "%Y-%m-%d %H:%M:%S %Z")) - time.timezone
                at = int(seconds) * NS + int(match[2].ljust(9, "0")[:9]) - offset
                chain = json.loads(match[4])["key"].split(" ")[1]
                begin, _ = found.get(chain, (at, None))
                found[chain] = (begin, at if match[3] == "commit" else None)
        return found


@pytest.fixture(name="snapshots")
def watched_snapshots(node):
    snapshots = Snapshots(node)
    yield snapshots
    end(snapshots.process)
    node.processes.remove(snapshots.process)


def pulls_of(daemon, image):
    return [r for r in daemon.records("pulls") if r["image"] == image and r.get("final")]


def wait_pull(daemon, image, seconds=20):
    return wait_until(lambda: pulls_of(daemon, image), seconds, "the pull of " + image)[0]


def start_pull(node, image):
    return subprocess.Popen([node.build + "/cri", "pull", "image=" + image],
                            env=dict(os.environ, CRI_SOCKET=node.socket), stdout=subprocess.DEVNULL)


def fetched(pull):
    return [layer for layer in pull["anatomy"]["layers"] if layer["origin"] == "fetched"]


@pytest.fixture(name="lines")
def watched(daemon):
    lines = []
    process = daemon.watch(lines.append)
    time.sleep(0.3)
    yield lines
    end(process)
    daemon.node.processes.remove(process)


def test_download_bound(daemon, node, pod, link, lines):
    """35 MB at 5 MB/s: the download is named, with its seconds; while it goes on, so is the rest."""
    image = link.image(node.push("download", [{"data/0": os.urandom(30 << 20)}, {"data/1": os.urandom(5 << 20)}]))
    node.cri("pull", "image=" + image)
    pull = wait_pull(daemon, image)
    blobs = link.blobs()
    anatomy = pull["anatomy"]
    layers = fetched(pull)
    assert anatomy["registry"] == "127.0.0.1:%d" % PORT
    assert [layer["bytes"] for layer in layers] == [blobs[layer["digest"]]["bytes"] for layer in layers]
    true = [blobs[layer["digest"]] for layer in layers]
    near(anatomy["download_ns"], max(b["end_ns"] for b in true) - min(b["begin_ns"] for b in true))
    for layer, blob in zip(layers, true):
        if layer["download"].get("from_ns"):
            near(layer["download"]["duration_ns"], blob["end_ns"] - blob["begin_ns"])
    assert anatomy["download_ns"] > 5 * anatomy["unpack_ns"]
    assert anatomy["parallel"] == 2
    assert daemon.verb("pulls", "--state-dir", daemon.state)[1].count(", download-bound") == 1

    # live
    running = [line for line in lines if " pulling " in line]
    assert 1 <= len(running) <= pull["duration_ns"] / 3e9 + 1
    words = re.search(r"127\.0\.0\.1/download +pulling (\S+)MiB of 35MiB at (\S+) MB/s, (\S+)s left", running[-1])
    assert words, running
    assert float(words[2]) == pytest.approx(RATE / 1e6, rel=0.15)
    left_ns = float(words[3]) * NS
    assert left_ns < pull["duration_ns"]
    assert len(pulls_of(daemon, image)) == len(daemon.records("pulls")) == 1  # the same record, now final

    # and below the start's phase
    pod.start("server", ["listen", "8080", "10"], image=image)
    start, = daemon.wait_final("starts")
    assert start["pull"]["layers"] == anatomy["layers"]
    text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)[1]
    assert re.search(r"download +\S+s +█+ +35MiB at 5 MB/s from 127.0.0.1:%d.*, 2 layers at once" % PORT, text), text
    assert re.search(r"%s +\S+s +█+ +30MiB" % max(layers, key=lambda l: l["bytes"])["digest"][7:19], text), text


def test_unpack_bound(daemon, node, snapshots):
    """Tiny when compressed, large and many files on disk."""
    many = {"many/%d/%d" % (i % 100, i): b"x" * 100 for i in range(20000)}
    image = node.push("unpack", [dict(many, zeros=bytes(200 << 20))])
    begin = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    node.cri("pull", "image=" + image)
    took = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - begin
    pull = wait_pull(daemon, image)
    anatomy = pull["anatomy"]
    assert pull["bytes"] < 10 << 20
    assert 200 << 20 < anatomy["unpacked_bytes"] < 400 << 20
    assert anatomy["unpacked_files"] == pytest.approx(20000, rel=0.02)
    begin, commit = max(snapshots.read().values(), key=lambda span: span[1] - span[0])
    layer = max(pull["anatomy"]["layers"], key=lambda l: l.get("unpack", {"duration_ns": 0})["duration_ns"])
    assert abs(layer["unpack"]["to_ns"] - commit) < 10 * MS
    near(anatomy["unpack_ns"], commit - max(begin, layer["download"]["to_ns"]))
    assert anatomy["unpack_ns"] > 2 * anatomy["download_ns"]
    near(pull["duration_ns"], took)
    assert ", unpack-bound" in daemon.verb("pulls", "--state-dir", daemon.state)[1]


def test_two_images_share_a_layer(daemon, node, link, lines):
    """The second waits for what the first is fetching, and downloads only its own."""
    base = {"data/base": os.urandom(40 << 20)}
    first, second = (link.image(node.push(name, [base, {"data/" + name: os.urandom(size << 20)}]))
                     for name, size in (("first", 1), ("second", 2)))
    one = start_pull(node, first)
    time.sleep(1.5)
    two = start_pull(node, second)
    assert one.wait(60) == 0 and two.wait(60) == 0
    a, b = wait_pull(daemon, first), wait_pull(daemon, second)
    blobs = link.blobs()
    shared, = [l for l in b["anatomy"]["layers"] if l["origin"] == "waited"]
    assert shared["digest"] in [l["digest"] for l in fetched(a)]
    assert 40 << 20 < shared["bytes"] < 41 << 20
    assert b["bytes"] < 4 << 20 and a["bytes"] > 40 << 20
    assert b["anatomy"]["shared_with"] in (first, "127.0.0.1/first")
    assert b["anatomy"]["shared_layer"] == shared["digest"]
    near(b["anatomy"]["waited"]["duration_ns"],
         blobs[shared["digest"]]["end_ns"] - b["span"]["from_ns"])
    assert "shared_with" not in a["anatomy"]
    text = daemon.verb("pulls", "--state-dir", daemon.state)[1]
    assert re.search(r"/second:1 .* waited \S+s for layer %s of image \S+/first" % shared["digest"][7:19], text), text
    assert any(re.search(r"/second +pulling .* waits \S+s for layer %s of image 127.0.0.1/first" % shared["digest"][7:19],
                         line) for line in lines), lines


def test_two_images_share_the_link(daemon, node, link):
    first, second = (link.image(node.push(name, [{"data/" + name: os.urandom(12 << 20)}])) for name in ("left", "right"))
    one, two = start_pull(node, first), start_pull(node, second)
    assert one.wait(60) == 0 and two.wait(60) == 0
    a, b = wait_pull(daemon, first), wait_pull(daemon, second)
    for own, other in ((a, "right"), (b, "left")):
        assert own["anatomy"]["link_with"].split("/")[1].split(":")[0] == other
        near(own["anatomy"]["link"]["duration_ns"],
             min(a["download"]["to_ns"], b["download"]["to_ns"]) - max(a["download"]["from_ns"], b["download"]["from_ns"]))
        assert 12 << 20 < own["bytes"] < 14 << 20


def test_given_up_and_tried_again(daemon, node, link):
    """Whose it was, how far it got, and soon; the next one knows of it."""
    image = link.image(node.push("again", [{"data/again": os.urandom(20 << 20)}]))
    pull = start_pull(node, image)
    time.sleep(2.5)
    told = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    end(pull)
    failed, = daemon.wait_final("pulls", seconds=10)
    assert failed["failed"] and failed["image"] == "127.0.0.1/again"
    assert failed["bytes"] == pytest.approx(RATE * 2.3, rel=0.3)
    assert 0 < failed["span"]["to_ns"] - told < 2 * NS  # a poll every half second, and containerd
    node.cri("pull", "image=" + image)
    assert wait_pull(daemon, image)["anatomy"]["failures"] == 1
    assert ", after 1 failed try" in daemon.verb("pulls", "--state-dir", daemon.state)[1]
    assert len(daemon.records("pulls")) == 2


def test_its_turn(daemon, node, pod, link):
    """One image after the other, as the kubelet pulls: the second container waited for the first's image."""
    first, second = (link.image(node.push(name, [{"data/" + name: os.urandom(8 << 20)}])) for name in ("turn", "queued"))
    node.cri("pull", "image=" + first)
    node.cri("pull", "image=" + second)
    pod.start("server", ["listen", "8080", "10"], image=second)
    start, = daemon.wait_final("starts")
    assert start["pull"]["queued_behind"] == first
    near(start["pull"]["queue"]["to_ns"], wait_pull(daemon, first)["span"]["to_ns"])
    text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)[1]
    assert re.search(r"queue +\S+s +█+ +before: image %s had its turn" % re.escape(first), text), text


def test_a_mirror(daemon, node, pod, link):
    """The name says one registry, another machine answers: both are told."""
    os.makedirs(node.dir + "/certs.d/mirrored.test", exist_ok=True)
    with open(node.dir + "/certs.d/mirrored.test/hosts.toml", "w", encoding="utf-8") as file:
        file.write('server = "http://127.0.0.1:9"\n[host."http://127.0.0.1:%d"]\n  capabilities = ["pull", "resolve"]\n' % PORT)
    image = node.push("mirrored", [{"data/mirrored": os.urandom(12 << 20)}]).replace("127.0.0.1:5000", "mirrored.test")
    node.cri("pull", "image=" + image)
    anatomy = wait_pull(daemon, image)["anatomy"]
    assert (anatomy["registry"], anatomy["peer"], anatomy["peer_port"]) == ("mirrored.test", "127.0.0.1", PORT)
    assert len(link.blobs()) >= 1
    pod.start("server", ["listen", "8080", "10"], image=image)
    daemon.wait_final("starts")
    assert "from mirrored.test (127.0.0.1:%d)" % PORT in daemon.verb("explain", pod.name, "--state-dir", daemon.state)[1]


def test_nothing_is_asked_when_nothing_comes(daemon, node):
    """Ten seconds idle: the poll every 5 s, and no list of contents."""
    time.sleep(12)
    before = daemon.status()["sources"]["containerd"]["calls"]
    time.sleep(10)
    assert daemon.status()["sources"]["containerd"]["calls"] - before <= 6
    del node


def test_an_agent_that_comes_late(node, link):
    """It finds the download under way, and what it told before it ended is the same record."""
    image = link.image(node.push("late", [{"data/late": os.urandom(30 << 20)}]))
    state = tempfile.mkdtemp(dir=node.dir)
    with Daemon(node, state=state) as daemon:
        pull = start_pull(node, image)
        wait_until(lambda: daemon.records("pulls"), 10, "the pull as it goes on")
        daemon.kill()
        daemon.start()
        assert pull.wait(60) == 0
        record = wait_pull(daemon, image)
        assert len(daemon.records("pulls")) == 1
        assert record["bytes"] > 30 << 20
    shutil.rmtree(state)
