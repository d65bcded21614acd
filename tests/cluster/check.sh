#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh BUILD: the tests on a real Kubernetes, or the reason why they can't run.
set -u

build=$1
here=$(cd "$(dirname "$0")" && pwd)

skip() {
	echo "check-cluster: SKIPPED: $1"
	exit 0
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
[ -e /sys/kernel/btf/vmlinux ] || skip "this kernel has no BTF"
for tool in dbus-daemon etcd kubectl containerd ip nsenter unshare findmnt openssl; do
	command -v "$tool" >/dev/null || skip "no $tool: run make deps"
done
if [ -z "${KUBE_BIN:-}" ]; then
	KUBE_BIN=$("$here/fetch.sh") || skip "Kubernetes can't be built here"
fi
export KUBE_BIN
BUILD=$build exec /usr/bin/python3 -m pytest -q -p no:cacheprovider -s "$here"
