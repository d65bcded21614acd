#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mutants.py: twenty bugs, put into agent/track/ one at a time; the unit tests and the recorded incidents must see each.

Works in a copy of the checkout's committed and staged files. Exits with 1 if one of them lives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# (file, what stands there once, what stands there then)
MUTANTS = (
    ("start.c", "if (chain->end_ns && from_ns < chain->end_ns)", "if (chain->end_ns && from_ns > chain->end_ns)"),
    ("start.c", "container->exec_ns	  ? container->exec_ns", "container->exec_ns	  ? container->exec_ns + 50000000"),
    ("lifecycle.c", "if (due_ns < lifecycle->due_ns)", "if (due_ns > lifecycle->due_ns)"),
    ("gap.c", "if (gaps->open[i].used && gaps->open[i].due_ns <= now_ns)", "if (gaps->open[i].used && gaps->open[i].due_ns < now_ns / 2)"),
    ("wait.c", "if (fresh || now_ns - wait->told_ns >= AGAIN_NS)", "if (!fresh && now_ns - wait->told_ns >= AGAIN_NS)"),
    ("death/exit.c", "return code == 0 ? EXIT_COMPLETED : EXIT_ERROR;", "return code >= 0 ? EXIT_COMPLETED : EXIT_ERROR;"),
    ("death/exit.c", "container->exit.signal ? 128 + container->exit.signal", "container->exit.signal ? 127 + container->exit.signal"),
    ("death/exit_signal.c", "seen->sender_cgroup_id == own_cgroup_id ? EXIT_SELF_KILLED", "seen->sender_cgroup_id != own_cgroup_id ? EXIT_SELF_KILLED"),
    ("death/oom.c", "if (!oom->by_limit)", "if (oom->by_limit)"),
    ("death/oom_series.c", "if (age_ns < YOUNG_NS)", "if (age_ns > YOUNG_NS)"),
    ("death/child.c", "if (seen && killed_for_memory(children->containers, seen))", "if (seen && !killed_for_memory(children->containers, seen))"),
    ("death/stop.c", "return cause == STOP_DELETION && !stops->tells_deletions;", "return cause == STOP_DELETION;"),
    ("death/host_join.c", "return death->exit->verdict != EXIT_COMPLETED;", "return true;"),
    ("pull/pull.c", "if (ingest->offset > work->bytes)", "if (ingest->offset < work->bytes)"),
    ("pull/pull_running.c", "failed->count = at_ns - failed->last_ns < IN_A_ROW_NS ?", "failed->count = at_ns - failed->last_ns > IN_A_ROW_NS ?"),
    ("boot/boot_path.c", "if ((set & BIT(i)) && ns && ns <= until_ns && ns >= found_ns) {", "if ((set & BIT(i)) && ns && ns <= until_ns) {"),
    ("boot/boot_ready.c", "return pod->told && (pod->before || old);", "return pod->told;"),
    ("why/why_stalls.c", "if (times->ns[i] > times->ns[found])", "if (times->ns[i] < times->ns[found])"),
    ("why/why_peers.c", "if (told->longest_ns > peer->wait.longest_ns)", "if (told->longest_ns < peer->wait.longest_ns)"),
    ("why/compete.c", "return c != own && strcmp(c->id, own->subject.sandbox_id) != 0;", "return strcmp(c->id, own->subject.sandbox_id) != 0;"),
)
# What knows the tracker; the rest can't see its bugs.
TESTED = "grep -l 'track/\\|track_fixture\\|boot_fixture\\|boot_scene\\|death_scene' tests/unit/*_test.c"


def run(words, folder):
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def passes(words, folder):
    """Within a minute: some bugs make time stand still."""
    try:
        return subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def copy_of_checkout(root, folder):
    listed = run(["git", "ls-files", "-z"], root).stdout.split("\0")
    for name in filter(None, listed):
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        shutil.copy2(os.path.join(root, name), os.path.join(folder, name))


def failing(folder, tests):
    """The first test that fails, or None."""
    made = run(["make", "-j2", "BUILD=build", "build/nodewake", *tests], folder)
    if made.returncode:
        raise SystemExit("it does not build:\n" + made.stderr[-2000:])
    for test in tests:
        if not passes([test], folder):
            return os.path.basename(test)
    return None if passes(["tests/replay/replay.sh", "build"], folder) else "recorded incidents"


def main():
    root, lives = os.path.dirname(HERE), 0
    with tempfile.TemporaryDirectory(prefix="nodewake-mutants-") as folder:
        copy_of_checkout(root, folder)
        names = run(["sh", "-c", TESTED], folder).stdout.split()
        tests = ["build/" + name[:-2] for name in names]
        if failing(folder, tests):
            raise SystemExit("mutants: the tests fail without any of them")
        for name, old, new in MUTANTS:
            path = os.path.join(folder, "agent/track", name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if text.count(old) != 1:
                raise SystemExit("mutants: %d times in %s: %s" % (text.count(old), name, old))
            begin = time.monotonic()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(old, new))
            seen = failing(folder, tests)
            lives += seen is None
            print("%-24s %-70s %s (%.0f s)" % (name, new[:70], "seen by " + seen if seen else "LIVES", time.monotonic() - begin),
                  flush=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    print("mutants: %d of %d seen" % (len(MUTANTS) - lives, len(MUTANTS)))
    return lives > 0


if __name__ == "__main__":
    sys.exit(main())
