# SPDX-License-Identifier: Apache-2.0
"""Machines for the tests. A machine whose test failed leaves its logs in BUILD/boot-logs."""

import os
import re
import shutil
import tempfile

import pytest

from . import Machine
from .install import PROGRAMS
from .pods import USUAL

BUILD = os.environ.get("BUILD", "build")
SOCKETS = {"containerd": "/run/containerd/containerd.sock", "k3s": "/run/k3s/containerd/containerd.sock"}


@pytest.fixture(scope="session", name="prepared")
def a_disk_whose_pods_have_run():
    """Every machine's disk is a copy of it: images are there, and the usual pods' sandboxes of the boot before."""
    yield from prepare("containerd")


@pytest.fixture(scope="session", name="prepared_k3s")
def a_disk_of_k3s():
    yield from prepare("k3s")


def prepare(layout):
    folder = tempfile.mkdtemp(prefix="nodewake-vm-")
    ctr = "ctr -a %s -n k8s.io" % SOCKETS[layout]
    try:
        with Machine(BUILD, folder, layout=layout) as machine:
            try:
                machine.boot()
                machine.wait(ctr + " version", 90, "containerd's answer")
                for image in ("pause", "cast"):
                    machine.run("%s images import %s/%s.tar" % (ctr, PROGRAMS, image), seconds=90)
                machine.wait_pods([pod.name for pod in USUAL], 120)
                machine.wait_settled()
                machine.wait("nodewake status", 60)
                machine.poweroff()
            except BaseException:
                machine.keep_logs(os.path.join(BUILD, "boot-logs", "prepared-" + layout))
                raise
        yield folder + "/disk"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Makers:
    """Machines of one test, or of one file of tests."""

    def __init__(self, prepared):
        self.prepared = prepared
        self.machines = []

    def __call__(self, files=None):
        folder = tempfile.mkdtemp(prefix="nodewake-vm-")
        machine = Machine(BUILD, folder, disk=self.prepared, files=files)
        self.machines.append(machine)
        return machine

    def close(self, name, failed):
        for number, machine in enumerate(self.machines):
            try:
                if failed:
                    machine.keep_logs(os.path.join(BUILD, "boot-logs", re.sub(r"[^\w-]+", "-", name) + "-%d" % number))
            finally:
                machine.off()
                shutil.rmtree(machine.folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.has_failed = True
    del call


def for_a_test(request, prepared):
    makers = Makers(prepared)
    yield makers
    makers.close(request.node.name, getattr(request.node, "has_failed", False))


def for_a_file(request, prepared):
    makers = Makers(prepared)
    before = request.session.testsfailed
    try:
        yield makers
    finally:
        makers.close(request.node.name, request.session.testsfailed > before)


@pytest.fixture(name="make_machine")
def machines_of_a_test(request, prepared):
    yield from for_a_test(request, prepared)


@pytest.fixture(scope="module", name="make_lasting")
def machines_of_a_file(request, prepared):
    yield from for_a_file(request, prepared)


@pytest.fixture(name="make_k3s")
def k3s_machines_of_a_test(request, prepared_k3s):
    yield from for_a_test(request, prepared_k3s)


@pytest.fixture(scope="module", name="make_lasting_k3s")
def k3s_machines_of_a_file(request, prepared_k3s):
    yield from for_a_file(request, prepared_k3s)
