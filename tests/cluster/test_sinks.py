# SPDX-License-Identifier: Apache-2.0
"""What the API server is told: the tests that run with the fake one, with a real Kubernetes."""

import pytest

from kube.contract import *  # noqa: F403 # pylint: disable=wildcard-import,unused-wildcard-import
from node import Node

from .api import ApiError
from .conftest import BUILD
from .real_api import RealApi, give_rights


@pytest.fixture(scope="module", name="node")
def another_node(cluster):
    """Its containerd has no kubelet, which would end pods that it does not know; the API server knows it as a Node."""
    with Node(BUILD, slow_cni_seconds=0) as node:
        cluster.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name}})
        # 1.20's controller manager does not survive a Node without this condition
        cluster.api.request("PATCH", "/api/v1/nodes/%s/status" % node.name, {"status": {"conditions": [
            {"type": "Ready", "status": "True", "reason": "Test"}]}}, "application/strategic-merge-patch+json")
        yield node
        cluster.kubectl("delete", "node", node.name)


@pytest.fixture(scope="module", name="real")
def the_real_one(cluster):
    give_rights(cluster)
    return RealApi(cluster)


@pytest.fixture(name="api")
def a_clean_one(real, node):
    for namespace in ("shop", "kube-system"):  # of pods, of the Node
        real.cluster.kubectl("--namespace", namespace, "delete", "events", "--all")
    yield real
    real.cluster.kubectl("annotate", "node", node.name, "mine-", *(
        name + "-" for name in real.annotations(node.name) if name.startswith("nodewake.io/")))


ANNOTATED = {"metadata": {"annotations": {"nodewake.io/agent": "x"}}}


@pytest.mark.parametrize("method, path, body", [
    ("GET", "/api/v1/namespaces/default/secrets", None),
    ("GET", "/api/v1/secrets", None),
    ("GET", "/api/v1/configmaps", None),
    ("GET", "/apis/events.k8s.io/v1/events", None),
    ("POST", "/api/v1/namespaces/default/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "evil"}}),
    ("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "made"}}),
    ("DELETE", "/api/v1/nodes/{node}", None),
    ("DELETE", "/api/v1/namespaces/default/pods/any", None),
    ("PATCH", "/api/v1/nodes/{node}/status", ANNOTATED),
    ("PATCH", "/api/v1/namespaces/default/pods/any", ANNOTATED),
    ("POST", "/api/v1/namespaces/told/serviceaccounts/nodewake/token",
     {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}),
])
def test_the_agents_token_may_not(real, node, method, path, body):
    with pytest.raises(ApiError) as refused:
        real.as_agent().request(method, path.format(node=node.name), body,
                                "application/merge-patch+json" if method == "PATCH" else "application/json")
    assert refused.value.status == 403, refused.value
