#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coverage.sh BUILD [fuzz]: what the counters in a build with COVERAGE=1 say, and whether it is enough. fuzz: of the decoders
# of foreign bytes alone.
set -eu

build=$1
what=${2:-all}
mkdir -p "$build/coverage"
command -v gcovr >/dev/null || { echo "coverage: no gcovr: run make deps" >&2; exit 1; }

# Branches that only an allocation's failure takes are left out, as are those inside uthash's macros and what the compiler
# makes for asserts and cleanups.
measure() {
	gcovr --root . --object-directory "$build/agent" --filter "$2" --exclude-unreachable-branches --exclude-throw-branches \
		--exclude-branches-by-pattern '.*(alloc|_new\(|HASH_[A-Z]+|DL_[A-Z]+).*' "$build/agent" \
		--json-summary "$build/coverage/$1.json" --html-details "$build/coverage/$1.html" >/dev/null
}
if [ "$what" = fuzz ]; then
	measure decoders 'agent/(source/.*(wire|json|calls|rules|steps|log_line|kubernetes_(pod|fields))|model/(json.*|event_line)|client/(http.*|kube/kube_(config.*|wire))|store/store.*|sink/(local_sink|metrics/http_server))\.c'
else
	measure agent 'agent/'
	measure track 'agent/track/'
fi
python3 - "$build/coverage" "$what" <<'END'
import json
import sys

folder, what = sys.argv[1:]
wanted = {"fuzz": (("decoders", "line", 70),), "all": (("agent", "line", 85), ("track", "branch", 95))}[what]
failed = False
for name, kind, least in wanted:
    with open("%s/%s.json" % (folder, name), encoding="utf-8") as file:
        found = json.load(file)
    percent = 100 * found[kind + "_covered"] / found[kind + "_total"]
    failed |= percent < least
    print("coverage: %-6s of %-12s %5.1f %% (%d of %d), wanted %d %%" % (
        kind, {"agent": "agent/", "track": "agent/track/"}.get(name, name), percent, found[kind + "_covered"],
        found[kind + "_total"], least))
sys.exit(failed)
END
