# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes with one node, in a network namespace and a temporary folder of its own.

    with Cluster(build="build") as cluster:
        cluster.apply({"apiVersion": "v1", "kind": "Pod", ...})
        print(cluster.kubectl("get", "pods"))
"""

from .api import ApiError  # noqa: F401
from .cluster import Cluster  # noqa: F401
