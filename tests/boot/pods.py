# SPDX-License-Identifier: Apache-2.0
"""The pods that a machine is to run, and what their programs wrote by the machine's clock."""

import dataclasses
import uuid

CAST = "localhost/cast:1"
NAMESPACE = "shop"
STAMPS = "/var/lib/cast"


@dataclasses.dataclass
class Pod:
    """One container each. network: of its own, by CNI; else the host's. period: of its readiness probe, s."""

    name: str
    command: str
    listen: int = 0
    network: bool = False
    period: int = 1
    image: str = CAST
    uid: str = ""

    def __post_init__(self):
        self.uid = self.uid or str(uuid.uuid5(uuid.NAMESPACE_DNS, self.name + ".nodewake.test"))

    @property
    def path(self):
        """As records say it."""
        return "%s/%s" % (NAMESPACE, self.name)

    def parent(self, layout):
        """K3s under systemd has the kubelet and containerd use the systemd driver."""
        if layout == "k3s":
            return "kubepods-burstable-pod%s.slice" % self.uid.replace("-", "_")
        return "/kubepods/burstable/pod" + self.uid

    def line(self, layout="containerd"):
        words = ["name=" + self.name, "namespace=" + NAMESPACE, "uid=" + self.uid, "image=" + self.image,
                 "parent=" + self.parent(layout), "mount=%s/%s:/stamps" % (STAMPS, self.name)]
        if not self.network:
            words.append("hostnet=1")
        if self.listen:
            words += ["listen=%d" % self.listen, "period=%d" % self.period]
        return " ".join([*words, "--", *self.command.split()])


def listening(name, port, delay_ms=300, **options):
    return Pod(name, "/cast listen %d %d" % (port, delay_ms), listen=port, **options)


# What a machine has by itself: two in the host's network, one with its own.
USUAL = (listening("web", 8081), listening("api", 8080, 500, network=True), listening("worker", 8082, 100))


def pods_file(*changed, layout="containerd"):
    """The driver's list: the usual ones, some of them otherwise than the last time."""
    names = {pod.name: pod for pod in changed}
    assert set(names) <= {pod.name for pod in USUAL}
    return "".join(names.get(pod.name, pod).line(layout) + "\n" for pod in USUAL)


def stamps(machine, pod):
    """{"entry": ns, "listen": ns} of the last start, on the boot clock."""
    text = machine.run("cat %s/%s/stamps" % (STAMPS, pod.name))
    return {words[0]: int(words[1]) for words in map(str.split, text.splitlines())}
