# SPDX-License-Identifier: Apache-2.0
"""K3s's API server, which is on the host: the machine reaches it as K3s's is reached, by k3s.yaml at 127.0.0.1:6443."""

import base64

from .kubelet import HOST, NODE, Kubelet, condition

SOCKET = "/run/k3s/containerd/containerd.sock"
LOG = "/var/lib/rancher/k3s/agent/containerd/containerd.log"
KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
# As K3s writes it.
TEXT = """apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: %s
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: %s
    client-key-data: %s
"""


def encoded(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


class K3s(Kubelet):
    """tests/programs/k3s.c leads port 6443 here once "the API server runs"."""

    plain = False

    def __init__(self, folder, pods):
        super().__init__(folder, pods)
        self.boot = ""

    def files(self):
        certificate, key = self.api.authority.client("system:admin")
        return {KUBECONFIG: TEXT % (encoded(self.api.authority.certificate), encoded(certificate), encoded(key)),
                "/etc/systemd/system/k3s.service.env": "API=%s:%d\n" % (HOST, self.api.port)}

    @staticmethod
    def settings():
        """As the unit's comment has it; the node's name is the host's."""
        return ["NODEWAKE_KUBECONFIG=" + KUBECONFIG]

    def on_line(self, line):
        if line["boot"] != self.boot:
            self.boot = line["boot"]
            self._report()
        super().on_line(line)

    def _report(self):
        """The kubelet's first word in this boot: it begins with its pods only when it calls the Node Ready."""
        def change(item):
            item["status"]["nodeInfo"] = {"bootID": self.boot}
            item["status"]["conditions"] = [condition("Ready", True, "KubeletReady")]
            return item
        self.api.objects.replace("nodes", "", NODE, change)
