# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all tests on a private node: one node for all, and for each test a daemon with an empty store."""

import os
import shutil
import subprocess
import tempfile

import pytest

from .daemon import Daemon
from .node import Node

BUILD = os.environ.get("BUILD", "build")


@pytest.fixture(scope="session", name="node")
def one_node():
    with Node(BUILD, registry=True, slow_cni_seconds=0) as node:
        yield node


@pytest.fixture(name="daemon")
def fresh_daemon(node):
    state = tempfile.mkdtemp(dir=node.dir)
    with Daemon(node, state=state) as daemon:
        yield daemon
    shutil.rmtree(state)


@pytest.fixture(name="pod")
def one_pod(node, daemon, request):
    """A pod that the daemon saw from its beginning; named after the test."""
    del daemon
    pod = node.run_pod(request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:60])
    yield pod
    pod.remove()


@pytest.fixture(name="bpffs")
def own_bpffs(node):
    """A BPF file system of the test's own; all that is pinned in it ends with the test."""
    place = tempfile.mkdtemp(dir=node.dir)
    subprocess.run(["mount", "-t", "bpf", "bpf", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)
    os.rmdir(place)


@pytest.fixture(name="pinning")
def pinning_daemon(node, bpffs):
    """A daemon whose probes outlive it."""
    state = tempfile.mkdtemp(dir=node.dir)
    with Daemon(node, "--bpffs", bpffs, state=state) as daemon:
        yield daemon
    shutil.rmtree(state)
