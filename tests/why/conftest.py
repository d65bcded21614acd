# SPDX-License-Identifier: Apache-2.0
"""One private node with an API server beside it: most of these programs listen long before they can answer."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from kube.fake_api import FakeApi  # noqa: E402
from kube.fake_api import node as api_node  # noqa: E402
from node import Daemon, Node, images  # noqa: E402

BUILD = os.environ.get("BUILD", "build")


@pytest.fixture(scope="session", name="node")
def one_node():
    with Node(BUILD) as node:
        os.chmod(node.dir, 0o711)  # a database's files are its own user's
        path = node.dir + "/host.tar"
        images.write_host(path)
        node.ctr("images", "import", path)
        yield node


@pytest.fixture(scope="session", name="api")
def one_api(node, tmp_path_factory):
    with FakeApi(str(tmp_path_factory.mktemp("api"))) as api:
        api.objects.create("nodes", "", api_node(node.name))
        yield api


@pytest.fixture(scope="session", name="daemon")
def one_daemon(node, api):
    with Daemon(node, kubeconfig=api.kubeconfig) as daemon:
        yield daemon
