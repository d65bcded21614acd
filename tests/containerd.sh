#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# containerd.sh BUILD: the tests of truth, of gaps and of pulls with the containerd of each newer Debian suite.
set -u

build=$1
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodewake/containerd
failed=0

for suite in trixie sid; do
	dir=$cache/$suite
	if ! "$here/fetch.sh" containerd "$dir" "$suite"; then
		echo "check-containerd: SKIPPED: $suite's package can't be fetched"
		continue
	fi
	if ! version=$("$dir/usr/bin/containerd" --version 2>&1); then
		echo "check-containerd: SKIPPED: $suite's containerd does not run here: $version"
		continue
	fi
	echo "check-containerd: $suite: $version"
	BUILD=$build CONTAINERD_BIN=$dir/usr/bin /usr/bin/python3 -m pytest -q -p no:cacheprovider \
		"$here/integration/test_truth.py" "$here/integration/test_gaps.py" "$here/integration/test_pull.py" -k "not stopped_daemon" || failed=1
done
exit "$failed"
