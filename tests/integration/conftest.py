# SPDX-License-Identifier: Apache-2.0
"""One private node for all tests; each test gets a daemon of its own with an empty store."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
pytest.register_assert_rewrite("kube.contract", "kube.told", "node.load")

from node.fixtures import fresh_daemon, one_node, one_pod, own_bpffs, pinning_daemon  # noqa: E402,F401 pylint: disable=unused-import


def pytest_configure(config):
    config.told_at_the_end = []


def pytest_terminal_summary(terminalreporter, config):
    for table in config.told_at_the_end:
        terminalreporter.write_line(table.text())
