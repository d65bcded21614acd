# SPDX-License-Identifier: Apache-2.0
"""etcd, the API server, controllers, scheduler and kubelet, around a private containerd.

All of it in one network namespace, so ports are the usual ones and two clusters never meet. The API server is
at https://127.0.0.1:443 there, and at the address of the service `kubernetes`: pods find it as everywhere. From
outside, commands go through inside() and requests through a socket that was made in the namespace.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import time

from node.node import run
from node.processes import end, wait_until

from . import kubelet
from .api import Api, ApiError
from .keys import Keys, kubeconfig, write_private
from .machine import NODE_IP, SERVICE_RANGE, Machine

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = "https://127.0.0.1:443"
AUDITED = ("nodewake", "told")
ISSUER = "https://kubernetes.default.svc.cluster.local"


def binaries():
    """The folder of Kubernetes' programs: KUBE_BIN, or what fetch.sh built."""
    return os.environ.get("KUBE_BIN") or run(HERE + "/fetch.sh").splitlines()[-1]


class Cluster:
    """A Kubernetes with one node; a context manager."""

    def __init__(self, build, **options):
        """options: those of Node, e.g. registry=True for one at 127.0.0.1:5000 in the cluster's network."""
        self.bin = os.path.abspath(binaries())
        self.version = kubelet.version(self.bin + "/kubelet")
        self.node = Machine(build, **options)
        self.dir = self.node.dir
        self.node_name = self.node.name
        self.start_seconds = None
        self.kubelet_settings = {}  # beside those of kubelet.py, from its next start on
        self.kubelet_environment = ()  # NAME=VALUE
        self.running = {}  # our processes by name; the node ends them

    def __enter__(self):
        try:
            begin = time.monotonic()
            self.node.__enter__()
            self.keys = Keys(self.dir + "/keys", self.node_name)
            self.kubeconfig = self._kubeconfig_of("admin")
            self.api = Api("/run/netns/" + self.node.name, self.keys.ca, self.keys.tokens["admin"])
            self._start_all()
            self.start_seconds = time.monotonic() - begin
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def _start_all(self):
        self._start_etcd()
        # Early: before all else a kubelet of that age (its cadvisor) asks for Docker, five times in 5 s.
        self.start_kubelet()
        self.start_apiserver()
        self._start_controllers()
        self.wait_ready()

    def __exit__(self, kind, value, trace):
        if kind:
            self.keep_logs()
        for name in ("kubelet", "kube-controller-manager", "kube-scheduler"):
            self._stop(name)  # the kubelet first: it would start again what the node removes
        if "kube-apiserver" in self.running:
            self.stop_apiserver()
        self._stop("etcd")
        self.node.__exit__(kind, value, trace)

    def keep_logs(self):
        """Copies all logs to BUILD/cluster-logs, says where, and returns that."""
        kept = os.path.join(self.node.build, "cluster-logs", self.node.name)
        os.makedirs(kept, exist_ok=True)
        for path in glob.glob(self.dir + "/*.log"):
            shutil.copy(path, kept)
        if os.path.isdir(self.dir + "/log/pods"):
            shutil.copytree(self.dir + "/log/pods", kept + "/pods", dirs_exist_ok=True, symlinks=True)
        print("the cluster's logs: " + kept)
        return kept

    # --- its programs ---

    def _start(self, name, program, *arguments):
        with open("%s/%s.log" % (self.dir, name), "a", encoding="utf-8") as log:
            process = subprocess.Popen(self.node.inside(program, *arguments), stdout=log, stderr=log)
        self.node.processes.append(process)
        self.running[name] = process

    def _stop(self, name):
        process = self.running.pop(name, None)
        if process:
            end(process)
            self.node.processes.remove(process)

    def _start_kubernetes(self, name, *arguments):
        self._start(name, os.path.join(self.bin, name), *arguments)

    def _wait(self, true, seconds, what):
        """As wait_until, at the API server's pace; a program that has ended ends the wait, with its last words."""
        errors = []

        def checked():
            for name, process in self.running.items():
                if process.poll() is not None:
                    raise RuntimeError("%s has ended:\n%s" % (name, self._last_words(name)))
            try:
                value = true()
            except (OSError, ApiError) as error:
                errors[:] = [error]
                value = None
            if not value:
                time.sleep(0.1)
            return value
        try:
            return wait_until(checked, seconds, what)
        except TimeoutError as error:
            raise TimeoutError("%s; last error: %s" % (error, errors)) from None

    def _last_words(self, name):
        """What was fatal (klog's F lines, above the traces of all goroutines), else the log's end."""
        with open("%s/%s.log" % (self.dir, name), encoding="utf-8") as file:
            lines = file.readlines()
        return "".join([line for line in lines if re.match("F[0-9]{4} ", line)][:5] or lines[-20:])

    def _start_etcd(self):
        # newer Kubernetes needs etcd 3.5, which may stand beside its programs
        beside = self.bin + "/etcd"
        url = "http://127.0.0.1:2379"
        self._start("etcd", beside if os.path.exists(beside) else "etcd", "--data-dir", self.dir + "/etcd",
                    "--listen-client-urls", url, "--advertise-client-urls", url,
                    "--listen-peer-urls", "http://127.0.0.1:2380")

    def start_apiserver(self):
        """Starts it, with the data it had, and waits until it is ready."""
        keys = self.keys
        self._start_kubernetes(
            "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
            "--bind-address=0.0.0.0", "--secure-port=443", "--advertise-address=" + NODE_IP,
            "--tls-cert-file=" + keys.ca, "--tls-private-key-file=" + keys.key,
            "--token-auth-file=" + keys.tokens_file, "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
            "--service-account-key-file=" + keys.accounts_public, "--service-account-signing-key-file=" + keys.accounts,
            "--audit-policy-file=" + self._audit_policy(), "--audit-log-path=" + self.dir + "/audit.log",
            "--service-account-issuer=" + ISSUER, "--service-cluster-ip-range=" + SERVICE_RANGE,
            "--endpoint-reconciler-type=none", "--kubelet-preferred-address-types=InternalIP")
        self._wait(lambda: self.api.request("GET", "/readyz"), 60, "the API server")

    def _audit_policy(self):
        """All that service accounts of these namespaces ask for, with what they send."""
        groups = ["system:serviceaccounts:" + name for name in AUDITED]
        path = self.dir + "/audit-policy.json"
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
                       "rules": [{"level": "Request", "userGroups": groups}, {"level": "None"}]}, file)
        return path

    def audited(self):
        """The entries of the audit log (audit.k8s.io/v1 Event)."""
        with open(self.dir + "/audit.log", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def stop_apiserver(self):
        """By SIGKILL: asked to end, it waits for the watches of others, as long as end() has patience."""
        self.running["kube-apiserver"].kill()
        self._stop("kube-apiserver")

    def _start_controllers(self):
        self._start_kubernetes(
            "kube-controller-manager", "--kubeconfig=" + self._kubeconfig_of("controllers"),
            "--use-service-account-credentials=true", "--service-account-private-key-file=" + self.keys.accounts,
            "--root-ca-file=" + self.keys.ca, "--leader-elect=false", "--bind-address=127.0.0.1",
            "--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins")
        self._start_kubernetes(
            "kube-scheduler", "--kubeconfig=" + self._kubeconfig_of("scheduler"),
            "--leader-elect=false", "--bind-address=127.0.0.1")

    def start_kubelet(self):
        path = self.dir + "/kubelet.json"
        settings = kubelet.configuration(self.version, self.node.cgroup, self.node.socket)
        write_private(path, json.dumps(dict(settings, **self.kubelet_settings)))
        self._start(
            "kubelet", "env", *self.kubelet_environment, os.path.join(self.bin, "kubelet"), "--config=" + path, "--kubeconfig=" + self._kubeconfig_of("kubelet"), "--node-ip=" + NODE_IP,
            "--hostname-override=" + self.node_name, *kubelet.flags(self.version, self.node.socket))

    def stop_kubelet(self):
        self._stop("kubelet")

    # --- what tests do with it ---

    def inside(self, *words):
        """The command in the cluster's network and among the node's mounts."""
        return self.node.inside(*words)

    def run_beside(self, name, program, *arguments):
        """One more program in the cluster's network, whose end ends nothing else; end_beside ends it."""
        self._start(name, program, *arguments)
        return self.running.pop(name)

    def end_beside(self, process):
        end(process)
        self.node.processes.remove(process)

    def wait_ready(self, seconds=120):
        """Until the node is Ready and pods can be made in the namespace default."""
        def ready():
            node = self.get("/api/v1/nodes/" + self.node_name)
            account = self.get("/api/v1/namespaces/default/serviceaccounts/default")
            # before 1.24 pods wait for the secret of their service account
            return (account.get("secrets") or self.version >= (1, 24)) and any(
                c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", ()))
        self._wait(ready, seconds, "a Ready node")

    def get(self, path):
        """The JSON of an API path; raises ApiError."""
        return self.api.get(path)

    def wait(self, path, true, seconds=60):
        """Gets the path until true(its JSON) is true, and returns that; refusals and silence are waited for too."""
        last = {}

        def enough():
            last["seen"] = self.get(path)
            return last["seen"] if true(last["seen"]) else None
        try:
            return self._wait(enough, seconds, path)
        except TimeoutError as error:
            raise TimeoutError("%s; last seen: %s" % (error, json.dumps(last.get("seen"))[:4000])) from None

    def kubectl(self, *words, text=None):
        """Runs kubectl as admin with the text for its input; returns what it says, raises RuntimeError if it fails."""
        return run(*self.inside("kubectl", "--kubeconfig", self.kubeconfig, "--cache-dir", self.dir + "/kubectl",
                                *words), input=text)

    def apply(self, manifest):
        """manifest: a dict, a list of them, or a file (or a folder of kustomize)."""
        if isinstance(manifest, (dict, list)):
            items = manifest if isinstance(manifest, list) else [manifest]
            told = {"apiVersion": "v1", "kind": "List", "items": items}
            return self.kubectl("apply", "-f", "-", text=json.dumps(told))
        path = os.path.abspath(manifest)
        return self.kubectl("apply", "-k" if os.path.isdir(path) else "-f", path)

    def manifest(self, *words):
        """The objects of a manifest (-f FILE) or of a kustomization (-k FOLDER)."""
        text = self.kubectl("create", "--dry-run=client", "--output", "json", *words)
        made, at = [], 0
        while at < len(text):  # one after another, not in a list
            item, at = json.JSONDecoder().raw_decode(text, at)
            made.append(item)
            at += len(text[at:]) - len(text[at:].lstrip())
        return made

    def _kubeconfig_of(self, user):
        return self.write_kubeconfig(user, self.keys.tokens[user])

    def write_kubeconfig(self, name, token, server=SERVER):
        """A kubeconfig for the token's user; returns its path."""
        path = "%s/%s.kubeconfig" % (self.dir, name)
        write_private(path, kubeconfig(self.keys.ca, token, server))
        return path

    def account_token(self, namespace, account, seconds=3600):
        """A token of the service account, bound by its time only."""
        answer = self.api.request("POST", "/api/v1/namespaces/%s/serviceaccounts/%s/token" % (namespace, account),
                                  {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                                   "spec": {"expirationSeconds": seconds}})
        return json.loads(answer)["status"]["token"]

    def account_kubeconfig(self, namespace, account):
        return self.write_kubeconfig("%s-%s" % (namespace, account), self.account_token(namespace, account))

    def import_image(self, path):
        """An image from a tar (images.py writes such), under the name it has there."""
        self.node.ctr("images", "import", path)
