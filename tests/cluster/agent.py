# SPDX-License-Identifier: Apache-2.0
"""The agent as a DaemonSet, from its image and the shipped manifests."""

import json
import os
import subprocess
import time

from node.processes import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events"
SOON = 2  # seconds within which something is told
# so that a test need not wait half a minute for a start to be slow, or for the next annotation
SETTINGS = {"NODEWAKE_SLOW_START": "1500ms", "NODEWAKE_ANNOTATION_INTERVAL": "500ms"}


def deploy(cluster, build, folder):
    """kubectl apply -k of an overlay, made in the folder, upon the shipped one; returns the Agent when it is Ready."""
    cluster.import_image(os.path.join(build, "nodewake-image.tar"))
    shipped = os.path.join(ROOT, "deploy", "overlays", "generic-no-policy")
    patch = [{"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": name, "value": value}}
             for name, value in dict(SETTINGS, NODEWAKE_CNI_DIRS=cluster.node.dir + "/cni-bin/:/usr/lib/cni/").items()]
    with open(folder + "/kustomization.yaml", "w", encoding="utf-8") as file:
        json.dump({"resources": [os.path.relpath(shipped, os.path.realpath(folder))],
                   "patches": [{"target": {"kind": "DaemonSet"}, "patch": json.dumps(patch)}]}, file)
    begin = time.monotonic()
    cluster.apply(folder)
    path = "/apis/apps/v1/namespaces/nodewake/daemonsets/nodewake"
    cluster.wait(path, lambda d: d["status"].get("numberReady") == d["status"].get("desiredNumberScheduled") == 1, 90)
    print("\nDaemonSet: Ready %.1f s after kubectl apply -k" % (time.monotonic() - begin))
    pod, = cluster.get("/api/v1/namespaces/nodewake/pods")["items"]
    agent = Agent(cluster, pod["metadata"]["name"])
    agent.wait_line("agent", "watching since", seconds=10)
    return agent


class Agent:
    """The agent's pod."""

    def __init__(self, cluster, pod):
        self.cluster, self.pod = cluster, pod
        self.described = []  # lines

    def describe(self, pod):
        """What kubectl describe says of our Events on the pod; kept for the golden file."""
        told = self.cluster.kubectl("describe", "pod", pod)
        lines = [line for line in told[told.index("Events:"):].splitlines() if " nodewake.io/agent " in line]
        self.described += lines
        return "\n".join(lines)

    def status(self):
        """Also where it is not well, which its exit code says."""
        done = subprocess.run(self.cluster.inside(
            "kubectl", "--kubeconfig", self.cluster.kubeconfig, "--namespace", "nodewake", "exec", self.pod, "--",
            "nodewake", "status", "--output", "json"), capture_output=True, text=True, check=False)
        return json.loads(done.stdout)

    def run(self, *words):
        return self.cluster.kubectl("--namespace", "nodewake", "exec", self.pod, "--", "nodewake", *words)

    def line(self, name):
        node = self.cluster.get("/api/v1/nodes/" + self.cluster.node_name)
        return node["metadata"]["annotations"].get("nodewake.io/" + name, "")

    def wait_line(self, name, *parts, seconds=SOON):
        return wait_until(lambda: all(part in self.line(name) for part in parts) and self.line(name), seconds,
                          "%s with %s: it is %r" % (name, parts, self.line(name)))

    def events(self, pod):
        return [e for e in self.cluster.get(EVENTS)["items"]
                if e["regarding"].get("name") == pod and e.get("reportingController") == "nodewake.io/agent"]

    def wait_event(self, pod, reason, seconds=SOON, count=1):
        def there():
            return [e for e in self.events(pod) if e["reason"] == reason
                    and (e.get("series") or {}).get("count", 1) >= count]
        found = wait_until(there, seconds, "%s on %s; there are %s" % (
            reason, pod, [(e["reason"], e["note"]) for e in self.events(pod)]))
        return found[0]
