# SPDX-License-Identifier: Apache-2.0
"""The other half of a kubelet: tells the fake API server what the machine's driver of pods does."""

import time

from kube.fake_api import FakeApi, node
from node.processes import wait_until

from .pods import NAMESPACE

NODE = "vm"
HOST = "10.0.2.2"  # the host, as QEMU's user network shows it
KUBECONFIG = "/etc/nodewake-kubeconfig"


LONG_AGO = -3600  # before the boot


def now(seconds=0):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def condition(kind, holds, reason="", at=0):
    return {"type": kind, "status": "True" if holds else "False", "lastTransitionTime": now(at), "reason": reason}


class Kubelet:
    """A context manager: an API server on the host, and the pods of the node."""

    plain = True

    def __init__(self, folder, pods):
        self.api = FakeApi(folder, plain=self.plain)
        self.pods = {pod.uid: pod for pod in pods}
        self.restarts = {pod.uid: 0 for pod in pods}

    def __enter__(self):
        self.api.start()
        self.api.objects.create("nodes", "", {**node(NODE), "status": {"conditions": [condition("Ready", True, at=LONG_AGO)]}})
        for pod in self.pods.values():
            container = {"name": "main", "image": pod.image}
            if pod.listen:
                container["readinessProbe"] = {"tcpSocket": {"port": pod.listen}, "periodSeconds": pod.period}
            self.api.objects.create("pods", NAMESPACE, {
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": pod.name, "namespace": NAMESPACE, "uid": pod.uid,
                             "creationTimestamp": now(LONG_AGO)},
                "spec": {"nodeName": NODE, "containers": [container]},
                "status": {"phase": "Running", "conditions": [
                    condition(kind, True, at=LONG_AGO) for kind in ("PodScheduled", "Initialized", "Ready")]}})
        return self

    def __exit__(self, *_):
        self.api.stop()

    def files(self):
        """For the machine's disk: with them, its agent is told of the API server."""
        return {KUBECONFIG: "apiVersion: v1\nkind: Config\ncurrent-context: it\ncontexts:\n- name: it\n"
                "  context: {cluster: it, user: it}\nclusters:\n- name: it\n  cluster:\n"
                "    server: http://%s:%d\nusers:\n- name: it\n  user: {}\n" % (HOST, self.api.port)}

    @staticmethod
    def settings():
        """The agent's, as words of its environment."""
        return ["NODEWAKE_KUBECONFIG=" + KUBECONFIG, "NODEWAKE_NODE_NAME=" + NODE]

    def told(self, reason, seconds=60):
        """What the agent said of the boot: the Event's note, and the Node's annotation (at most every 30 s)."""
        notes = wait_until(lambda: [event["note"] for event in self.api.events() if event["reason"] == reason and
                                    event["regarding"]["kind"] == "Node"], seconds, "an Event " + reason)
        name = "nodewake.io/boot"
        line = wait_until(lambda: self.api.annotations(NODE).get(name), seconds, name)
        assert len(notes) == 1
        return notes[0], line

    # --- what the driver did

    def on_line(self, line):
        pod = self.pods.get(line["uid"])
        teller = getattr(self, "_" + line["what"].replace("-", "_"), None)
        if pod and teller:
            teller(pod, line["detail"])

    def _tell(self, pod, state, ready=False, container_id="", reason=""):
        def change(item):
            status = item["status"]
            before = status.get("containerStatuses", [{}])[0]
            was = next(c["status"] == "True" for c in status["conditions"] if c["type"] == "Ready")
            status["containerStatuses"] = [{
                "name": "main", "image": pod.image, "ready": ready, "restartCount": self.restarts[pod.uid],
                "containerID": "containerd://" + container_id if container_id else before.get("containerID", ""),
                "state": state}]
            if was != ready:
                status["conditions"] = [c for c in status["conditions"] if c["type"] != "Ready"]
                status["conditions"].append(condition("Ready", ready, reason))
            return item
        self.api.objects.replace("pods", NAMESPACE, pod.name, change)

    def _waiting(self, pod, reason, message=""):
        self._tell(pod, {"waiting": {"reason": reason, "message": message}}, reason="ContainersNotReady")

    def _begin(self, pod, _):
        self._waiting(pod, "ContainerCreating")

    def _refused(self, pod, detail):
        method, _, message = detail.partition(": ")
        if method == "PullImage":
            self._waiting(pod, "ImagePullBackOff", 'Back-off pulling image "%s": ErrImagePull: %s' % (pod.image, message))
        elif method == "RunPodSandbox":
            self._waiting(pod, "ContainerCreating")
        else:
            self._waiting(pod, "CreateContainerError" if method == "CreateContainer" else "RunContainerError", message)

    def _start(self, pod, detail):
        self._tell(pod, {"running": {"startedAt": now()}}, container_id=detail, ready=not pod.listen)

    def _ready(self, pod, _):
        item = self.api.objects.get("pods", NAMESPACE, pod.name)
        self._tell(pod, item["status"]["containerStatuses"][0]["state"], ready=True)

    def _exited(self, pod, detail):
        code, _, reason = detail.partition(" ")
        self.restarts[pod.uid] += 1
        self._tell(pod, {"terminated": {"exitCode": int(code), "reason": reason, "finishedAt": now()}})

    def _back_off(self, pod, detail):
        self._waiting(pod, "CrashLoopBackOff", "back-off %s restarting failed container=main pod=%s_%s(%s)" % (
            detail, pod.name, NAMESPACE, pod.uid))
