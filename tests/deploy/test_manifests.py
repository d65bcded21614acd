# SPDX-License-Identifier: Apache-2.0
"""The overlays build, ask for no more than they should, and name the version of NEWS.md."""

import os
import re
import shutil

import pytest

from conftest import DEPLOY, read, run

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed: run make deps")

OVERLAYS = sorted(os.listdir(os.path.join(DEPLOY, "overlays")))
ALONE = {  # by kind, what an overlay without the policy has
    "Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "DaemonSet"}
POLICY = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


def kustomize(path):
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    # Debian 12's kubectl 1.20 brings kustomize 2.0.3, which has no components
    version = re.search(r"GitVersion:\"v1\.(\d+)|Client Version: v1\.(\d+)", run("kubectl", "version", "--client"))
    if version and int(version[1] or version[2]) < 21:
        pytest.skip("kubectl is older than 1.21 and its kustomize knows no components")
    return list(yaml.safe_load_all(run("kubectl", "kustomize", path)))


@pytest.fixture(scope="module", name="manifests", params=OVERLAYS)
def built(request):
    manifests = kustomize(os.path.join(DEPLOY, "overlays", request.param))
    return request.param, {m["kind"]: m for m in manifests}


def pod_of(manifests):
    spec = manifests["DaemonSet"]["spec"]["template"]["spec"]
    return spec, spec["containers"][0]


def test_what_an_overlay_holds(manifests):
    name, found = manifests
    assert set(found) == (ALONE if name.endswith("-no-policy") else ALONE | POLICY)
    for manifest in found.values():
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "nodewake"


def test_the_image_is_this_version(manifests):
    version = re.match(r"# nodewake ([0-9.]+)", read("NEWS.md"))[1]
    assert pod_of(manifests[1])[1]["image"] == "localhost/nodewake:" + version


def test_the_container_is_confined(manifests):
    spec, container = pod_of(manifests[1])
    security = container["securityContext"]
    assert len(spec["containers"]) == 1 and "initContainers" not in spec
    assert security["privileged"] is False and security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["BPF", "PERFMON", "SYSLOG"]}
    writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert writable == {"/var/lib/nodewake", "/run/nodewake", "/bpf"}
    assert spec["tolerations"] == [{"operator": "Exists"}]
    assert spec["priorityClassName"] == "system-node-critical"
    assert container["resources"]["limits"] == {"memory": "64Mi"}


def test_the_socket_lies_in_what_is_mounted(manifests):
    name, found = manifests
    spec, container = pod_of(found)
    socket, = [v["value"] for v in container["env"] if v["name"] == "NODEWAKE_CONTAINERD_SOCKET"]
    mount, = [m for m in container["volumeMounts"] if m["name"] == "containerd"]
    volume, = [v for v in spec["volumes"] if v["name"] == "containerd"]
    folder = "/run/k3s/containerd" if name.startswith("k3s") else "/run/containerd"
    assert socket == folder + "/containerd.sock"
    assert mount["mountPath"] == volume["hostPath"]["path"] == folder


def test_logs_are_read_only_and_no_folder_is_made_that_means_something(manifests):
    name, found = manifests
    spec, container = pod_of(found)
    volumes = {v["name"]: v["hostPath"] for v in spec["volumes"]}
    paths = {m["mountPath"]: volumes[m["name"]] for m in container["volumeMounts"]}
    logs = {"/var/log", "/run/log", "/var/lib/systemd/pstore"}
    logs |= {"/var/lib/rancher/k3s/agent/containerd"} if name.startswith("k3s") else set()
    assert logs <= set(paths)
    # but for bpffs, which has to be written: below /sys AppArmor lets nobody
    assert paths.pop("/bpf") == {"path": "/sys/fs/bpf", "type": "Directory"}
    assert {"name": "NODEWAKE_BPFFS", "value": "/bpf"} in container["env"]
    assert all(volume["path"] == path for path, volume in paths.items())
    # /var/log/journal, once it exists, makes journald keep its journal; below /sys nothing can be made
    made = {volume["path"] for volume in volumes.values() if volume["type"] == "DirectoryOrCreate"}
    assert not any(path.startswith(("/var/log", "/sys")) for path in made)


def test_only_the_daemonset_holds_a_token(manifests):
    found = manifests[1]
    assert found["ServiceAccount"]["automountServiceAccountToken"] is False
    assert pod_of(found)[0]["automountServiceAccountToken"] is True


def test_the_role_is_the_least(manifests):
    rules = {(group, resource): rule["verbs"] for rule in manifests[1]["ClusterRole"]["rules"]
             for group in rule["apiGroups"] for resource in rule["resources"]}
    assert rules == {
        ("", "nodes"): ["get", "patch"], ("", "pods"): ["get", "list", "watch"], ("", "events"): ["list"],
        ("", "services"): ["list"], ("events.k8s.io", "events"): ["create", "patch"]}


def test_the_settings_in_the_environment_exist(manifests, program):
    known = set(re.findall(r"^ +(NODEWAKE_[A-Z_]+)", run(program, "run", "--help"), re.M))
    used = {v["name"] for v in pod_of(manifests[1])[1]["env"]} - {"POD_IP"}
    assert used and used <= known


def test_the_policy_is_about_the_account_and_the_prefix(manifests, program):
    name, found = manifests
    if name.endswith("-no-policy"):
        return
    policy = found["ValidatingAdmissionPolicy"]
    account = found["ServiceAccount"]["metadata"]
    subject = "system:serviceaccount:%s:%s" % (account["namespace"], account["name"])
    assert subject in policy["spec"]["matchConditions"][0]["expression"]
    prefix = re.search(r"NODEWAKE_ANNOTATION_PREFIX, default (\S+)", run(program, "run", "--help"))[1]
    assert prefix + "/" in str(policy["spec"]["validations"])
    binding = found["ValidatingAdmissionPolicyBinding"]["spec"]
    assert binding == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}


@pytest.mark.parametrize("component", sorted(os.listdir(os.path.join(DEPLOY, "components"))))
def test_each_component_changes_the_base(component, tmp_path):
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    relative = os.path.relpath(DEPLOY, os.path.realpath(overlay))
    (overlay / "kustomization.yaml").write_text(
        "resources: [%s/base]\ncomponents: [%s/components/%s]\n" % (relative, relative, component))
    assert kustomize(str(overlay)) != kustomize(os.path.join(DEPLOY, "base"))
