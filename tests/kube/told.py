# SPDX-License-Identifier: Apache-2.0
"""A daemon that tells an API server, and what is found there."""

import datetime
import json

from node.processes import wait_until

SOON = 2  # seconds within which something is told
CONTROLLER = "nodewake.io/agent"


class Told:
    """api: a FakeApi or a RealApi; daemon: what tells it."""

    def __init__(self, node, api, daemon):
        self.node, self.api, self.daemon = node, api, daemon

    def events(self, reason="", pod=""):
        return [e for e in self.api.events() if e.get("reportingInstance") == self.node.name
                and reason in ("", e["reason"]) and pod in ("", e["regarding"]["name"])]

    def event(self, reason, pod, seconds=SOON, count=1):
        """Waits for the one Event of this reason on this pod."""
        def there():
            found = self.events(reason, pod)
            return found if found and counts(found[0]) >= count else None
        found = wait_until(there, seconds, "%s on %s; there are %s" % (
            reason, pod, [(e["reason"], e["note"]) for e in self.events(pod=pod)]))
        assert len(found) == 1, found
        return found[0]

    def line(self, name):
        return self.api.annotations(self.node.name).get("nodewake.io/" + name, "")

    def wait_line(self, name, *parts, seconds=SOON):
        """Waits until the line has all the parts."""
        return wait_until(lambda: all(part in self.line(name) for part in parts) and self.line(name), seconds,
                          "%s with %s: it is %r" % (name, parts, self.line(name)))

    def writes(self):
        return [r for r in self.api.requests if r["method"] != "GET"]

    def check_form(self, event, pod, container):
        """All that Kubernetes and kubectl describe need."""
        assert event["metadata"]["namespace"] == pod.namespace
        assert event["metadata"]["name"].startswith(pod.name + ".")
        assert event["regarding"] == {"kind": "Pod", "apiVersion": "v1", "namespace": pod.namespace, "name": pod.name,
                                      "uid": pod.uid, "fieldPath": "spec.containers{%s}" % container}
        assert event["related"]["kind"] == "Node" and event["related"]["name"] == self.node.name
        assert event["reportingController"] == CONTROLLER
        assert event["reportingInstance"] == self.node.name


def counts(event):
    return (event.get("series") or {}).get("count", 1)


def wall_ns(text):
    at = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
    return round(at.timestamp() * 1000000) * 1000


def wall_of(record):
    return record["boot_ns"] + record["wall_offset_ns"]


def sent(request):
    """What the body of a logged request says."""
    return json.loads(request["body"] or b"{}")


def quantile(values, part):
    """The smallest value that so large a part of them does not exceed."""
    return sorted(values)[max(0, -(-len(values) * part // 100) - 1)]
