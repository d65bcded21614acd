# SPDX-License-Identifier: Apache-2.0
"""The whole Kubernetes of tests/cluster in a machine that boots: its programs on a second drive, its files and units."""

import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from cluster import kubelet
from cluster.cluster import ISSUER, binaries
from cluster.keys import Keys, kubeconfig
from cluster.machine import SERVICE_RANGE
from node.node import run
from node.processes import wait_until

from . import Machine, MachineError
from .install import PROGRAMS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RIGHTS = ROOT + "/deploy/base/rbac.yaml"
NODE = "vm"
NODE_IP = "10.0.2.15"
PORT = 6443
SERVER = "https://127.0.0.1:%d"
BIN = "/opt/kubernetes"
ETC = "/etc/kubernetes"
UNITS = "/etc/systemd/system/"
SOCKET = "/run/containerd/containerd.sock"
AGENT = "system:serviceaccount:nodewake:nodewake"  # whom deploy/base/rbac.yaml gives its rights
MEMORY = 3072
PERIOD = 2  # of the readiness probes, s

UNIT = """# SPDX-License-Identifier: Apache-2.0
[Unit]
Description=%(name)s
RequiresMountsFor=%(bin)s
%(order)s
[Service]
Type=%(type)s
ExecStart=%(bin)s/%(name)s %(words)s
Restart=always
RestartSec=2
# an emulated CPU is slow: less garbage collection, no hurry
Environment=GOGC=400
TimeoutStartSec=10min
%(more)s
"""
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
# all others watch what this test has not
CONTROLLERS = "deployment,replicaset,namespace,serviceaccount,serviceaccount-token,root-ca-cert-publisher,nodelifecycle"
URL = "http://127.0.0.1:2379"
APISERVER = (
    "--etcd-servers=" + URL, "--bind-address=0.0.0.0", "--secure-port=%d" % PORT, "--advertise-address=" + NODE_IP,
    "--tls-cert-file=%s/server.crt" % ETC, "--tls-private-key-file=%s/server.key" % ETC,
    "--token-auth-file=%s/tokens.csv" % ETC, "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
    "--service-account-key-file=%s/accounts.pub" % ETC, "--service-account-signing-key-file=%s/accounts.key" % ETC,
    "--service-account-issuer=" + ISSUER, "--service-cluster-ip-range=" + SERVICE_RANGE,
    "--enable-priority-and-fairness=false", "--endpoint-reconciler-type=none", "--kubelet-preferred-address-types=InternalIP")


def unit(name, words, type_="simple", order="", more=""):
    return UNIT % {"name": name, "words": " \\\n\t".join(words), "type": type_, "order": order, "more": more, "bin": BIN}


def units(version):
    """As one finds them: what needs another program is ordered after it, and the kubelet waits for containerd only."""
    config = ["--kubeconfig=%s/%%s.kubeconfig" % ETC, "--leader-elect=false", "--bind-address=127.0.0.1"]
    after = "After=kube-apiserver.service\n"
    return {
        "etcd": unit("etcd", ["--data-dir=/var/lib/etcd", "--listen-client-urls=" + URL, "--advertise-client-urls=" + URL,
                              "--listen-peer-urls=http://127.0.0.1:2380", "--heartbeat-interval=1000",
                              "--election-timeout=5000"], "notify", "After=network.target\n"),
        "kube-apiserver": unit("kube-apiserver", APISERVER, "notify", "Wants=etcd.service\nAfter=etcd.service\n"),
        "kube-controller-manager": unit("kube-controller-manager", [
            config[0] % "admin", *config[1:], "--controllers=" + CONTROLLERS,
            "--service-account-private-key-file=%s/accounts.key" % ETC, "--root-ca-file=%s/server.crt" % ETC,
            "--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins"], order=after),
        "kube-scheduler": unit("kube-scheduler", [config[0] % "scheduler", *config[1:]], order=after),
        "kubelet": unit("kubelet", [
            "--config=%s/kubelet.json" % ETC, config[0] % "kubelet", "--node-ip=" + NODE_IP, "--hostname-override=" + NODE,
            "--housekeeping-interval=60s",
            *kubelet.flags(version, SOCKET)], order="Wants=containerd.service\nAfter=containerd.service\n",
            more="KillMode=process"),
    }


