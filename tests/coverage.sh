#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coverage.sh BUILD: what the counters in a build with COVERAGE=1 say, and whether it is enough.
set -eu

build=$1
mkdir -p "$build/coverage"
command -v gcovr >/dev/null || { echo "coverage: no gcovr: run make deps" >&2; exit 1; }

# Branches that only an allocation's failure takes are left out, as are those inside uthash's macros and what the compiler
# makes for asserts and cleanups.
measure() {
	gcovr --root . --object-directory "$build/agent" --filter "$1" --exclude-unreachable-branches --exclude-throw-branches \
		--exclude-branches-by-pattern '.*(alloc|_new\(|HASH_[A-Z]+|DL_[A-Z]+).*' "$build/agent" --json-summary "$build/coverage/$2.json" "$3" "$build/coverage/$2.html" >/dev/null
}
measure 'agent/' agent --html-details
measure 'agent/track/' track --html-details
python3 - "$build/coverage" <<'END'
import json
import sys

folder, failed = sys.argv[1], False
for name, what, least in (("agent", "line", 85), ("track", "branch", 95)):
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as file:
        found = json.load(file)
    percent = 100 * found[what + "_covered"] / found[what + "_total"]
    failed |= percent < least
    print("coverage: %-6s of agent/%s %5.1f %% (%d of %d), wanted %d %%" % (
        what, "" if name == "agent" else name + "/", percent, found[what + "_covered"], found[what + "_total"], least))
sys.exit(failed)
END
