# SPDX-License-Identifier: Apache-2.0
"""kubectl nodewake against a kubectl that writes down what it is asked."""

import json
import os
import subprocess

import pytest

from conftest import DEPLOY

PLUGIN = os.path.join(DEPLOY, "kubectl", "kubectl-nodewake")

# Answers as the cluster of the test: pods web-0 (on worker-1) and pending; agents on worker-1 and worker-3 (two,
# while one is replaced); none on worker-2.
STUB = """#!/usr/bin/python3
import json, os, sys
words = sys.argv[1:]
with open(os.environ["ASKED"], "a") as file:
    file.write(json.dumps(words) + "\\n")
text = " ".join(words)
if "config view" in text:
    print(os.environ.get("CURRENT", ""), end="")
elif "get pod web-0 --namespace shop" in text:
    print("worker-1", end="")
elif "get pod pending" in text:
    pass
elif "get pods --namespace" in text:
    node = text.split("spec.nodeName=")[1].split(",")[0]
    print({"worker-1": "nodewake-abc", "worker-3": "nodewake-new nodewake-old"}.get(node, ""), end="")
elif "exec" in words:
    print("told")
    sys.exit(int(os.environ.get("CODE", "0")))
else:
    print("Error from server (NotFound): pods not found", file=sys.stderr)
    sys.exit(1)
"""


@pytest.fixture(name="plugin")
def with_stub(tmp_path):
    stub = tmp_path / "kubectl"
    stub.write_text(STUB)
    stub.chmod(0o755)
    asked = tmp_path / "asked"

    def run(*words, **environment):
        asked.write_text("")
        done = subprocess.run([PLUGIN, *words], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, PATH="%s:%s" % (tmp_path, os.environ["PATH"]), ASKED=str(asked),
                                       **environment))
        calls = list(map(json.loads, asked.read_text().splitlines()))
        return done, calls
    return run


def executed(calls):
    words = calls[-1]
    assert words[words.index("exec"):words.index("--")] == [
        "exec", "--namespace", "nodewake", "--container", "nodewake", words[words.index("--") - 1]]
    return words[words.index("--") - 1], words[words.index("--") + 1:]


def test_by_node(plugin):
    done, calls = plugin("--node", "worker-1", "ooms", "--since", "2h")
    assert (done.returncode, done.stdout) == (0, "told\n")
    assert executed(calls) == ("nodewake-abc", ["/usr/bin/nodewake", "ooms", "--since", "2h"])


def test_by_pod(plugin):
    _, calls = plugin("--pod=web-0", "--namespace=shop", "starts", "--sort", "slowest")
    assert executed(calls) == ("nodewake-abc", ["/usr/bin/nodewake", "starts", "--namespace", "shop", "--sort", "slowest"])
    _, calls = plugin("--pod", "web-0", "-n", "shop", "status")
    assert executed(calls) == ("nodewake-abc", ["/usr/bin/nodewake", "status"])


@pytest.mark.parametrize("words", [
    ["explain", "web-0", "-n", "shop"], ["explain", "-n", "shop", "web-0"], ["explain", "--namespace=shop", "web-0"],
    ["explain", "-o", "json", "web-0", "-n", "shop"], ["-n", "shop", "explain", "web-0"]])
def test_explain_finds_the_node(plugin, words):
    _, calls = plugin(*words)
    agent, inside = executed(calls)
    assert agent == "nodewake-abc" and inside[:4] == ["/usr/bin/nodewake", "explain", "--namespace", "shop"]
    assert "web-0" in inside


def test_explain_takes_the_current_namespace(plugin):
    done, calls = plugin("explain", "web-0", CURRENT="shop")
    assert done.returncode == 0
    assert executed(calls)[1] == ["/usr/bin/nodewake", "explain", "--namespace", "shop", "web-0"]


def test_explain_on_a_named_node_asks_nothing_else(plugin):
    _, calls = plugin("--node", "worker-1", "explain", "gone-0", "-n", "shop")
    assert executed(calls)[1] == ["/usr/bin/nodewake", "explain", "gone-0", "-n", "shop"]
    assert len(calls) == 2


def test_context_and_kubeconfig_go_to_each_call(plugin):
    _, calls = plugin("--context", "a b", "--kubeconfig", "/x", "--node", "worker-1", "gaps")
    assert len(calls) == 2
    for words in calls:
        assert words[:4] == ["--context", "a b", "--kubeconfig", "/x"]


def test_words_with_spaces_and_a_second_agent(plugin):
    _, calls = plugin("--node", "worker-3", "exits", "--pod", "a b", "$x")
    assert executed(calls) == ("nodewake-new", ["/usr/bin/nodewake", "exits", "--pod", "a b", "$x"])


def test_the_verbs_exit_code_comes_back(plugin):
    assert plugin("--node", "worker-1", "status", CODE="1")[0].returncode == 1


def test_another_namespace_of_the_agent(plugin):
    _, calls = plugin("--node", "worker-1", "status", NODEWAKE_NAMESPACE="monitoring")
    assert all(words[words.index("--namespace") + 1] == "monitoring" for words in calls)


@pytest.mark.parametrize("words,code,text", [
    ([], 2, "Usage"),
    (["status"], 2, "which node?"),
    (["--node"], 2, "--node wants a value"),
    (["--node", "a", "--pod", "b", "status"], 2, "either --node or --pod"),
    (["--nodes", "a", "status"], 2, "'--nodes' is not known"),
    (["--node", "worker-1", "run"], 2, "the DaemonSet"),
    (["--node", "worker-2", "status"], 1, "no agent runs on node worker-2"),
    (["explain"], 2, "explain wants a pod"),
    (["explain", "pending", "-n", "shop"], 1, "on no node yet"),
    (["explain", "gone-0", "-n", "shop"], 1, "the node of pod shop/gone-0 is not known"),
])
def test_errors_say_what_is_wrong(plugin, words, code, text):
    done, calls = plugin(*words)
    assert done.returncode == code and text in done.stderr
    assert not any("exec" in call for call in calls)


def test_help(plugin):
    done, calls = plugin("--help")
    assert done.returncode == 0 and "explain POD" in done.stdout and not calls
