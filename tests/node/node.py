# SPDX-License-Identifier: Apache-2.0
"""containerd, its CNI network and a registry in a network namespace of their own."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid

from . import images
from .processes import end, kill_by_argument, wait_until

CONTAINERD = """version = 2
root = "{dir}/root"
state = "{dir}/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "localhost/pause:1"
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{dir}/certs.d"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{dir}/cni-bin"
    conf_dir = "{dir}/cni-conf"
"""

REGISTRY = """version: 0.1
storage:
  filesystem:
    rootdirectory: {dir}/registry
http:
  addr: 127.0.0.1:5000
"""

HOSTS = """server = "http://127.0.0.1:{port}"
[host."http://127.0.0.1:{port}"]
  capabilities = ["pull", "resolve"]
"""


# CONTAINERD_BIN: a directory with another containerd, its shim and ctr.
ENVIRONMENT = dict(os.environ, PATH=os.pathsep.join(filter(None, (os.environ.get("CONTAINERD_BIN"), os.environ["PATH"]))))


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(words), (done.stderr or done.stdout).strip()))
    return done.stdout.strip()


THROTTLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "throttle.py")


class Container:
    """One container in a pod."""

    def __init__(self, pod, name, container_id):
        self.pod, self.name, self.id = pod, name, container_id

    def start(self):
        self.pod.node.cri("start", "id=" + self.id)
        return self

    def inspect(self):
        return json.loads(self.pod.node.cri("inspect", "id=" + self.id))

    def wait_exited(self, seconds=30):
        def exited():
            state = self.inspect()
            return state if state["state"] == 2 else None
        return wait_until(exited, seconds, "the end of " + self.name)

    def stop(self, timeout=10):
        self.pod.node.cri("stop", "id=" + self.id, "timeout=%d" % timeout)

    def execute(self, *command):
        return self.pod.node.cri("exec", "id=" + self.id, "--", *command)

    def remove(self):
        self.pod.node.cri("rm", "id=" + self.id)

    def stamps(self):
        """What the program wrote by its own clock: {"entry": ns, "listen": ns}."""
        path = os.path.join(self.stamp_dir, "stamps")
        if not os.path.exists(path):
            return {}
        with open(path, encoding="ascii") as file:
            return {words[0]: int(words[1]) for words in map(str.split, file)}


class Pod:
    """A pod sandbox and its containers."""

    def __init__(self, node, name, namespace, **options):
        self.node, self.name, self.namespace = node, name, namespace
        self.uid = options.pop("pod_uid", None) or str(uuid.uuid4())
        self.parent = "%s/%s/pod%s" % (node.cgroup, options.pop("pod_class", "burstable"), self.uid)
        self.options = ["%s=%s" % item for item in options.items()]
        self.id = node.cri("runp", "name=" + name, "namespace=" + namespace, "uid=" + self.uid,
                           "parent=" + self.parent, *self.options)

    def create(self, name, command, image="localhost/cast:1", attempt=0, program="/cast", **options):
        words = ["pod=" + self.id, "name=" + name, "image=" + image, "attempt=%d" % attempt,
                 "podname=" + self.name, "namespace=" + self.namespace, "uid=" + self.uid,
                 "parent=" + self.parent] + self.options
        for key, values in options.items():  # one, or a list of them
            words += ["%s=%s" % (key, value) for value in (values if isinstance(values, list) else [values])]
        stamp_dir = tempfile.mkdtemp(dir=self.node.dir)
        words.append("mount=%s:/stamps" % stamp_dir)
        container = Container(self, name, self.node.cri("create", *words, "--", program, *command))
        container.stamp_dir = stamp_dir
        return container

    def start(self, name, command, **options):
        return self.create(name, command, **options).start()

    def remove(self):
        self.node.cri("stopp", "id=" + self.id)
        self.node.cri("rmp", "id=" + self.id)


class Node:
    """The private node; a context manager. config: what containerd's file holds besides, {dir} being the node's; environment:
    another than PATH with CONTAINERD_BIN before it."""

    def __init__(self, build, registry=False, slow_cni_seconds=None, config="", environment=None):
        self.build = os.path.abspath(build)
        self._cri = self.build + "/cri"
        self.dir = tempfile.mkdtemp(prefix="nodewake-")
        self.name = os.path.basename(self.dir).replace("_", "x").lower()
        self.cgroup = "/" + self.name
        self.socket = self.dir + "/containerd.sock"
        self.config = config
        self.environment = environment or ENVIRONMENT  # containerd's: its PATH says which one
        self.with_registry = registry
        self.slow_cni_seconds = slow_cni_seconds
        self.processes = []
        self.ids = set()  # of every pod sandbox and container made here

    def __enter__(self):
        try:
            self._make_network()
            self._write_files()
            self.start_containerd()
            for name, write in (("pause", images.write_pause), ("cast", images.write_cast), ("plant", images.write_plant),
                                ("die", images.write_die)):
                path = "%s/%s.tar" % (self.dir, name)
                write(self.build, path)
                self.ctr("images", "import", path)
            if self.with_registry:
                self.start_registry()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.remove_pods()
        for process in reversed(self.processes):
            end(process)
        kill_by_argument(self.dir)
        self._unmount()
        subprocess.run(["ip", "netns", "delete", self.name], stderr=subprocess.DEVNULL, check=False)
        self._remove_cgroups()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _make_network(self):
        run("ip", "netns", "add", self.name)
        run(*self.inside("ip", "link", "set", "lo", "up"))

    def inside(self, *words):
        """The command in the node's network.

        nsenter, not `ip netns exec`: that one hides mounts in a namespace of its own.
        """
        return ("nsenter", "--net=/run/netns/" + self.name) + words

    def _write_files(self):
        for name in ("cni-bin", "cni-conf", "certs.d/127.0.0.1:5000"):
            os.makedirs(os.path.join(self.dir, name))
        self._write("config.toml", (CONTAINERD + self.config).format(dir=self.dir, socket=self.socket))
        self._write("registry.yml", REGISTRY.format(dir=self.dir))
        self._write("certs.d/127.0.0.1:5000/hosts.toml", HOSTS.format(port=5000))
        for plugin in ("ptp", "host-local", "loopback", "portmap"):
            os.symlink("/usr/lib/cni/" + plugin, self.dir + "/cni-bin/" + plugin)
        plugins = [{"type": "ptp", "ipam": {"type": "host-local", "dataDir": self.dir + "/ipam",
                                            "subnet": "10.231.0.0/16", "routes": [{"dst": "0.0.0.0/0"}]}}]
        if self.slow_cni_seconds is not None:
            shutil.copy(os.path.join(self.build, "tests/programs/slow-cni"), self.dir + "/cni-bin/slow-cni")
            plugins.append({"type": "slow-cni"})
            self.set_cni_delay(self.slow_cni_seconds)
        self._write("cni-conf/10-test.conflist",
                    json.dumps({"cniVersion": "0.4.0", "name": "test", "plugins": plugins}))

    def set_cni_delay(self, seconds):
        self._write("cni-bin/delay", "%d" % int(seconds * 1000))

    def _write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as file:
            file.write(text)

    def start_containerd(self):
        with open(self.dir + "/containerd.log", "a", encoding="utf-8") as log:
            self.containerd = subprocess.Popen(
                self.inside("containerd", "-c", self.dir + "/config.toml"), stdout=log, stderr=log, env=self.environment)
        self.processes.append(self.containerd)
        wait_until(self._answers, 30, "containerd's answer")

    def _answers(self):
        return subprocess.run([self._cri, "pods"], capture_output=True, check=False,
                              env=dict(os.environ, CRI_SOCKET=self.socket)).returncode == 0

    def kill_containerd(self):
        self.containerd.send_signal(signal.SIGKILL)
        self.containerd.wait()
        self.processes.remove(self.containerd)

    def start_registry(self):
        log = open(self.dir + "/registry.log", "a", encoding="utf-8")
        self.processes.append(subprocess.Popen(
            self.inside("docker-registry", "serve", self.dir + "/registry.yml"), stdout=log, stderr=log))
        wait_until(lambda: subprocess.run(self.inside("skopeo", "list-tags", "--tls-verify=false",
                                                       "docker://127.0.0.1:5000/none"),
                                          capture_output=True, text=True,
                                          check=False).stderr.find("connection refused") < 0, 20, "registry")

    def push_big(self, name, megabytes):
        """An image with a random layer of this size in the registry; returns its reference."""
        return self._push(name, lambda path, full: images.write_big(self.build, path, full, megabytes))

    def push(self, name, layers):
        """An image of the cast and these layers ([{path: bytes}]) in the registry; returns its reference."""
        layers = [{"cast": images.program(self.build, "cast")}] + layers
        return self._push(name, lambda path, full: images.write_archive(path, full, layers, ["/cast"]))

    def throttle(self, port, bytes_per_s):
        """The registry again on another port, over a slow link. Returns (process, log): see throttle.py."""
        log = "%s/throttle-%d.jsonl" % (self.dir, port)
        open(log, "w", encoding="utf-8").close()
        os.makedirs("%s/certs.d/127.0.0.1:%d" % (self.dir, port), exist_ok=True)
        self._write("certs.d/127.0.0.1:%d/hosts.toml" % port, HOSTS.format(port=port))
        process = subprocess.Popen(self.inside("/usr/bin/python3", THROTTLE, str(port), "5000", str(bytes_per_s), log))
        self.processes.append(process)
        wait_until(lambda: subprocess.run(self.inside("skopeo", "list-tags", "--tls-verify=false",
                                                       "docker://127.0.0.1:%d/none" % port), capture_output=True, text=True,
                                          check=False).stderr.find("connection refused") < 0, 20, "the slow link")
        return process, log

    def _push(self, name, write):
        path = "%s/%s.tar" % (self.dir, name)
        write(path, "localhost/%s:1" % name)
        run(*self.inside("skopeo", "copy", "--quiet", "--dest-tls-verify=false", "docker-archive:" + path,
                          "docker://127.0.0.1:5000/%s:1" % name))
        os.unlink(path)
        return "127.0.0.1:5000/%s:1" % name

    def slow_link(self, megabits):
        run(*self.inside("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", "%dmbit" % megabits,
                          "burst", "256k", "latency", "50ms"))

    def peer(self, kind, address, port, seconds):
        """One of peer.py's, at an address of the node's network; returns when it is there."""
        run(*self.inside("ip", "address", "replace", address + "/32", "dev", "lo"))
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer.py")
        process = subprocess.Popen(self.inside("/usr/bin/python3", script, kind, address, str(port), str(seconds)),
                                   stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the peer at %s:%s has ended" % (address, port))
        return process

    def cri(self, *words):
        answer = run(self._cri, *words, env=dict(os.environ, CRI_SOCKET=self.socket))
        if words[0] in ("runp", "create"):
            self.ids.add(answer)
        elif words[0] == "bench":
            for line in map(json.loads, answer.splitlines()):
                self.ids.update((line["pod"], line["id"]))
        return answer

    def start_pods(self, prefix, count, parallel, image="localhost/cast:1", command=("/cast", "listen", "8080")):
        """Starts pods in the background, as fast as CRI takes them; they listen, and are left running."""
        words = ["count=%d" % count, "image=" + image, "prefix=" + prefix, "parent=%s/burstable" % self.cgroup,
                 "parallel=%d" % parallel, "--", *command]
        return subprocess.Popen([self._cri, "bench", *words], env=dict(os.environ, CRI_SOCKET=self.socket),
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def containers(self, prefix):
        """CRI's status of each container whose pod's name begins so, by id."""
        pods = {pod["id"]: pod["name"] for pod in map(json.loads, self.cri("pods").splitlines())}
        found = {}
        for line in map(json.loads, self.cri("ps").splitlines()):
            name = pods.get(line["pod"], "")
            if name.startswith(prefix):
                self.ids.update((line["pod"], line["id"]))
                found[line["id"]] = dict(json.loads(self.cri("inspect", "id=" + line["id"])), pod_name=name)
        return found

    def owns(self, record):
        """False for what the kernel tells of other containers on this machine."""
        subject = record.get("subject", {})
        if record["type"] == "oom" and not subject.get("container_id"):
            return record.get("cgroup_path", "").startswith(self.cgroup + "/")
        return not subject.get("container_id") or subject["container_id"] in self.ids

    def ctr(self, *words):
        return run("ctr", "--address", self.socket, "--namespace", "k8s.io", *words, env=self.environment)

    def run_pod(self, name, namespace="shop", **options):
        return Pod(self, name, namespace, **options)

    def remove_pods(self):
        try:
            for line in self.cri("pods").splitlines():
                pod = json.loads(line)["id"]
                self.cri("stopp", "id=" + pod)
                self.cri("rmp", "id=" + pod)
        except RuntimeError:
            pass

    def _unmount(self):
        with open("/proc/mounts", encoding="utf-8") as file:
            mounts = [line.split()[1] for line in file if self.dir in line.split()[1]]
        for mount in reversed(mounts):
            subprocess.run(["umount", "-l", mount], stderr=subprocess.DEVNULL, check=False)

    def _remove_cgroups(self):
        for root, _, _ in os.walk("/sys/fs/cgroup"):
            if os.path.basename(root) == self.name:
                for folder, _, _ in os.walk(root, topdown=False):
                    try:
                        os.rmdir(folder)
                    except OSError:
                        pass
