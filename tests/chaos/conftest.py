# SPDX-License-Identifier: Apache-2.0
"""A private node, and a daemon whose probes outlive it; at the end each case's invariant, and how long it took."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
pytest.register_assert_rewrite("node.load")

from node.fixtures import one_node, one_pod, own_bpffs, pinning_daemon  # noqa: E402,F401 pylint: disable=unused-import


@pytest.fixture(name="daemon")
def the_pinning_one(pinning):
    return pinning


def pytest_configure(config):
    config.cases = []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "call":
        item.config.cases.append((report.outcome, report.duration, item.name, item.function.__doc__ or ""))


def pytest_terminal_summary(terminalreporter, config):
    for outcome, seconds, name, invariant in config.cases:
        terminalreporter.write_line("%-7s %5.0f s  %-34s %s" % (outcome, seconds, name[5:], " ".join(invariant.split())))
