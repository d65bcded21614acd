# SPDX-License-Identifier: Apache-2.0
"""`nodewake boot` on stores of synthetic boots: any machine, no root."""

import os
import subprocess

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SHOTS = os.path.join(BUILD, "report")  # pictures and files to look at
PROGRAM = os.path.join(BUILD, "nodewake")


def fill(directory, flavour):
    subprocess.run([os.path.join(BUILD, "boot-scene"), str(directory), flavour], check=True)
    return str(directory)


def boot(state, *words, code=0):
    done = subprocess.run([PROGRAM, "boot", "--state-dir", state, *words], capture_output=True, check=False, timeout=300)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="session", name="scene")
def of_flavour(tmp_path_factory):
    """scene("slow"): a state directory with it, made once."""
    made = {}

    def make(flavour):
        if flavour not in made:
            made[flavour] = fill(tmp_path_factory.mktemp(flavour), flavour)
        return made[flavour]

    os.makedirs(SHOTS, exist_ok=True)
    return make
