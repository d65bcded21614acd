# SPDX-License-Identifier: Apache-2.0
"""The admission policy in the API server's own plugin: what an agent's token may change."""

import copy
import json
import os
import subprocess

import pytest

from conftest import DEPLOY, run

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = os.path.join(DEPLOY, "components", "policy", "policy.yaml")
AGENT = {"Namespace": "nodewake", "Name": "nodewake", "PodName": "nodewake-x", "PodUID": "1", "NodeName": "a"}
NODE = {"metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {"foreign": "f", "nodewake.io/boot": "b"}},
        "spec": {"podCIDR": "10.0.0.0/24"}}
BARE = {"metadata": {"name": "a"}, "spec": {}}


def request(after, before=NODE, account=AGENT, **changes):
    return {"Operation": "UPDATE", "Name": "a", "Account": account, "Before": before, "After": after, **changes}


def agent(**claims):
    return {**AGENT, **claims}


def node(base=NODE, spec=None, **metadata):
    """A node with other metadata; None takes away."""
    made = copy.deepcopy(base)
    made["metadata"].update(metadata)
    made["metadata"] = {key: value for key, value in made["metadata"].items() if value is not None}
    made["spec"].update(spec or {})
    return made


def annotated(**changes):
    annotations = {"foreign": "f", "nodewake.io/boot": "b"}
    annotations.update({key.replace("own_", "nodewake.io/"): value for key, value in changes.items()})
    return node(annotations={key: value for key, value in annotations.items() if value is not None})


OWN = annotated(own_boot="c")
FIRST = node(BARE, annotations={"nodewake.io/boot": "b"})
FULL = {"%05d" % number: "12345678" for number in range(20000)}  # an object's annotations may have 256 KiB

CASES = {  # request, words of the refusal
    "own changed": (request(OWN), None),
    "own added": (request(annotated(own_crashes="1")), None),
    "own removed": (request(annotated(own_boot=None)), None),
    "a bare node's first": (request(FIRST, BARE), None),
    "a bare node's last": (request(BARE, FIRST), None),
    "a full node": (request(node(annotations={**FULL, "nodewake.io/boot": "b"}), node(annotations=FULL)), None),
    "foreign changed": (request(annotated(foreign="g")), "annotations"),
    "foreign added": (request(annotated(other="g")), "annotations"),
    "foreign removed": (request(annotated(foreign=None)), "annotations"),
    "all removed": (request(node(annotations=None)), "annotations"),
    "a longer domain": (request(annotated(**{"nodewake.iox/boot": "b"})), "annotations"),
    "own and foreign": (request(annotated(own_boot="c", foreign="g")), "annotations"),
    "label changed": (request(node(labels={"x": "2"})), "labels"),
    "label added": (request(node(BARE, labels={"x": "2"}), BARE), "labels"),
    "labels removed": (request(node(labels=None)), "labels"),
    "finalizer": (request(node(finalizers=["x"])), "finalizers"),
    "finalizer changed": (request(node(finalizers=["x"]), node(finalizers=["y"])), "finalizers"),
    "owner": (request(node(ownerReferences=[{"kind": "Pod"}])), "owners"),
    "owner changed": (request(node(ownerReferences=[{"kind": "Pod"}]), node(ownerReferences=[{"kind": "Job"}])),
                      "owners"),
    "taint": (request(node(spec={"taints": [{"key": "k"}]})), "spec"),
    "cordon": (request(node(spec={"unschedulable": True})), "spec"),
    "own and cordon": (request(node(OWN, spec={"unschedulable": True})), "spec"),
    "another node": (request(OWN, Name="b"), "its own node"),
    "another node's token": (request(OWN, account=agent(NodeName="b")), "its own node"),
    "no claim": (request(OWN, account=agent(NodeName="")), "names no node"),
    "no claims at all": (request(OWN, account=agent(NodeName="", PodName="")), "names no node"),
    "status": (request(OWN, Subresource="status"), "status"),
    "create": (request(NODE, None, Operation="CREATE"), "create"),
    "another account": (request(annotated(foreign="g"), account=agent(Namespace="shop")), None),
    "a kubelet": (request(annotated(foreign="g"), account=None), None),
}


@pytest.fixture(scope="module", name="program")
def built():
    done = subprocess.run([os.path.join(HERE, "fetch.sh")], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("the API server's library can't be had: " + " ".join(done.stderr.splitlines()[-2:]))
    return done.stdout.strip()


def asked(program, policy, *requests):
    return json.loads(run(program, policy, input=json.dumps(requests)))


@pytest.fixture(scope="module", name="said")
def all_asked(program):
    return asked(program, POLICY, *[case[0] for case in CASES.values()])


@pytest.mark.parametrize("name", CASES)
def test_policy(said, name):
    wanted, answer = CASES[name][1], dict(zip(CASES, said["Requests"]))[name]
    if wanted is None:
        assert answer == ""
        return
    reason, message = answer.split(": ", 1)
    assert reason == "Forbidden" and wanted in message.split("denied request: ")[1], answer


def test_types(said):
    assert not said["Warnings"] and not said["Refused"]


@pytest.mark.parametrize("right, wrong, where", [
    ("object.spec ==", "object.speck ==", "Warnings"),
    ("request.name", "request.nam", "Warnings"),
    ("after.all(key,", "after.all(key, value,", "Refused"),  # of CEL since Kubernetes 1.32
], ids=["field", "request", "newer"])
def test_types_are_checked(program, tmp_path, right, wrong, where):
    with open(POLICY, encoding="utf-8") as file:
        text = file.read()
    assert right in text
    changed = tmp_path / "policy.yaml"
    changed.write_text(text.replace(right, wrong))
    assert len(asked(program, str(changed))[where]) == 1
