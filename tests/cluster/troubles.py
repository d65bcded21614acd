# SPDX-License-Identifier: Apache-2.0
"""python3 -m cluster.troubles BUILD [NAME ...]: the troubles of docs/troubleshooting.md on a real Kubernetes.

Each is made, shown as an operator would look at it, and removed. What is printed goes into the document, too: each
command below the comment that has its trouble's name and its number.
"""

import json
import os
import re
import subprocess
import sys
import time

from node import Daemon

from . import Cluster

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "troubleshooting.md")
PODS = "/api/v1/namespaces/shop/pods/"


def container(*command, image="localhost/cast:1", **more):
    return dict({"name": "app", "image": image, "args": list(command),
                 "imagePullPolicy": "Never" if image.startswith("localhost/") else "IfNotPresent"}, **more)


def pod(name, *command, spec=None, **more):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": dict({"containers": [container(*command, **more)], "terminationGracePeriodSeconds": 0},
                         **(spec or {}))}


def reason(found):
    status = found["status"].get("containerStatuses", [{"state": {}}])[0]
    return status["state"].get("waiting", {}).get("reason", "")


def restarts(found):
    return found["status"].get("containerStatuses", [{}])[0].get("restartCount", 0)


class Operator:
    """Types commands in the cluster's network and among its mounts, and shows what comes."""

    def __init__(self, cluster, daemon):
        self.cluster = cluster
        self.told = []
        self.environment = dict(
            os.environ, PATH=cluster.node.build + ":" + os.environ["PATH"], KUBECONFIG=cluster.kubeconfig,
            NODEWAKE_SOCKET=daemon.socket, NODEWAKE_STATE_DIR=daemon.state, NODEWAKE_NODE_NAME=cluster.node_name)

    def type(self, line):
        print("$ " + line, flush=True)
        done = subprocess.run(self.cluster.inside("sh", "-c", line), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, env=self.environment, check=False)
        text = done.stdout + ("(exit %d)\n" % done.returncode if done.returncode else "")
        print(text, flush=True)
        self.told.append("$ %s\n%s" % (line, text))

    def write(self, name):
        """Into the document, in the place of what was told there before."""
        with open(DOCUMENT, encoding="utf-8") as file:
            document = file.read()
        for number, text in enumerate(self.told):
            mark = "<!-- %s %d -->\n" % (name, number)
            document = re.sub(re.escape(mark) + r"(```\n.*?\n```\n)?", lambda _: "%s```\n%s\n```\n" % (mark, text.strip()),
                              document, count=1, flags=re.S)
        with open(DOCUMENT, "w", encoding="utf-8") as file:
            file.write(document)
        self.told = []

    def apply(self, *items):
        self.cluster.apply(list(items))

    def wait(self, name, true, seconds=400):
        return self.cluster.wait(PODS + name, true, seconds)

    def remove(self, *names):
        self.cluster.kubectl("-n", "shop", "delete", *names, "--wait=true")


def not_starting(operator):
    operator.apply(pod("db", "listen", "5432", spec={"volumes": [{"name": "key", "secret": {"secretName": "db-key"}}]},
                       volumeMounts=[{"name": "key", "mountPath": "/key"}]),
                   pod("model", "listen", "8080", resources={"requests": {"memory": "512Gi"}}),
                   pod("web", "listen", "8080", "60000", readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 5}))
    time.sleep(30)
    operator.type("kubectl -n shop get pods")
    operator.type("nodewake health -n shop")
    operator.type("nodewake explain db -n shop")
    operator.remove("pod/db", "pod/model", "pod/web")


def crash_loop(operator):
    operator.apply(pod("worker", "exit", "3", "100"),
                   pod("cache", "eat", "100", resources={"limits": {"memory": "32Mi"}}))
    for name in ("worker", "cache"):
        operator.wait(name, lambda found: reason(found) == "CrashLoopBackOff" and restarts(found) >= 2)
    operator.type("kubectl -n shop get pods")
    operator.type("kubectl -n shop logs worker --previous")
    operator.type("nodewake health -n shop")
    operator.type("nodewake explain worker -n shop")
    operator.type("nodewake ooms -n shop")
    operator.remove("pod/worker", "pod/cache")


def image_pull(operator):
    operator.apply(pod("shop-api", "listen", "8080", image="localhost:5000/shop-api:1"))
    operator.wait("shop-api", lambda found: reason(found) == "ImagePullBackOff")
    time.sleep(3)
    operator.type("kubectl -n shop get pods")
    operator.type("nodewake health -n shop")
    operator.type("curl -sS http://localhost:5000/v2/_catalog")
    operator.type("nodewake waits -n shop")
    operator.cluster.node.start_registry()
    operator.cluster.node.push_big("shop-api", 40)
    operator.type("nodewake health -n shop --wait 5m")
    operator.type("nodewake pulls --limit 1")
    operator.remove("pod/shop-api")


def pressure(operator):
    operator.apply(pod("pool", "eat-child", "3000", resources={"limits": {"memory": "64Mi"}}))
    operator.wait("pool", lambda found: found["status"].get("phase") == "Running")
    time.sleep(8)
    operator.type("kubectl -n shop get pods")
    operator.type("kubectl describe node | sed -n '/^Conditions/,/^Addresses/p'")
    operator.type("nodewake health")
    operator.type("nodewake ooms -n shop")
    operator.remove("pod/pool")


def scaled_up(operator):
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "stack"}}, "template": {
        "metadata": {"labels": {"app": "stack"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container(
            "listen", "8080", "500", readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 10})]}}}
    operator.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "stack", "namespace": "shop"},
                    "spec": spec})
    operator.type("nodewake health -n shop --wait 2m | tail -n 1")
    operator.type("kubectl -n shop scale deployment stack --replicas=30")
    time.sleep(2)
    operator.type("kubectl -n shop get pods | awk 'NR > 1 { print $3 }' | sort | uniq -c")
    operator.type("nodewake health -n shop --wait 10m")
    operator.type("nodewake starts -n shop --since 5m --sort slowest --limit 5")
    pods = json.loads(operator.cluster.kubectl("-n", "shop", "get", "pods", "-o", "json"))["items"]
    operator.type("nodewake explain %s -n shop" % max(pods, key=ready_at)["metadata"]["name"])
    operator.remove("deployment/stack")


def ready_at(found):
    return next(c["lastTransitionTime"] for c in found["status"]["conditions"] if c["type"] == "Ready")


TROUBLES = {"not-starting": not_starting, "crash-loop": crash_loop, "image-pull": image_pull, "pressure": pressure,
            "scaled-up": scaled_up}


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with Cluster(build) as cluster, Daemon(cluster.node, kubeconfig=cluster.kubeconfig, inside=cluster) as daemon:
        operator = Operator(cluster, daemon)
        cluster.kubectl("create", "namespace", "shop")
        cluster.wait("/api/v1/namespaces/shop/serviceaccounts/default", lambda account: account.get("secrets"))
        for name in sys.argv[2:] or TROUBLES:
            print("## " + name, flush=True)
            TROUBLES[name](operator)
            operator.write(name)


main()
