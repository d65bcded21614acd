# SPDX-License-Identifier: Apache-2.0
"""The program with the simulated nodes, in a network of its own beside the API server's: what it sends is counted there."""

import json
import os
import subprocess
import threading
import time

from cluster import Cluster
from cluster.machine import SERVICE_IP
from cluster.real_api import give_rights
from node.node import run
from node.processes import end, wait_until

from .incidents import NAMESPACE, pod_name

PREFIX = "sim"
FLEET_IP, CLUSTER_IP = "198.51.100.1", "198.51.100.2"  # for documentation, RFC 5737
ACCOUNT = "fleet"
IMAGES = [{"names": ["registry.example/team/service-%d@sha256:%064d" % (i, i), "registry.example/team/service-%d:1" % i],
           "sizeBytes": 10 ** 8} for i in range(50)]  # as many as a kubelet tells

STARTED = "2026-01-01T00:00:00Z"
RUNNING = {"phase": "Running", "startTime": STARTED,  # else each agent would ask what they wait for
           "conditions": [{"type": kind, "status": "True", "lastTransitionTime": STARTED}
                          for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
           "containerStatuses": [{"name": "app", "image": "localhost/cast:1", "imageID": "", "ready": True, "restartCount": 0,
                                  "containerID": "containerd://" + 64 * "a", "state": {"running": {"startedAt": STARTED}}}]}


class ApiServer(Cluster):
    """etcd and the API server, without controllers: they would mourn nodes that have no kubelet."""

    def _start_all(self):
        self._start_etcd()
        self.start_apiserver()

    def cpu_seconds(self, name):
        with open("/proc/%d/stat" % self.running[name].pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def etcd_bytes(self):
        text = run(*self.inside("curl", "-s", "http://127.0.0.1:2379/metrics"))
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith("etcd_mvcc_db_total_size_in_bytes ")))


class Fleet:
    """COUNT nodes with so many pods each; a context manager."""

    def __init__(self, build, cluster, count, pods):
        self.cluster, self.count, self.pods = cluster, count, pods
        self.program = os.path.abspath(build + "/fleet")
        self.netns = cluster.node.name + "-fleet"
        self.process = None
        self.lock = threading.Lock()

    def __enter__(self):
        try:
            give_rights(self.cluster, ACCOUNT)
            self._make_objects()
            self._make_network()
            token = self.cluster.account_token(ACCOUNT, "nodewake", 4 * 3600)
            config = self.cluster.write_kubeconfig("fleet", token, "https://%s:443" % SERVICE_IP)
            os.mkdir(self.cluster.dir + "/fleet")
            self.process = subprocess.Popen(
                ("nsenter", "--net=/run/netns/" + self.netns, self.program, config, self.cluster.dir + "/fleet", PREFIX,
                 str(self.count)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        if self.process:
            end(self.process)
        subprocess.run(("ip", "netns", "delete", self.netns), check=False)

    def _make_objects(self):
        """Nodes as large as a kubelet makes them, with pods."""
        for i in range(self.count):
            self.cluster.api.request("POST", "/api/v1/nodes", {
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": "%s-%d" % (PREFIX, i)}})
            self.cluster.api.request("PATCH", "/api/v1/nodes/%s-%d/status" % (PREFIX, i), {"status": {"images": IMAGES}},
                                     "application/merge-patch+json")
        self.cluster.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}])
        for i in range(self.count):
            for j in range(self.pods):
                self.cluster.api.request("POST", "/api/v1/namespaces/%s/pods" % NAMESPACE, {
                    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod_name(i, j), "namespace": NAMESPACE},
                    "spec": {"nodeName": "%s-%d" % (PREFIX, i), "automountServiceAccountToken": False,
                             "containers": [{"name": "app", "image": "localhost/cast:1"}]}})
                self.cluster.api.request("PATCH", "/api/v1/namespaces/%s/pods/%s/status" % (NAMESPACE, pod_name(i, j)),
                                         {"status": RUNNING}, "application/merge-patch+json")

    def _make_network(self):
        run("ip", "netns", "add", self.netns)
        run("ip", "link", "add", "fleet0", "netns", self.netns, "type", "veth",
            "peer", "name", "fleet1", "netns", self.cluster.node.name)
        for netns, link, address in ((self.netns, "fleet0", FLEET_IP), (self.cluster.node.name, "fleet1", CLUSTER_IP)):
            run("ip", "-n", netns, "address", "add", address + "/30", "dev", link)
            run("ip", "-n", netns, "link", "set", link, "up")
        run("ip", "-n", self.netns, "link", "set", "lo", "up")
        run("ip", "-n", self.netns, "route", "add", SERVICE_IP, "via", CLUSTER_IP)

    def tell(self, **line):
        with self.lock:
            self.process.stdin.write(json.dumps(line) + "\n")
            self.process.stdin.flush()

    def stats(self):
        with self.lock:
            self.process.stdin.write('{"stats": true}\n')
            self.process.stdin.flush()
            told = json.loads(self.process.stdout.readline())
        told["writes"] = told["post"] + told["apply"] + told["merge"]
        link = json.loads(run("ip", "-n", self.netns, "-j", "-s", "link", "show", "fleet0"))[0]["stats64"]
        told["sent"], told["received"] = link["tx"]["bytes"], link["rx"]["bytes"]
        told["server_cpu"] = self.cluster.cpu_seconds("kube-apiserver")
        told["etcd_cpu"] = self.cluster.cpu_seconds("etcd")
        return told

    def wait_settled(self, seconds=300):
        """Until nothing waits to be written."""
        def settled():
            time.sleep(1)
            told = self.stats()
            return not told["pending"] and not told["unreachable"]
        wait_until(settled, seconds, "a settled fleet")
