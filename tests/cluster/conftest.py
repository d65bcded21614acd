# SPDX-License-Identifier: Apache-2.0
"""One cluster for all tests; its logs are kept if one of them failed."""

import os

import pytest

from . import Cluster
from .agent import deploy
from .machine import PLACES, SYSCTLS

pytest.register_assert_rewrite("kube.contract", "kube.told")
BUILD = os.environ.get("BUILD", "build")


def outside():
    """What of the machine a kubelet must not touch; /run/containerd has other users on a machine of developers."""
    told = {place: sorted(os.listdir(place)) if os.path.isdir(place) else [] for place in PLACES
            if place != "/run/containerd"}
    for name in SYSCTLS:
        with open("/proc/sys/" + name, encoding="ascii") as file:
            told[name] = file.read()
    return told


@pytest.fixture(scope="session", name="untouched")
def the_machine_before():
    return outside()


@pytest.fixture(scope="session", name="cluster")
def one_cluster(request, untouched):
    del untouched  # made before
    failed = request.session.testsfailed
    with Cluster(BUILD, registry=True) as cluster:
        print("\ncluster: Kubernetes %d.%d, ready after %.1f s" % (*cluster.version, cluster.start_seconds), flush=True)
        yield cluster
        if request.session.testsfailed > failed:
            cluster.keep_logs()


@pytest.fixture(scope="session", name="agent")
def deployed(cluster, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("overlay"))
    yield deploy(cluster, BUILD, folder)
    cluster.kubectl("delete", "--wait=false", "-k", folder)
