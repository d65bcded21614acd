# SPDX-License-Identifier: Apache-2.0
"""--follow: through a pipe a line per change, on a terminal a picture that is redrawn; it ends by itself."""

import os
import pty
import re
import select
import signal
import subprocess
import time

from conftest import PROGRAM, fill


def follow(state, **options):
    return subprocess.Popen([PROGRAM, "boot", "--follow", "--state-dir", state], **options)


def test_a_line_per_change(tmp_path):
    state = str(tmp_path / "state")
    with follow(state, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "waits for the daemon" in process.stderr.readline()
        os.mkdir(state)
        fill(state, "wakes")
        first = process.stdout.readline()
        assert re.search(r"boot +node +waking for .*8 of 9 pods ready; missing ai-stack/llama-cpp \(ImagePullBackOff\)", first)
        time.sleep(1.2)  # nothing changes meanwhile: nothing is told
        fill(state, "woken")
        rest = process.stdout.read()
        assert process.wait(120) == 0
    assert len(rest.splitlines()) == 1 and "ready after 2min 11.4s, 9 of 9 pods ready" in rest


def read_until(fd, pattern, seconds=120):
    text, end = "", time.monotonic() + seconds
    while not re.search(pattern, text, re.S):
        assert time.monotonic() < end, text
        if select.select([fd], [], [], 0.2)[0]:
            try:
                text += os.read(fd, 65536).decode()
            except OSError:  # the other end is gone
                break
    return text


def test_a_terminal_is_redrawn(tmp_path):
    state = fill(tmp_path, "wakes")
    master, slave = pty.openpty()
    with follow(state, stdout=slave, stderr=slave, env=dict(os.environ, NO_COLOR="1")) as process:
        os.close(slave)
        text = read_until(master, r"Not ready yet.*\x1b\[\d+A.*Not ready yet")
        drawn = text.split("\x1b[?7h")[0].count("\n")
        up = int(re.search(r"\x1b\[(\d+)A", text).group(1))
        assert up == drawn, "goes up by as many lines as were drawn"
        fill(state, "woken")
        text = read_until(master, r"all 9 pods ready.*Units that took longest")
        assert "\x1b[J" in text
        assert process.wait(120) == 0
    os.close(master)


def test_not_recovered_is_a_failure_and_an_interrupt_ends_it(tmp_path):
    done = subprocess.run([PROGRAM, "boot", "--follow", "--boot", "0", "--state-dir", fill(tmp_path, "broken")],
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1 and "not recovered after 10min" in done.stdout
    with follow(str(tmp_path / "none"), stderr=subprocess.PIPE) as process:
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == -signal.SIGINT
    # neither a boot that never was nor a store that is not there is waited for
    for state in (fill(tmp_path, "late"), str(tmp_path / "none")):
        done = subprocess.run([PROGRAM, "boot", "--follow", "--boot", "-7", "--state-dir", state], capture_output=True,
                              text=True, check=False, timeout=120)
        assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
