# SPDX-License-Identifier: Apache-2.0
"""Processes that call themselves what an attacker likes: nothing of it acts on a terminal, breaks JSON, or becomes markup."""

import json
import unicodedata

import pytest

from node import schema
from node.processes import wait_until

NAMES = {
    "escapes": "\x1b]0;t\x07\x1b[2J\x1b[31m",  # 15 bytes
    "cut": "\U0001f4a5" * 4,  # the kernel cuts it within the last one
    "format": "%n%s%x%1$n%n",
    "json": '"},{"type":"gap',
    "markup": "</p><hostile a=",
    "sql": "';DROP TABLE x;",
}


def printable(text):
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp", "Cs") for c in text)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_process_with_such_a_name(daemon, pod, name):
    pod.start("app", ["name", name, "child", "segv-read", "0x10"], image="localhost/die:1", program="/die").wait_exited()
    pod.start("own", ["name", name, "segv-read", "0x10"], image="localhost/die:1", program="/die").wait_exited()
    wait_until(lambda: len([r for r in daemon.records("exits") if r["subject"].get("pod_uid") == pod.uid]) >= 2, 15,
               "two exits")
    store = ["--state-dir", daemon.state]
    raw = name.encode()[:15].decode(errors="ignore")
    for words in (["why", pod.name, "--all"], ["exits", "--children"], ["exits", "--by", "container"], ["explain", pod.name],
                  ["status", "--socket", daemon.socket]):
        code, text = daemon.verb(*words, *([] if words[0] == "status" else store))
        assert code in (0, 1) and text, words
        assert printable(text), (words, text)
        assert name.isprintable() or raw not in text, words
    for words in (["why", pod.name, "--all"], ["explain", pod.name]):
        code, text = daemon.verb(*words, *store, "--output", "json")
        assert code == 0 and text.isascii()
        records = schema.check(json.loads(text))
        assert any(r.get("comm", "").startswith(raw) for r in records), "it is not told by its name"
    for form in ("svg", "html"):
        code, page = daemon.verb("explain", pod.name, *store, "--output", form)
        assert code == 0 and "<hostile" not in page and "\x1b" not in page
