# SPDX-License-Identifier: Apache-2.0
"""The admission policy's expressions, evaluated without an API server: what an agent's token may change."""

import copy
import json
import os
import shutil
import subprocess

import pytest

from conftest import read

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed: run make deps")

HERE = os.path.dirname(os.path.abspath(__file__))
CEL = "@marcbachmann/cel-js@8.0.0"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "nodewake", "cel")
CLAIM = "authentication.kubernetes.io/node-name"
NODE = {"metadata": {"name": "a", "labels": {"x": "1"}, "annotations": {"foreign": "f", "nodewake.io/boot": "b"}},
        "spec": {"podCIDR": "10.0.0.0/24"}}
BARE = {"metadata": {"name": "a"}, "spec": {}}


def request(**changes):
    return {"operation": "UPDATE", "subResource": "", "name": "a",
            "userInfo": {"username": "system:serviceaccount:nodewake:nodewake", "extra": {CLAIM: ["a"]}}, **changes}


def user(username="system:serviceaccount:nodewake:nodewake", **more):
    return request(userInfo={"username": username, **more})


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


CASES = {  # request, before, after, words of each refusal
    "own changed": (request(), NODE, annotated(own_boot="c"), []),
    "own added": (request(), NODE, annotated(own_crashes="1"), []),
    "own removed": (request(), NODE, annotated(own_boot=None), []),
    "a bare node's first": (request(), BARE, node(BARE, annotations={"nodewake.io/boot": "b"}), []),
    "a bare node's last": (request(), node(BARE, annotations={"nodewake.io/boot": "b"}), BARE, []),
    "foreign changed": (request(), NODE, annotated(foreign="g"), ["annotations"]),
    "foreign added": (request(), NODE, annotated(other="g"), ["annotations"]),
    "foreign removed": (request(), NODE, annotated(foreign=None), ["annotations"]),
    "all removed": (request(), NODE, node(annotations=None), ["annotations"]),
    "a longer domain": (request(), NODE, annotated(**{"nodewake.iox/boot": "b"}), ["annotations"]),
    "label changed": (request(), NODE, node(labels={"x": "2"}), ["labels"]),
    "label added": (request(), BARE, node(BARE, labels={"x": "2"}), ["labels"]),
    "labels removed": (request(), NODE, node(labels=None), ["labels"]),
    "finalizer": (request(), NODE, node(finalizers=["x"]), ["finalizers"]),
    "owner": (request(), NODE, node(ownerReferences=[{"kind": "Pod"}]), ["owners"]),
    "taint": (request(), NODE, node(spec={"taints": [{"key": "k"}]}), ["spec"]),
    "cordon": (request(), NODE, node(spec={"unschedulable": True}), ["spec"]),
    "another node": (request(name="b"), NODE, annotated(own_boot="c"), ["its own node"]),
    "no claim": (user(extra={}), NODE, NODE, ["names no node"]),
    "no claims at all": (user(), NODE, NODE, ["names no node"]),
    "status": (request(subResource="status"), NODE, NODE, ["status"]),
    "create": (request(operation="CREATE"), None, NODE, ["create", "annotations", "spec", "labels"]),
    "the kubelet": (user("system:node:b"), NODE, annotated(foreign="g"), None),
}


@pytest.fixture(scope="module", name="answers")
def decided():
    """An npm package evaluates CEL; it is kept outside the checkout."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    marker = os.path.join(CACHE, CEL.replace("/", "_"))
    if not os.path.exists(marker):
        os.makedirs(CACHE, exist_ok=True)
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--prefix", CACHE, CEL], capture_output=True,
                              text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip("npm can't fetch %s" % CEL)
        with open(marker, "w", encoding="ascii"):
            pass
    program = shutil.copy(os.path.join(HERE, "decide.mjs"), CACHE)
    policy = next(yaml.safe_load_all(read("deploy/components/policy/policy.yaml")))
    asked = json.dumps([policy] + [case[:3] for case in CASES.values()])
    done = subprocess.run(["node", program], input=asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout)))


@pytest.mark.parametrize("name", CASES)
def test_policy(answers, name):
    wanted, answer = CASES[name][3], answers[name]
    if wanted is None:
        assert answer == "not matched"
        return
    assert len(answer) == len(wanted), answer
    for word, message in zip(wanted, answer):
        assert word in message
