# SPDX-License-Identifier: Apache-2.0
"""What containers wrote last, from their own log files: kept where it was asked for, and only what is theirs."""

import json
import os
import tempfile

import pytest

from node import Daemon, images
from node.processes import wait_until

SECRET = "hunter2"


@pytest.fixture(name="image", scope="module")
def host_image(node):
    path = os.path.join(node.dir, "host.tar")
    images.write_host(path)
    node.ctr("images", "import", path)
    os.unlink(path)
    return "localhost/host:1"


@pytest.fixture(name="watching")
def a_daemon_that_keeps_lines(node):
    with Daemon(node, "--log-lines", "3", state=tempfile.mkdtemp(dir=node.dir)) as daemon:
        yield daemon


def pod_with_logs(node, name):
    logs = tempfile.mkdtemp(dir=node.dir)
    pod = node.run_pod(name, logs=logs)
    pod.logs = logs
    return pod


def shell(pod, image, name, script):
    return pod.create(name, ["-c", script], image=image, program="/bin/sh", mount=["/usr:/usr:ro", "/etc:/etc:ro"])


def death(daemon, container):
    return daemon.wait_final("exits", key=container.id)[0]


def lines(daemon, container):
    return death(daemon, container).get("log", {}).get("text", "")


def test_the_last_lines_are_kept(node, watching, image):
    pod = pod_with_logs(node, "log-last")
    # a pause, since the runtime copies the two streams independently
    last = shell(pod, image, "app", "for i in 1 2 3 4 5; do echo line $i; done; sleep 1; echo bad >&2; exit 3").start()
    assert lines(watching, last) == "line 4\nline 5\nbad\n"
    # the container that writes nothing, and the one whose log nobody keeps
    silent = shell(pod, image, "silent", "exit 3").start()
    assert "log" not in death(watching, silent)
    pod.remove()
    pod = node.run_pod("log-none")
    assert "log" not in death(watching, shell(pod, image, "app", "echo hello; exit 3").start())
    pod.remove()


def test_hostile_lines(node, watching, image):
    """A megabyte without a newline, all bytes, escape codes: bounded, and nothing raw on a terminal."""
    pod = pod_with_logs(node, "log-hostile")
    huge = shell(pod, image, "huge", "head -c 1000000 /dev/zero | tr '\\0' x; printf END; exit 3").start()
    text = lines(watching, huge)
    # CRI has cut it in pieces of 16 KB: the last one, and of the one before it what was read of it
    assert text.endswith("xxxEND\n") and set(text[:-4]) == {"x"} and len(text) < 2048
    binary = shell(pod, image, "binary", "head -c 100000 /dev/urandom; exit 3").start()
    assert len(lines(watching, binary)) > 0  # and the record is read as JSON
    escapes = shell(pod, image, "escapes", r"printf '\033[2Jgone\000 \r.\n%%n\n'; exit 3").start()
    assert lines(watching, escapes) == "\x1b[2Jgone? \r.\n%n\n"
    for words in (("exits",), ("explain", "log-hostile", "-n", "shop")):
        _, shown = watching.verb(*words, "--state-dir", watching.state)
        assert "\x1b" not in shown and "\r" not in shown and "\0" not in shown
    pod.remove()


def test_rotated_and_gone(node, watching, image):
    """The kubelet renames a log while the container writes; then a new one is begun, or there is none."""
    pod = pod_with_logs(node, "log-rotated")
    path = os.path.join(pod.logs, "app_0.log")
    app = shell(pod, image, "app", "echo before; sleep 2; exit 3").start()
    wait_until(lambda: os.path.getsize(path), 10, "a line")
    os.rename(path, path + ".20260101-000000")
    assert "log" not in death(watching, app)
    again = shell(pod, image, "again", "echo before; sleep 2; exit 3").start()
    path = os.path.join(pod.logs, "again_0.log")
    wait_until(lambda: os.path.getsize(path), 10, "a line")
    os.truncate(path, 10)
    assert "log" not in death(watching, again)
    pod.remove()


def test_a_link_in_the_place_of_the_log(node, watching, image):
    """What a container could put there that has its logs' folder mounted."""
    pod = pod_with_logs(node, "log-link")
    secret = os.path.join(node.dir, "secret")
    with open(secret, "w", encoding="ascii") as file:
        file.write("2026-11-28T23:35:27.1Z stdout F %s\n" % SECRET)
    for name, make in (("soft", os.symlink), ("hard", os.link)):
        app = shell(pod, image, name, "echo before; sleep 2; exit 3").start()
        path = os.path.join(pod.logs, name + "_0.log")
        wait_until(lambda: os.path.exists(path), 10, "a line")
        os.unlink(path)
        make(secret, path)
        assert "log" not in death(watching, app)
    pod.remove()
    with open(watching.log, encoding="utf-8") as file:
        assert SECRET not in file.read()


def test_off_by_default(node, daemon, image):
    """Nothing is kept: neither in the store nor where events are recorded."""
    pod = pod_with_logs(node, "log-off")
    app = shell(pod, image, "app", "echo password=%s; exit 3" % SECRET).start()
    assert "log" not in death(daemon, app)
    pod.remove()
    for root, _, files in os.walk(daemon.state):
        for name in files:
            with open(os.path.join(root, name), "rb") as file:
                assert SECRET.encode() not in file.read(), name
    with open(daemon.events, encoding="utf-8") as file:
        assert not [line for line in file if app.id in line and json.loads(line)["type"] == "log-tail"]


def test_the_loaders_complaint(node, daemon, image):
    """A library is missing: glibc's loader says so in the log, and it is told without --log-lines."""
    pod = pod_with_logs(node, "log-loader")
    folder = tempfile.mkdtemp(dir=node.dir)
    with open("/bin/true", "rb") as file:
        program = file.read()
    # the same program, but for the name of the library that it needs
    assert program.count(b"libc.so.6\0") == 1
    with open(folder + "/app", "wb") as file:
        file.write(program.replace(b"libc.so.6\0", b"libq.so.6\0"))
    os.chmod(folder + "/app", 0o755)
    mounts = ["/usr:/usr:ro", "/etc:/etc:ro", folder + ":/data:ro"]
    app = pod.create("app", [], image=image, program="/data/app", mount=mounts).start()
    record = death(daemon, app)
    assert record["failed"] == {"kind": "library", "what": "libq.so.6", "text": "no such shared library"}
    assert record["code"] == 127 and "log" not in record
    # the same words from a program that goes on, or that ends otherwise
    words = "/app: error while loading shared libraries: libq.so.6: cannot open shared object file: No such file"
    for name, script in (("later", "echo '%s' >&2; sleep 7; exit 127" % words), ("other", "echo '%s' >&2; exit 3" % words),
                         ("inside", "echo '%s' >&2; echo hello >&2; exit 127" % words)):
        assert "failed" not in death(daemon, shell(pod, image, name, script).start()), name
    pod.remove()
