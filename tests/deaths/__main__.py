# SPDX-License-Identifier: Apache-2.0
"""`python3 -m deaths BUILD [--here | --machine] [ROW ...]`: plants the rows here and in a machine of its own.

Writes BUILD/deaths/matrix.md and the records beside it, with --write also into docs/deaths-judged.md; ends with 0 only
if all that was told is right.
"""

import argparse
import json
import os
import sys
import tempfile
import time

from node import Daemon, Node

from . import judge, machine, matrix
from .place import Place
from .rows import ROWS

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "deaths-judged.md")


def run_here(build, rows):
    with Node(build) as node, Daemon(node, state=tempfile.mkdtemp(dir=node.dir)) as daemon:
        outcomes, took = judge.run(Place(node, daemon, version=1), rows)
    return "Linux %s, cgroup v1" % os.uname().release, outcomes, took


def run_machine(build, rows):
    with tempfile.TemporaryDirectory() as folder:
        outcomes, release, took, printed = machine.run(build, folder, [row.name for row in rows])
    with open(os.path.join(build, "deaths", "console"), "w", encoding="utf-8") as file:
        file.write(printed)
    return "Linux %s, cgroup v2" % release, outcomes, took


def say(place, outcomes, took):
    for outcome in outcomes:
        print("%-5s %-18s %s" % ("wrong" if outcome["wrong"] else "right", outcome["row"], "; ".join(outcome["wrong"])))
    print("check-deaths: %s: planted in %.0f s; %s\n" % (place, took, matrix.summary(outcomes)), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="deaths")
    parser.add_argument("build")
    parser.add_argument("--here", action="store_true", help="not in the machine")
    parser.add_argument("--machine", action="store_true", help="only there")
    parser.add_argument("--write", action="store_true", help="into the document, too")
    parser.add_argument("rows", nargs="*")
    options = parser.parse_intermixed_args()
    rows = [row for row in ROWS if not options.rows or row.name in options.rows]
    places, wrong = {}, False
    missing = machine.missing()
    if missing and not options.here:
        print("check-deaths: the machine is SKIPPED: not installed: " + ", ".join(missing))
    folder = os.path.join(options.build, "deaths")
    os.makedirs(folder, exist_ok=True)
    for name, asked, run in (("here", not options.machine, run_here), ("machine", not options.here and not missing, run_machine)):
        if not asked:
            continue
        place, outcomes, took = run(options.build, rows)
        say(place, outcomes, took)
        places[place] = outcomes
        wrong = wrong or any(outcome["wrong"] for outcome in outcomes)
        with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
            json.dump(outcomes, file, indent=1)
    told = "Written by `make check-deaths`, %s.\n\n%s" % (time.strftime("%Y-%m-%d"), matrix.text(places))
    with open(os.path.join(folder, "matrix.md"), "w", encoding="utf-8") as file:
        file.write(told)
    if options.write:
        matrix.write_document(DOCUMENT, "judged", told)
    print("check-deaths: see " + file.name)
    return wrong


sys.exit(main())
