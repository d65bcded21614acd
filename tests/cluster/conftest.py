# SPDX-License-Identifier: Apache-2.0
"""One cluster for all tests; its logs are kept if one of them failed."""

import os

import pytest

from . import Cluster

BUILD = os.environ.get("BUILD", "build")


@pytest.fixture(scope="session", name="cluster")
def one_cluster(request):
    failed = request.session.testsfailed
    with Cluster(BUILD) as cluster:
        print("\ncluster: Kubernetes %d.%d, ready after %.1f s" % (*cluster.version, cluster.start_seconds), flush=True)
        yield cluster
        if request.session.testsfailed > failed:
            cluster.keep_logs()
