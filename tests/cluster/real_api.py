# SPDX-License-Identifier: Apache-2.0
"""The real API server, with what the tests in kube/contract.py ask of it; the log of requests is its audit log."""

import datetime
import json
import os
import time
from urllib.parse import unquote

from .api import Api

METHODS = {"create": "POST", "patch": "PATCH", "update": "PUT", "delete": "DELETE"}
RIGHTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "base", "rbac.yaml")
NAMESPACE = "told"


def give_rights(cluster, namespace=NAMESPACE):
    """A service account with the shipped rights in a namespace of its own, beside the one of the DaemonSet."""
    items = cluster.manifest("-f", RIGHTS)
    for item in items:
        if item["kind"] == "ServiceAccount":
            item["metadata"]["namespace"] = namespace
        else:
            item["metadata"]["name"] = namespace
        for subject in item.get("subjects", ()):
            subject["namespace"] = namespace
        if "roleRef" in item:
            item["roleRef"]["name"] = namespace
    cluster.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                   for name in (namespace, "shop")] + items)


class RealApi:
    """See FakeApi."""

    def __init__(self, cluster):
        self.cluster = self.inside = cluster
        self.user = "system:serviceaccount:%s:nodewake" % NAMESPACE
        self.kubeconfig = cluster.account_kubeconfig(NAMESPACE, "nodewake")
        self.token = cluster.api.token
        self.connect = cluster.api.connect
        self.stop, self.start = cluster.stop_apiserver, cluster.start_apiserver

    def as_agent(self):
        """An Api with the agent's token."""
        return Api(self.cluster.api.netns, self.cluster.keys.ca, self.cluster.account_token(NAMESPACE, "nodewake"))

    # --- what is there

    def events(self):
        return self.cluster.get("/apis/events.k8s.io/v1/events")["items"]

    def delete_event(self, event):
        self.cluster.kubectl("--namespace", event["metadata"]["namespace"], "delete", "event", event["metadata"]["name"])

    def annotations(self, node_name):
        return self.cluster.get("/api/v1/nodes/" + node_name)["metadata"].get("annotations", {})

    def annotate(self, node_name, name, value):
        self.cluster.kubectl("annotate", "node", node_name, "%s=%s" % (name, value))

    # --- what the agent asked

    @property
    def requests(self):
        offset = time.time() - time.monotonic()
        found = []
        for entry in self.cluster.audited():
            if entry["user"]["username"] == self.user and entry["stage"] != "ResponseStarted":
                at = datetime.datetime.fromisoformat(entry["requestReceivedTimestamp"].replace("Z", "+00:00"))
                found.append({"method": METHODS.get(entry["verb"], "GET"), "line": unquote(entry["requestURI"]),
                              "status": entry.get("responseStatus", {}).get("code"),
                              "body": json.dumps(entry.get("requestObject", {})), "at": at.timestamp() - offset})
        return found

    def found(self, method="", part=""):
        return [r for r in self.requests if method in ("", r["method"]) and part in r["line"]]

    def count(self, method="", part=""):
        return len(self.found(method, part))
