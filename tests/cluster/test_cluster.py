# SPDX-License-Identifier: Apache-2.0
"""The harness itself: what other tests of nodewake on a Kubernetes build upon."""

import json
import os
import subprocess

import pytest

from node import Daemon
from node.processes import wait_until

from . import ApiError, Cluster
from .api import connect_inside
from .conftest import BUILD, outside
from .machine import SERVICE_IP

PODS = "/api/v1/namespaces/default/pods/"


def cast(name, *command, **spec):
    container = {"name": "app", "image": "localhost/cast:1", "imagePullPolicy": "Never", "args": list(command)}
    container.update(spec.pop("container", {}))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": dict({"containers": [container], "terminationGracePeriodSeconds": 0}, **spec)}


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def app(pod):
    """The status of its container; something like one where there is none yet."""
    return pod["status"].get("containerStatuses", [{"state": {}}])[0]


@pytest.fixture(name="server")
def a_ready_pod(cluster, request):
    """A pod of its own for the test, on the pods' network, Ready."""
    name = request.node.name.replace("_", "-")
    cluster.apply(cast(name, "listen", "8080"))
    pod = cluster.wait(PODS + name, is_ready)
    yield pod
    cluster.kubectl("delete", "pod", name, "--wait=false")


def network_of(cluster, pod):
    """The path of a pod's network namespace."""
    tasks = cluster.node.ctr("tasks", "list").splitlines()[1:]
    pid = {words[0]: words[1] for words in map(str.split, tasks)}[app(pod)["containerID"].split("//")[1]]
    return "/proc/%s/ns/net" % pid


def test_the_node_is_ready(cluster):
    node = cluster.get("/api/v1/nodes/" + cluster.node_name)
    assert is_ready(node)
    assert node["status"]["nodeInfo"]["kubeletVersion"].startswith("v%d.%d." % cluster.version)
    assert cluster.node_name in cluster.kubectl("get", "nodes", "--output", "name")


def test_a_pod_becomes_ready_by_its_probe(cluster):
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    cluster.apply(cast("probed", "listen", "8080", "3000", container={"readinessProbe": probe}))
    cluster.wait(PODS + "probed", lambda pod: "running" in app(pod)["state"] and not is_ready(pod))
    pod = cluster.wait(PODS + "probed", is_ready)
    assert pod["spec"]["nodeName"] == cluster.node_name
    assert app(pod)["restartCount"] == 0
    connect_inside(network_of(cluster, pod), ("127.0.0.1", 8080), 5).close()
    cluster.kubectl("delete", "pod", "probed")