def readiness(port):
    return {"tcpSocket": {"port": port}, "periodSeconds": PERIOD}


def pod_spec(*words, image="localhost/cast:1", **more):
    return {"terminationGracePeriodSeconds": 0, "containers": [dict({
        "name": "main", "image": image, "args": list(words),
        "imagePullPolicy": "Never" if image.startswith("localhost/") else "IfNotPresent"}, **more)]}


def deployment(name, replicas, spec):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": spec}}}


def condition(item, kind):
    """Of a Node or a Pod."""
    return next((c for c in item["status"].get("conditions", ()) if c["type"] == kind), {"status": "Unknown"})


PATHS = {
    "ServiceAccount": "/api/v1/namespaces/nodewake/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Deployment": "/apis/apps/v1/namespaces/default/deployments",
}


def rights():
    """What deploy/ gives the agent, as JSON; no API server is asked."""
    text, at, found = run("kubectl", "label", "--local", "-f", RIGHTS, "test=boot", "--output", "json"), 0, []
    while at < len(text):
        item, at = json.JSONDecoder().raw_decode(text, at)
        found.append(item)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


class Kubernetes:
    """What such a machine has, and the host's door to its API server. folder: for keys and the drive."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.bin = binaries()
        self.version = kubelet.version(self.bin + "/kubelet")
        self.keys = Keys(folder + "/keys", NODE)
        self.agent_token = self.keys.tokens["admin"][::-1]
        with open(self.keys.tokens_file, "a", encoding="utf-8") as file:
            file.write("%s,%s,agent,system:serviceaccounts\n" % (self.agent_token, AGENT))
        self.machine = None
        self.tls = ssl.create_default_context(cafile=self.keys.ca)

    def make_machine(self, settings=()):
        """Not booted yet. settings: the agent's."""
        vm = self.folder + "/vm"
        os.mkdir(vm)
        self.machine = Machine(self.build, vm, files=self._files(settings), memory=MEMORY, drives=[self._drive()],
                               forward=[PORT])
        return self.machine

    def _drive(self):
        programs, drive = self.folder + "/programs", self.folder + "/programs.ext4"
        os.mkdir(programs)
        for name in CONTROL_PLANE + ("kubelet",):
            path = os.path.join(self.bin, name)
            shutil.copy(path if os.path.exists(path) else "/usr/bin/" + name, programs)
        with open(drive, "wb") as file:
            file.truncate(768 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", programs, drive], check=True,
                       env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
        shutil.rmtree(programs)
        return drive

    def _files(self, settings):
        told = {"/etc/fstab": "/dev/vdb %s ext4 ro 0 0\n" % BIN,
                UNITS + "cast-pods.service": "-> /dev/null",
                "/etc/default/nodewake": "".join(line + "\n" for line in (
                    "NODEWAKE_KUBECONFIG=%s/nodewake.kubeconfig" % ETC, "NODEWAKE_NODE_NAME=" + NODE, *settings))}
        for name, text in units(self.version).items():
            told[UNITS + name + ".service"] = text
            told["%smulti-user.target.wants/%s.service" % (UNITS, name)] = "-> ../%s.service" % name
        for path in (self.keys.ca, self.keys.key, self.keys.accounts, self.keys.accounts_public, self.keys.tokens_file):
            with open(path, encoding="utf-8") as file:
                told["%s/%s" % (ETC, os.path.basename(path))] = file.read()
        for user, token in dict(self.keys.tokens, nodewake=self.agent_token).items():
            told["%s/%s.kubeconfig" % (ETC, user)] = kubeconfig(ETC + "/server.crt", token, SERVER % PORT)
        config = kubelet.configuration(self.version, "/", SOCKET)
        config.update(address="0.0.0.0", staticPodPath=ETC + "/manifests")
        del config["nodeStatusUpdateFrequency"]
        told[ETC + "/kubelet.json"] = json.dumps(config)
        told[ETC + "/manifests/static.json"] = json.dumps({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "static", "namespace": "default"},
            "spec": dict(pod_spec("listen", "8083", "300", readinessProbe=readiness(8083)), hostNetwork=True)})
        return told

    # --- its API server

    # Not curl, nor ?pretty: jsoniter, as 1.20 has it, faults in programs that Go 1.18 or later built.
    def _request(self, path, item=None):
        request = urllib.request.Request(
            (SERVER % self.machine.ports[PORT]) + path, None if item is None else json.dumps(item).encode(),
            {"Authorization": "Bearer " + self.keys.tokens["admin"], "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60, context=self.tls) as answer:
            return json.load(answer)

    def get(self, path):
        """The JSON of a path; OSError where it is refused, or nobody answers."""
        return self._request(path)

    def wait(self, path, true, seconds):
        last = [None]

        def enough():
            try:
                last[0] = self.get(path)
                return last[0] if true(last[0]) else time.sleep(1)
            except (OSError, ValueError) as error:
                last[0] = str(error)
                return time.sleep(1)
        try:
            return wait_until(enough, seconds, path)
        except TimeoutError as error:
            raise TimeoutError("%s; last seen: %s" % (error, json.dumps(last[0])[:3000])) from None

    def create(self, path, item):
        """Once more until it is there."""
        def tried():
            try:
                self._request(path, item)
                return True
            except urllib.error.HTTPError as error:
                if error.code == 409:
                    return True
                print("%s: %s" % (path, error.read().decode()[:500]), flush=True)
            except OSError:
                pass
            return time.sleep(2)
        wait_until(tried, 300, "%s %s" % (item["kind"], item["metadata"]["name"]))

    def node(self):
        return self.get("/api/v1/nodes/" + NODE)

    def pods(self):
        return self.get("/api/v1/pods")["items"]

    def events(self):
        """The agent's, about the Node."""
        return [e for e in self.get("/apis/events.k8s.io/v1/events?limit=500")["items"]
                if e.get("reportingController") == "nodewake.io/agent" and e["regarding"]["kind"] == "Node"]

    # --- its first boot

    def set_up(self, items, seconds=600):
        """Images, the agent's rights, and what is to run."""
        self.machine.boot()
        self.machine.wait("ctr version", 120, "containerd's answer")
        for image in ("pause", "cast"):
            self.machine.run("ctr -n k8s.io images import %s/%s.tar" % (PROGRAMS, image), seconds=120)
        self.wait("/api/v1/nodes/" + NODE, lambda node: condition(node, "Ready")["status"] == "True", seconds)
        self.wait("/api/v1/namespaces/default/serviceaccounts/default", lambda account: account.get("secrets"), seconds)
        self.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "nodewake"}})
        for item in rights():
            self.create(PATHS[item["kind"]], item)
        for item in items:
            self.create(PATHS[item["kind"]], item)

    def wait_ready(self, number, seconds=600):
        """Until so many pods are Ready; returns them."""
        def enough(told):
            return sum(condition(pod, "Ready")["status"] == "True" for pod in told["items"]) == number
        return self.wait("/api/v1/pods", enough, seconds)["items"]

    def keep_logs(self, folder):
        self.machine.keep_logs(folder)
        for name in ("nodes", "pods", "events"):
            try:
                text = json.dumps(self.get("/api/v1/" + name), indent=1)
            except (OSError, MachineError) as error:
                text = str(error)
            with open("%s/%s.json" % (folder, name), "w", encoding="utf-8") as file:
                file.write(text)
