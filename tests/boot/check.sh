#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check.sh BUILD [FILE]: the tests on a machine that boots, or the reason why they can't run.
set -u

build=$1
file=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

skip() {
	echo "check-boot${file:+-cluster}: SKIPPED: $1"
	exit 0
}

[ "$(uname -m)" = x86_64 ] || skip "the machine is an x86_64 one"
[ "$(id -u)" -eq 0 ] || skip "needs root: its image is made with mmdebstrap"
for tool in qemu-system-x86_64 mmdebstrap mke2fs debugfs cpio busybox docker-registry skopeo; do
	command -v "$tool" >/dev/null || skip "no $tool: run make deps"
done
"$here/image.sh" >/dev/null || skip "its image can't be built here"
if [ -n "$file" ]; then
	for tool in etcd kubectl openssl; do
		command -v "$tool" >/dev/null || skip "no $tool: run make deps"
	done
	"$here/../cluster/fetch.sh" >/dev/null || skip "Kubernetes can't be built here"
fi
export PATH
BUILD=$build exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider -s "$here/$file"
