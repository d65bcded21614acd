# SPDX-License-Identifier: Apache-2.0
"""What is deployed, checked without a cluster: any machine, no root."""

import os
import re
import subprocess

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DEPLOY = os.path.join(ROOT, "deploy")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, "%s: %s%s" % (" ".join(words), done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="session", name="program")
def built_program():
    return os.path.join(os.environ.get("BUILD", "build"), "nodewake")


@pytest.fixture(scope="session", name="metrics")
def contract():
    """Name and type of each metric that the agent promises: the table in docs/metrics.md."""
    if not os.path.exists(os.path.join(ROOT, "docs", "metrics.md")):
        pytest.skip("docs/metrics.md is not there")
    found = dict(re.findall(r"^\| `([a-z_]+)` \| (gauge|counter|histogram) \|", read("docs", "metrics.md"), re.M))
    assert len(found) > 20
    return found
