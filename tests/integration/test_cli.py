# SPDX-License-Identifier: Apache-2.0
"""The command line: exit codes, JSON, clear errors, replay of what was recorded."""

import json
import os
import stat
import subprocess
import time


def test_replay_gives_the_same_records(daemon, pod):
    pod.start("server", ["listen", "8080", "50"])
    pod.start("bad", ["exit", "3", "50"]).wait_exited()
    pod.start("oom", ["eat-child", "50"], memory=16 << 20)
    daemon.wait_final("ooms")
    live = {r["key"]: r for kind in ("starts", "exits", "ooms") for r in daemon.wait_final(kind)}
    time.sleep(1)
    live = {r["key"]: r for kind in ("starts", "exits", "ooms") for r in daemon.records(kind) if r.get("final")}
    code, text = daemon.verb("replay", daemon.events, "--output", "json")
    assert code == 0
    replayed = {r["key"]: r for r in map(json.loads, text.splitlines())}
    for key, record in live.items():
        for member in ("type", "phases", "verdict", "code", "victims", "subject", "span"):
            assert replayed[key].get(member) == record.get(member), member


def test_bad_recordings_are_one_clear_error(daemon, tmp_path):
    for text, needle in (("", "no recording"), ("{}\n", "no recording"),
                         ('{"nodewake":"events","version":1}\ngarbage\n', "line 2")):
        path = tmp_path / "events"
        path.write_text(text)
        done = subprocess.run([daemon.program, "replay", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert needle in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_unknown_options_are_one_clear_error(daemon):
    for words in (["run", "--nonsense"], ["run", "--keep-age", "fast"], ["starts", "--since", "soon"], ["watch", "-x"],
                  ["nonsense"]):
        done = subprocess.run([daemon.program, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2, words
        assert words[1] in done.stderr if len(words) > 1 else "nonsense" in done.stderr


def test_every_verb_has_help(daemon):
    _, text = daemon.verb("--help")
    verbs = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert {"run", "watch", "starts", "ooms", "exits", "explain", "status", "doctor", "replay"} <= set(verbs)
    for verb in verbs:
        code, text = daemon.verb(verb, "--help")
        assert code == 0 and text.startswith("Usage: nodewake " + verb)


def test_without_a_daemon(node, tmp_path):
    program = os.path.join(node.build, "nodewake")
    for words in (["status"], ["watch"]):
        done = subprocess.run([program, *words, "--socket", str(tmp_path / "none")], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 3
        assert "daemon" in done.stderr
    done = subprocess.run([program, "starts", "--state-dir", str(tmp_path / "none")], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_history_works_while_the_daemon_is_down(daemon, pod):
    pod.start("server", ["listen", "8080"])
    daemon.wait_final("starts")
    daemon.kill()
    assert len(daemon.records("starts")) == 1
    code, text = daemon.verb("explain", pod.name, "--state-dir", daemon.state)
    assert code == 0 and "listening on port 8080" in text


def test_socket_and_store_are_private(daemon):
    assert stat.S_IMODE(os.stat(daemon.socket).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(daemon.state + "/nodewake.db").st_mode) == 0o600


def test_hostile_names_reach_no_terminal(daemon, node):
    pod = node.run_pod("hostile")
    pod.start("x\x1b[31mred", ["exit", "1"]).wait_exited()
    daemon.wait_final("exits")
    for verb in ("starts", "exits"):
        _, text = daemon.verb(verb, "--state-dir", daemon.state)
        assert "\x1b" not in text and "\\x1b" in text
    pod.remove()


def test_two_daemons_do_not_share_a_socket(daemon, node):
    """The second one is told and goes on without."""
    second = subprocess.Popen([daemon.program, "run", *daemon.arguments[:4], "--state-dir", node.dir + "/second",
                               "--socket", daemon.socket, "--listen", "off"], stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    second.terminate()
    _, text = second.communicate(timeout=10)
    assert "Address already in use" in text
    assert daemon.status() is not None


def test_doctor_names_what_is_missing(daemon, tmp_path):
    done = subprocess.run([daemon.program, "doctor", "--output", "json", "--root", str(tmp_path)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2
    findings = {f["check"]: f for f in json.loads(done.stdout)}
    for check in ("btf", "cgroups", "containerd", "cni"):
        assert findings[check]["health"] in ("fail", "warn")
        assert findings[check]["todo"]
