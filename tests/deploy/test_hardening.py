# SPDX-License-Identifier: Apache-2.0
"""What the compiler and the linker were asked to protect, read from the program."""

import os
import re
import subprocess

import pytest

PROGRAM = os.path.join(os.environ.get("BUILD", "build"), "nodewake")


@pytest.fixture(scope="module", name="headers")
def program_headers():
    return subprocess.run(["readelf", "-lWd", PROGRAM], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module", name="symbols")
def undefined_symbols():
    shown = subprocess.run(["nm", "-D", "--undefined-only", PROGRAM], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in shown.splitlines()}


def test_position_independent(headers):
    assert "Position-Independent Executable" in headers


def test_full_relro(headers):
    assert "GNU_RELRO" in headers
    assert re.search(r"FLAGS.*\bBIND_NOW\b|FLAGS_1.*\bNOW\b", headers)


def test_no_memory_is_written_and_executed(headers):
    loads = re.findall(r"^  (LOAD|GNU_STACK)\s+(?:0x\w+\s+){5}([RWE ]{3})", headers, re.MULTILINE)
    assert {kind for kind, _ in loads} == {"LOAD", "GNU_STACK"}
    assert not [flags for _, flags in loads if "W" in flags and "E" in flags]


def test_stack_protector(symbols):
    assert "__stack_chk_fail" in symbols


def test_fortified(symbols):
    """The checking forms are called, and nothing is left that has one and was not replaced where the size is known."""
    assert {"__snprintf_chk", "__memcpy_chk", "__fprintf_chk"} <= symbols
    assert not symbols & {"strcat", "sprintf", "vsprintf", "gets"}


def test_indirect_branches_have_a_landing():
    """CET: a function whose address is taken begins with endbr64."""
    if os.uname().machine != "x86_64":
        pytest.skip("CET is x86_64's")
    shown = subprocess.run(["objdump", "-d", "--no-show-raw-insn", PROGRAM], check=True, capture_output=True, text=True).stdout
    assert re.search(r"<main>:\n\s+\w+:\s+endbr64", shown)
    assert shown.count("endbr64") > 500