def test_a_crash_loop_backs_off_and_the_kubelet_says_so(cluster):
    cluster.apply(cast("looping", "exit", "3"))
    pod = cluster.wait(PODS + "looping",
                       lambda pod: app(pod)["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff")
    assert app(pod)["restartCount"] >= 1
    assert app(pod)["lastState"]["terminated"]["exitCode"] == 3

    def told(events):
        return [e for e in events["items"] if e["reason"] == "BackOff" and e["involvedObject"]["name"] == "looping"]
    event = told(cluster.wait("/api/v1/namespaces/default/events", told))[0]
    assert event["source"] == {"component": "kubelet", "host": cluster.node_name}
    assert event["involvedObject"]["uid"] == pod["metadata"]["uid"]
    cluster.kubectl("delete", "pod", "looping")


def test_pods_reach_the_api_server_at_its_service(cluster, server):
    """From the pods' network through the service's address, and on the host's network at once."""
    connect_inside(network_of(cluster, server), (SERVICE_IP, 443), 5).close()
    cluster.apply(cast("on-host", "listen", "8090", hostNetwork=True))
    pod = cluster.wait(PODS + "on-host", is_ready)
    host = network_of(cluster, pod)
    assert os.stat(host).st_ino == os.stat("/run/netns/" + cluster.node.name).st_ino
    for address in ((SERVICE_IP, 443), ("127.0.0.1", 443)):
        connect_inside(host, address, 5).close()
    cluster.kubectl("delete", "pod", "on-host")


def test_the_server_comes_back_with_its_data(cluster, server):
    cluster.stop_apiserver()
    with pytest.raises(OSError):
        cluster.get(PODS)
    cluster.start_apiserver()
    pod = cluster.get(PODS + server["metadata"]["name"])
    assert pod["metadata"]["uid"] == server["metadata"]["uid"]
    assert app(pod)["containerID"] == app(server)["containerID"]
    cluster.apply(cast("afterwards", "listen", "8080"))
    cluster.wait(PODS + "afterwards", is_ready, 120)
    cluster.kubectl("delete", "pod", "afterwards")


def test_containerd_and_kubelet_come_back_to_a_running_pod(cluster, server):
    cluster.stop_kubelet()
    cluster.node.kill_containerd()
    cluster.node.start_containerd()
    cluster.start_kubelet()
    cluster.apply(cast("after-both", "listen", "8080"))
    cluster.wait(PODS + "after-both", is_ready, 120)
    assert app(cluster.get(PODS + server["metadata"]["name"]))["containerID"] == app(server)["containerID"]
    cluster.kubectl("delete", "pod", "after-both")


def test_an_image_comes_from_the_registry(cluster):
    image = cluster.node.push_big("pulled", 4)
    cluster.apply(cast("pulling", "listen", "8080", container={"image": image, "imagePullPolicy": "Always"}))
    pod = cluster.wait(PODS + "pulling", is_ready)
    assert app(pod)["imageID"].startswith("127.0.0.1:5000/pulled@sha256:")
    cluster.kubectl("delete", "pod", "pulling")


def test_an_account_may_what_its_roles_say(cluster):
    cluster.kubectl("create", "serviceaccount", "reader")
    cluster.kubectl("create", "clusterrole", "reader", "--verb=get", "--resource=nodes")
    cluster.kubectl("create", "clusterrolebinding", "reader", "--clusterrole=reader", "--serviceaccount=default:reader")
    path = cluster.account_kubeconfig("default", "reader")
    command = cluster.inside("kubectl", "--kubeconfig", path, "get", "--output=name")
    cluster.wait("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/reader", lambda _: subprocess.run(
        (*command, "node", cluster.node_name), capture_output=True, check=False).returncode == 0, 10)
    refused = subprocess.run((*command, "secrets"), capture_output=True, text=True, check=False)
    assert refused.returncode and "system:serviceaccount:default:reader" in refused.stderr
    with pytest.raises(ApiError) as error:
        cluster.get(PODS + "none")
    assert error.value.status == 404


def test_nodewake_beside_it_sees_a_pod_of_the_kubelet(cluster):
    with Daemon(cluster.node, inside=cluster) as daemon:
        cluster.apply(cast("seen", "listen", "8080", "200"))
        pod = cluster.wait(PODS + "seen", is_ready)
        start = wait_until(lambda: next((r for r in daemon.records("starts") if r.get("final") and
                                         r["subject"].get("pod") == "seen"), None), 30, "the start of the pod")
        assert start["subject"]["pod_uid"] == pod["metadata"]["uid"]
        assert app(pod)["containerID"] == "containerd://" + start["subject"]["container_id"]
        cluster.kubectl("delete", "pod", "seen")


def leftovers(name, folder):
    """What a cluster that has ended must not leave."""
    found = [path for path, _, _ in os.walk("/sys/fs/cgroup") if name in path]
    found += [path for path in (folder, "/run/netns/" + name) if os.path.exists(path)]
    with open("/proc/self/mounts", encoding="utf-8") as file:
        found += [line for line in file if folder in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                if folder.encode() in file.read():
                    found.append("process " + pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def test_two_clusters_do_not_meet(cluster, server, untouched):
    with Cluster(BUILD) as second:
        assert second.node_name != cluster.node_name
        second.apply(cast("other", "listen", "8080"))
        other = second.wait(PODS + "other", is_ready)
        assert [pod["metadata"]["name"] for pod in second.get(PODS)["items"]] == ["other"]
        assert "other" not in json.dumps([pod["metadata"]["name"] for pod in cluster.get(PODS)["items"]])
        for one, pod in ((cluster, server), (second, other)):
            log = "%s/log/pods/default_%s_%s" % (one.dir, pod["metadata"]["name"], pod["metadata"]["uid"])
            assert os.path.isdir(log)
        name, folder = second.node.name, second.dir
    assert leftovers(name, folder) == []
    assert outside() == untouched
    assert app(cluster.get(PODS + server["metadata"]["name"]))["restartCount"] == 0
