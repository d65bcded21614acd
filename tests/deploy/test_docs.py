# SPDX-License-Identifier: Apache-2.0
"""Man page and completion know every verb, option, setting and default that the program has."""

import os
import re
import subprocess

import pytest

from conftest import DEPLOY, ROOT, read, run

COMPLETION = os.path.join(DEPLOY, "completion", "nodewake.bash")


@pytest.fixture(scope="module", name="verbs")
def of_help(program):
    found = re.findall(r"^  ([a-z-]+) +\S", run(program, "--help"), re.M)
    assert "run" in found and "explain" in found
    return found


@pytest.fixture(scope="module", name="settings")
def of_run(program):
    """{flag: (environment variable, default)}"""
    found = re.findall(r"^  (--[a-z-]+).*\n +(NODEWAKE_[A-Z_]+)(?:, default (.*))?$", run(program, "run", "--help"), re.M)
    assert len(found) > 10
    return {flag: (variable, default) for flag, variable, default in found}


@pytest.fixture(scope="module", name="page")
def rendered():
    """The page as a reader sees it, on one line."""
    path = os.path.join(os.environ.get("BUILD", "build"), "man", "nodewake.8")
    text = run("man", "--warnings", "-l", os.path.realpath(path), env=dict(os.environ, MANWIDTH="200", LC_ALL="C.UTF-8",
                                                                          MAN_KEEP_FORMATTING=""))
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;]*m|.\x08", "", text))


def options_of(program, verb):
    return re.findall(r"^ +(?:-\w, +)?(--[a-z-]+)", run(program, verb, "--help"), re.M)


def complete(*words):
    """What bash offers for the last word."""
    script = 'source %s; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nodewake; printf "%%s\\n" "${COMPREPLY[@]}"' % COMPLETION
    return subprocess.run(["bash", "-c", script, "bash", "nodewake", *words], capture_output=True, text=True,
                          check=True).stdout.split()


def test_man_page_has_each_verb(page, verbs, program):
    for verb in verbs:
        assert re.search(r" %s " % verb, page), verb
        if verb == "run":
            continue
        for option in options_of(program, verb):
            assert option in page, "%s %s" % (verb, option)


def test_man_page_has_each_setting_and_its_default(page, settings):
    part = page[page.index(" SETTINGS The"):page.index(" ENVIRONMENT ")]
    flags = list(settings)
    for flag, (_, default) in settings.items():
        assert flag + " " in part, flag
        text = part[part.index(flag + " ", part.index("switches in")):]
        text = text[:min([text.index(f + " ") for f in flags if f != flag and f + " " in text] or [len(text)])]
        assert default in text, "%s: default %s" % (flag, default)
    assert set(re.findall(r" (--[a-z-]+) ", part[part.index("switches in"):])) == set(flags)


def test_man_page_has_the_exit_codes(page):
    codes = re.findall(r"^\tCLI_\w+ = (\d)", read("agent", "cli", "verbs.h"), re.M)
    part = page[page.index(" EXIT STATUS "):page.index(" CAPABILITIES ")]
    assert codes and re.findall(r" (\d) [A-Z]", part) == codes


def test_completion_has_each_verb_and_option(verbs, program):
    assert set(complete("")) == set(verbs) | {"help", "--help", "--version"}
    for verb in verbs:
        assert set(complete(verb, "--")) == set(options_of(program, verb)) | {"--help"}, verb


def test_completion_of_values():
    assert complete("starts", "--sort", "s") == ["slowest"]
    assert complete("watch", "-t", "o") == ["oom"]
    assert complete("help", "expl") == ["explain"]


def test_install_puts_all_in_place_and_uninstall_takes_it_away(tmp_path):
    build = os.path.relpath(os.environ.get("BUILD", "build"), ROOT)
    make = ["make", "-s", "-C", ROOT, "BUILD=" + build, "DESTDIR=%s" % tmp_path, "PREFIX=/opt/x"]
    run(*make, "install")
    found = {os.path.relpath(os.path.join(folder, name), tmp_path)
             for folder, _, names in os.walk(tmp_path) for name in names}
    assert found == {"opt/x/" + name for name in (
        "bin/nodewake", "bin/kubectl-nodewake", "share/man/man8/nodewake.8",
        "share/bash-completion/completions/nodewake", "lib/systemd/system/nodewake.service",
        "lib/systemd/system/nodewake-early.service")}
    unit = (tmp_path / "opt/x/lib/systemd/system/nodewake.service").read_text()
    assert "ExecStart=/opt/x/bin/nodewake run" in unit and "@" not in unit.replace("@system-service", "").replace(
        "@privileged", "").replace("@resources", "")
    shown = run("man", "-w", "nodewake", env=dict(os.environ, MANPATH=str(tmp_path / "opt/x/share/man")))
    assert shown.strip().endswith("nodewake.8")
    run(*make, "uninstall")
    assert not [names for _, _, names in os.walk(tmp_path) if names]
