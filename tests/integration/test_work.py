# SPDX-License-Identifier: Apache-2.0
"""What the runtime did in a start, step by step, with causes that were planted; and how many others were starting."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import uuid

import pytest

from kube.fake_api import FakeApi
from kube.fake_api import pod as api_pod
from node import Daemon, Node
from node.node import run
from node.processes import wait_until

MS = 1000000
BUILD = os.environ.get("BUILD", "build")

HANDLERS = "".join("""
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%s]
    runtime_type = "io.containerd.runc.v2"
    %s
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.%s.options]
      BinaryName = "%s"
""" % (name, more, name, program) for name, more, program in (
    ("runc", "", "/usr/sbin/runc"), ("looping", "", "{dir}/bin/looping-runtime"), ("wrapped", "", "{dir}/bin/gpu-runtime"),
    ("around", "", "{dir}/bin/waiting-runtime"),
    ("hooked", 'base_runtime_spec = "{dir}/hooks.json"', "/usr/sbin/runc"),
    ("crun", "", "/usr/bin/crun")))

BECOMES = """#!/bin/sh
case " $* " in *" create "*) sleep 3;; esac
exec /usr/sbin/runc "$@"
"""

LOOPS = """#!/bin/sh
case " $* " in *" create "*) for i in $(seq 40); do sleep 0.05; done;; esac
exec /usr/sbin/runc "$@"
"""

WAITS = """#!/bin/sh
/usr/sbin/runc "$@"
code=$?
case " $* " in *" start "*) sleep 1;; esac
exit $code
"""


def write_runtimes(node):
    os.makedirs(node.dir + "/bin")
    for name, text in (("gpu-runtime", BECOMES), ("waiting-runtime", WAITS), ("looping-runtime", LOOPS)):
        with open("%s/bin/%s" % (node.dir, name), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(file.name, 0o755)
    spec = json.loads(run("ctr", "oci", "spec"))
    spec["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "2"]}]}
    with open(node.dir + "/hooks.json", "w", encoding="ascii") as file:
        json.dump(spec, file)


@pytest.fixture(scope="module", name="disk")
def snapshots_on_a_disk_of_their_own():
    """A file system that can be frozen; None where there are no loop devices."""
    folder = tempfile.mkdtemp(prefix="nodewake-disk-")
    image = folder + "/image"
    os.makedirs(folder + "/mount")
    with open(image, "wb") as file:
        file.truncate(256 << 20)
    mounted = (subprocess.run(["mkfs.ext4", "-q", image], check=False).returncode == 0 and
               subprocess.run(["mount", "-o", "loop", image, folder + "/mount"], check=False).returncode == 0)
    yield folder + "/mount" if mounted else None
    if mounted:
        run("umount", "-l", folder + "/mount")
    shutil.rmtree(folder)


@pytest.fixture(scope="module", name="node")
def node_with_runtimes(disk):
    node = Node(BUILD, slow_cni_seconds=0, config=HANDLERS)
    write_runtimes(node)
    if disk:
        os.makedirs(node.dir + "/root")
        os.symlink(disk, node.dir + "/root/io.containerd.snapshotter.v1.overlayfs")
    with node:
        yield node


@pytest.fixture(autouse=True)
def without_pods_of_before(node):
    yield
    node.remove_pods()


def phase_of(start, name):
    found, = [p for p in start["phases"] if p["phase"] == name]
    return found


def work(start, phase):
    return [w for w in start["why"]["work"] if w["phase"] == phase]


def step(start, phase, name):
    found = [w for w in work(start, phase) if w["name"] == name]
    assert len(found) == 1, work(start, phase)
    return found[0]


def top(start, phase):
    """The longest part that is not inside of another: what a reader is shown as the cause."""
    parts = [w for w in work(start, phase) if not w.get("nested")]
    if phase == "sandbox":
        parts += [p for p in start.get("plugins", []) if not p.get("nested")]
    return max(parts, key=lambda part: part["duration_ns"])


def assert_took(part, seconds):
    """Within 5 % or 50 ms, whichever is more."""
    assert abs(part["duration_ns"] - seconds * 1e9) <= max(0.05 * seconds * 1e9, 50 * MS), part


def assert_at_least(part, seconds):
    """A bound: what lies beside it is in it. The disk is frozen before the client begins."""
    assert part["at_most"] and -300 * MS < part["duration_ns"] - seconds * 1e9 < 1000 * MS, part


def assert_inside(start):
    for part in start["why"]["work"]:
        assert any(p["phase"] == part["phase"] and p["from_ns"] <= part["from_ns"] and part["to_ns"] <= p["to_ns"]
                   for p in start["phases"]), part


def start_of(daemon, node, name, command=("listen", "8080"), **options):
    pod = node.run_pod(name, **options)
    pod.start("app", list(command))
    start, = daemon.wait_final("starts", seconds=30)
    assert_inside(start)
    assert daemon.records("gaps") == []
    return start


def test_every_step_is_seen(daemon, node):
    start = start_of(daemon, node, "plain")
    create = step(start, "sandbox", "runc create")
    assert not create.get("at_most") and not create.get("nested")
    inner = [w for w in work(start, "sandbox") if w.get("nested")]
    assert "until its cgroup" in [w["name"] for w in inner]
    assert all(create["from_ns"] <= w["from_ns"] and w["to_ns"] <= create["to_ns"] for w in inner)
    assert step(start, "runtime", "runc create")["to_ns"] <= phase_of(start, "app")["from_ns"]
    assert start["why"].get("competing", 0) <= others_starting(daemon, node)


def test_a_slow_cni_plugin(daemon, node):
    node.set_cni_delay(1)
    pod = node.run_pod("slow-net")
    node.set_cni_delay(0)
    pod.start("app", ["listen", "8080"])
    start, = daemon.wait_final("starts")
    assert top(start, "sandbox")["name"] == "slow-cni"
    assert_took(top(start, "sandbox"), 1)


def test_a_wrapper_that_becomes_the_runtime(daemon, node):
    """Its name is not known to anybody: what a shim executes is a runtime."""
    start = start_of(daemon, node, "wrapped", runtime="wrapped")
    for phase in ("sandbox", "runtime"):
        assert top(start, phase)["name"] == "runc create"
        wrapper = step(start, phase, "gpu-runtime before runc")
        assert_took(wrapper, 3)
        assert wrapper["nested"]
        assert_took(step(start, phase, "sleep"), 3)
        assert 0 <= top(start, phase)["duration_ns"] - wrapper["duration_ns"] < 500 * MS
    _, text = daemon.verb("explain", "wrapped", "--state-dir", daemon.state)
    assert "gpu-runtime before runc" in text and "sleep" in text


def test_a_wrapper_that_executes_very_many(daemon, node):
    """The first of them are told; its own time is right all the same."""
    start = start_of(daemon, node, "looping", runtime="looping")
    wrapper = step(start, "runtime", "looping-runtime before runc")
    assert 2000 * MS < wrapper["duration_ns"] < 4000 * MS
    told = step(start, "runtime", "sleep")
    assert told["count"] == 15  # of 16: the first is seq
    assert told["duration_ns"] < wrapper["duration_ns"] / 2


def test_a_wrapper_around_the_runtime(daemon, node):
    """It is slow after the program has begun: no part of this start's runtime phase, but of the sandbox's start."""
    start = start_of(daemon, node, "around", runtime="around")
    assert top(start, "runtime")["name"] == "waiting-runtime create"
    assert step(start, "runtime", "runc create")["nested"]
    assert top(start, "runtime")["duration_ns"] < 1000 * MS


def test_a_slow_hook(daemon, node):
    start = start_of(daemon, node, "hooked", runtime="hooked")
    assert top(start, "runtime")["name"] == "runc create"
    hook = step(start, "runtime", "sleep")
    assert_took(hook, 2)
    mounts = step(start, "runtime", "namespaces, mounts, hooks")
    assert mounts["from_ns"] <= hook["from_ns"] and hook["to_ns"] <= mounts["to_ns"]


@pytest.mark.skipif(not os.path.exists("/usr/bin/crun"), reason="crun is not installed")
@pytest.mark.skipif(os.path.exists("/sys/fs/cgroup/unified"), reason="crun knows no hybrid cgroups")
def test_another_runtime(daemon, node):
    start = start_of(daemon, node, "crun", runtime="crun")
    assert start["state"] == "listening"
    names = {w["name"] for w in work(start, "sandbox") + work(start, "runtime")}
    assert any(name.startswith("crun ") for name in names), names
    assert not any(name.startswith("runc ") for name in names), names


def events_of(daemon):
    with open(daemon.events, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def others_starting(daemon, node):
    """Containers of other runtimes on this machine: none, if this test is alone."""
    return len({e["container_id"] for e in events_of(daemon) if e.get("type") == "exec" and e["role"] == "entrypoint"} - node.ids)


class Frozen:
    """Nothing can be written to the disk for so long; the thaw is certain."""

    def __init__(self, disk, seconds):
        self.disk, self.seconds = disk, seconds

    def __enter__(self):
        run("fsfreeze", "-f", self.disk)
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self._thaw)
        self.thread.start()

    def _thaw(self):
        time.sleep(self.seconds)
        run("fsfreeze", "-u", self.disk)

    def __exit__(self, kind, value, trace):
        self.thread.join()


@pytest.fixture(name="freezable")
def a_disk_that_freezes(disk):
    if not disk or subprocess.run(["fsfreeze", "-f", disk], check=False).returncode:
        pytest.skip("no loop device, or it can't be frozen")
    run("fsfreeze", "-u", disk)
    return disk


def test_a_slow_snapshot(daemon, node, freezable):
    """containerd tells when it is ready, not when it began: the wait before is an upper bound, and says so."""
    pod = node.run_pod("slow-snapshot")
    with Frozen(freezable, 2):
        pod.start("app", ["listen", "8080"])
    start, = daemon.wait_final("starts")
    snapshot = step(start, "wait", "until its snapshot")
    assert snapshot["at_most"]
    assert_at_least(snapshot, 2)


def test_a_slow_rootfs_mount(daemon, node, freezable):
    pod = node.run_pod("slow-mount")
    container = pod.create("app", ["listen", "8080"])
    with Frozen(freezable, 2):
        container.start()
    start, = daemon.wait_final("starts")
    # containerd 2.x executes no shim for a container of a pod: there it lies in the wait before
    mount = max((w for w in start["why"]["work"] if w["kind"] == "mount"), key=lambda w: w["duration_ns"])
    assert mount["phase"] in ("runtime", "wait")
    assert (mount["kind"], mount["name"], mount["at_most"]) == ("mount", "shim: rootfs mounted", True)
    assert_at_least(mount, 2)


def stamp():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def test_a_volume_that_is_slow_to_mount(node, tmp_path):
    """The kubelet's own command in the kubelet's own directory, slow; what the API says of another volume."""
    uid = str(uuid.uuid4())
    mount = tmp_path / "mount"
    mount.write_text("#!/bin/sh\nsleep 2\n", encoding="ascii")
    mount.chmod(0o755)
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp()}
    with FakeApi(str(tmp_path)) as api, \
            Daemon(node, state=str(tmp_path / "state"), kubeconfig=api.kubeconfig) as daemon:
        item = api_pod("stateful", node.name, "shop", uid=uid, creationTimestamp=stamp())
        item["status"]["conditions"] = [scheduled]
        api.objects.create("pods", "shop", item)
        wait_until(lambda: any(e.get("type") == "pod" for e in events_of(daemon)), 10, "the pod's event")
        run(str(mount), "-t", "nfs", "filer:/data", "/var/lib/kubelet/pods/%s/volumes/kubernetes.io~nfs/data" % uid)
        run(str(mount), "-t", "nfs", "filer:/data", "/mnt")
        pod = node.run_pod("stateful", pod_uid=uid)
        pod.start("main", ["listen", "8080"])
        start, = [s for s in daemon.wait_final("starts", seconds=40) if s["subject"].get("container")]
        volume = step(start, "admit", "data")
        assert volume["kind"] == "volume" and not volume.get("at_most")
        assert_took(volume, 2)
        assert len(work(start, "admit")) == 1
        assert_inside(start)


def test_eight_at_once(daemon, node):
    """Each says that seven others were starting."""
    barrier, pods = threading.Barrier(8), [None] * 8

    def start_one(number):
        barrier.wait()
        pods[number] = node.run_pod("crowd-%d" % number)
        pods[number].start("app", ["listen", "8080", "1000"])

    threads = [threading.Thread(target=start_one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts = daemon.wait_final("starts", count=8, seconds=30)
    strangers = others_starting(daemon, node)
    assert all(7 <= s["why"]["competing"] <= 7 + strangers for s in starts), strangers
    alone = node.run_pod("alone")
    alone.start("app", ["listen", "8080"])
    last, = [s for s in daemon.wait_final("starts", count=9) if s["subject"]["pod"] == "alone"]
    assert last["why"].get("competing", 0) <= others_starting(daemon, node)
