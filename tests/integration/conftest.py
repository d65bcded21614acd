# SPDX-License-Identifier: Apache-2.0
"""One private node for all tests; each test gets a daemon of its own with an empty store."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from node import Daemon, Node  # noqa: E402

pytest.register_assert_rewrite("kube.contract", "kube.told")
BUILD = os.environ.get("BUILD", "build")


def pytest_configure(config):
    config.told_at_the_end = []


def pytest_terminal_summary(terminalreporter, config):
    for table in config.told_at_the_end:
        terminalreporter.write_line(table.text())


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
