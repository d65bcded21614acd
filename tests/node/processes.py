# SPDX-License-Identifier: Apache-2.0
"""Processes that a test started, ended by pid."""

import os
import signal
import subprocess
import time


PATIENCE = float(os.environ.get("PATIENCE", "1"))  # of a slow machine, how much longer than seconds say


def wait_until(true, seconds, what):
    """Calls true() until it returns something true, and returns that."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("not within %s s: %s" % (seconds, what))
        time.sleep(0.02)


def end(process, seconds=10):
    """SIGTERM, then SIGKILL; returns the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def kill_by_argument(text):
    """Ends processes that name this folder (the shims of a private containerd)."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                words = file.read()
            if text.encode() in words and int(pid) != os.getpid():
                os.kill(int(pid), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
