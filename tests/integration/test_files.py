# SPDX-License-Identifier: Apache-2.0
"""What a start brings in from a disk, by file, against the program's own count and clock."""

import glob
import os
import re
import subprocess
import tempfile

import pytest

from node import images
from node.file_server import file_server
from node.page_cache import drop, held

MB = 1 << 20
SIZE = 300 * MB
MS = 1000000


def about(size):
    """A page that the kernel takes back before it was used is read again."""
    return pytest.approx(size, rel=0.01)


def write(path, size=SIZE):
    block = os.urandom(MB)
    with open(path, "wb") as file:
        for _ in range(size // MB):
            file.write(block)
    drop(path)
    return path


def device_of(path):
    number = os.stat(path).st_dev
    return os.path.basename(os.readlink("/sys/dev/block/%d:%d" % (os.major(number), os.minor(number))))


@pytest.fixture(scope="module", name="models")
def a_volume(node):
    """A directory that is mounted into containers, with a large file."""
    folder = tempfile.mkdtemp(dir=node.dir)
    write(os.path.join(folder, "llama-7b.gguf"))
    yield folder
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


@pytest.fixture(scope="module", name="image")
def an_image(node):
    """One with a large file in it; yields its name and where the node has the file."""
    path = os.path.join(node.dir, "model.tar")
    images.write_archive(path, "localhost/model:1",
                         [{"opt/model/weights.bin": os.urandom(MB) * (SIZE // MB)},
                          {"cast": images.program(node.build, "cast")}], ["/cast"])
    node.ctr("images", "import", path)
    os.unlink(path)
    # before a container has used it, nothing is unpacked
    pod = node.run_pod("unpack")
    pod.create("app", ["sleep", "0"], image="localhost/model:1").start().wait_exited()
    pod.remove()
    found = glob.glob(node.dir + "/root/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs/opt/model/weights.bin")
    assert len(found) == 1
    yield "localhost/model:1", found[0]


def why_of(daemon, container):
    return daemon.wait_final("starts", key=container.id)[0]["why"]


def assert_one_file(why, container, path, size=SIZE):
    """This file first, with all that the program read, in the time that it took."""
    stamps = container.stamps()
    assert stamps["bytes"] == size
    file = why["files"][0]
    assert file["path"] == path
    assert not file.get("outside")
    assert file["bytes"] == about(size)
    assert file["size_bytes"] == size
    assert why["disk_bytes"] == about(size)
    span = file["span"]
    assert 0 <= span["from_ns"] - stamps["from"] < 50 * MS
    # what was read ahead is still to be copied, which on a busy machine takes its time
    taken = span["to_ns"] - span["from_ns"]
    assert 0.5 * (stamps["to"] - span["from_ns"]) < taken <= stamps["to"] - span["from_ns"]
    assert 0 < file["busy_ns"] <= taken
    assert file["requests"] > 0 and file["latency_ns"] >= file["busy_ns"]
    assert sum(f["bytes"] for f in why["files"][1:]) < size / 100
    return file


@pytest.mark.parametrize("how", ["read", "mmap", "child"])
def test_a_cold_file_in_a_volume(daemon, pod, models, how):
    path = os.path.join(models, "llama-7b.gguf")
    drop(path)
    container = pod.start("app", ["load", how, "/models/llama-7b.gguf", "8080"], mount=models + ":/models:ro")
    why = why_of(daemon, container)
    file = assert_one_file(why, container, "/models/llama-7b.gguf")
    assert file["device"] == device_of(path)
    _, told = daemon.verb("explain", container.id, "--state-dir", daemon.state)
    assert re.search(r"\n +read /models/llama-7b.gguf %.0fMiB at \d+ MB/s from %s \(cold, "
                     % (file["bytes"] / MB, file["device"]), told), told
    if how == "mmap":
        assert why.get("read_bytes", 0) < MB
    else:
        assert why["read_bytes"] == about(SIZE)


@pytest.mark.parametrize("how", ["read", "mmap"])
def test_a_cold_file_in_the_image(daemon, pod, image, how):
    name, path = image
    drop(path)
    container = pod.start("app", ["load", how, "/opt/model/weights.bin", "8080"], image=name)
    assert_one_file(why_of(daemon, container), container, "/opt/model/weights.bin")


def test_the_second_time_it_is_cached(daemon, pod, models):
    path, words = os.path.join(models, "llama-7b.gguf"), ["load", "read", "/models/llama-7b.gguf"]
    drop(path)
    first = why_of(daemon, pod.start("first", words + ["8080"], mount=models + ":/models"))
    with held(path):
        why = why_of(daemon, pod.start("second", words + ["8081"], mount=models + ":/models"))
    assert first["disk_bytes"] >= SIZE
    assert why["reads_measured"]
    assert not why.get("disk_bytes") and not why.get("files"), why.get("files")
    assert why["read_bytes"] == about(SIZE)


def test_two_at_once_are_told_apart(daemon, node, pod, models, image):
    other = node.run_pod("other")
    write(os.path.join(models, "second.bin"), 200 * MB)
    drop(os.path.join(models, "llama-7b.gguf"))
    one = pod.create("app", ["load", "read", "/models/llama-7b.gguf", "8080"], mount=models + ":/models")
    two = other.create("app", ["load", "mmap", "/data/second.bin", "8080"], mount=models + ":/data")
    starts = [subprocess.Popen([node.build + "/cri", "start", "id=" + c.id], env=dict(os.environ, CRI_SOCKET=node.socket))
              for c in (one, two)]
    assert [start.wait() for start in starts] == [0, 0]
    assert_one_file(why_of(daemon, one), one, "/models/llama-7b.gguf")
    assert_one_file(why_of(daemon, two), two, "/data/second.bin", 200 * MB)
    other.remove()


def test_direct_io_has_no_file(daemon, pod, models):
    """It does not go through the page cache: which file it is can't be seen, how much it is can."""
    drop(os.path.join(models, "llama-7b.gguf"))
    container = pod.start("app", ["load", "direct", "/models/llama-7b.gguf", "8080"], mount=models + ":/models")
    why = why_of(daemon, container)
    assert container.stamps()["bytes"] == SIZE
    assert why["disk_bytes"] == about(SIZE)
    assert SIZE / 100 > sum(f["bytes"] for f in why.get("files", []))


@pytest.fixture(name="disk")
def a_file_system_of_its_own(node):
    """On a loop device, whose own reads are nobody's in a container."""
    folder, image = tempfile.mkdtemp(dir=node.dir), node.dir + "/disk.img"
    with open(image, "wb") as file:
        file.truncate(64 * MB)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    write(folder + "/data.bin", 30 * MB)
    drop(image)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    os.unlink(image)


def test_a_volume_with_a_file_system_of_its_own(daemon, pod, disk):
    container = pod.start("app", ["load", "read", "/data/data.bin", "8080"], mount=disk + ":/data")
    why = why_of(daemon, container)
    assert [(f["path"], f["device"], f["bytes"]) for f in why["files"][:1]] == [
        ("/data/data.bin", device_of(disk), 30 * MB)]
    assert why["disk_bytes"] == about(30 * MB)


@pytest.fixture(name="server")
def a_file_system_without_a_disk(node):
    with file_server(node, "100") as folder:
        yield folder


@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="this kernel has no FUSE")
@pytest.mark.parametrize("how", ["read", "mmap"])
def test_a_file_server(daemon, pod, server, how):
    words = ["load", how, "/models/model.bin", "8080"]
    container = pod.start("app", words, mount=server + ":/models")
    why = why_of(daemon, container)
    file = why["files"][0]
    assert container.stamps()["bytes"] == 100 * MB
    assert (file["path"], file["device"], file["bytes"]) == ("/models/model.bin", "fuse", 100 * MB)
    assert why["disk_bytes"] == about(100 * MB)
    assert "latency_ns" not in file and "requests" not in file
    words[3] = "8081"
    with held(server + "/model.bin"):
        again = why_of(daemon, pod.start("again", words, mount=server + ":/models"))
    assert not again.get("files")


def test_more_small_files_than_are_kept(daemon, pod, node):
    """The largest is told all the same, and no byte is missing in the sum."""
    folder = tempfile.mkdtemp(dir=node.dir)
    for i in range(3000):
        with open(os.path.join(folder, "%04d.pyc" % i), "wb") as file:
            file.write(b"x" * 5000)
    write(os.path.join(folder, "large.bin"), 40 * MB)
    os.sync()
    for name in os.listdir(folder):
        drop(os.path.join(folder, name))
    container = pod.start("app", ["load", "each", "/srv", "8080"], mount=folder + ":/srv")
    why = why_of(daemon, container)
    assert container.stamps()["bytes"] == 3000 * 5000 + 40 * MB
    assert why["files"][0]["path"] == "/srv/large.bin"
    assert why["files"][0]["bytes"] == 40 * MB
    # in blocks, and the directory's own
    assert why["disk_bytes"] == pytest.approx(3000 * 8192 + 40 * MB, rel=0.02)
    assert why["read_bytes"] == container.stamps()["bytes"] + container.stamps()["looked"]
    assert daemon.records("gaps") == []


def test_it_ends_without_listening(daemon, pod, models):
    drop(os.path.join(models, "llama-7b.gguf"))
    container = pod.start("app", ["load", "read", "/models/llama-7b.gguf"], mount=models + ":/models")
    container.wait_exited()
    why = why_of(daemon, container)
    assert_one_file(why, container, "/models/llama-7b.gguf")
    assert why["read_bytes"] == about(SIZE)
