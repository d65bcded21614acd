#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# replay.sh BUILD [accept]: each recorded incident must give the records that stand beside it.
set -eu

build=$1
here=$(cd "$(dirname "$0")" && pwd)
failed=0
count=0
for recording in "$here"/*.events.jsonl; do
	expected=${recording%.events.jsonl}.records.jsonl
	told=$("$build/nodewake" replay "$recording" --all --output json)
	count=$((count + 1))
	if [ "${2:-}" = accept ]; then
		printf '%s\n' "$told" >"$expected"
	elif ! printf '%s\n' "$told" | diff -u --label "$(basename "$expected")" --label told "$expected" -; then
		failed=$((failed + 1))
	fi
done
echo "check-replay: $count incidents, $failed failed"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
