#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs every package that the Makefile's targets need on Debian 12; with the word "programs", what check-programs
# and the scheduler's part of bench run besides; with "peers", whom bench-cost compares; with "arm64", what check-arm64 needs. Idempotent; needs root.
set -eu

packages="build-essential pkg-config clang llvm lld libclang-rt-14-dev clang-format cppcheck shellcheck
libbpf-dev libelf-dev zlib1g-dev bpftool libsystemd-dev libgrpc-dev libprotobuf-c-dev protobuf-c-compiler
libsqlite3-dev sqlite3 libjansson-dev libmicrohttpd-dev libcurl4-openssl-dev libyaml-dev libseccomp-dev openssl uthash-dev libcmocka-dev
python3 python3-pytest python3-jsonschema scdoc containerd runc crun docker-registry skopeo iproute2 containernetworking-plugins
ca-certificates systemd-journal-remote qemu-system-x86 busybox-static cpio prometheus golang-go rsync jq etcd-server"

# Any kubectl serves; Debian's would take the place of one from another package.
command -v kubectl >/dev/null || packages="$packages kubernetes-client"

# what tests/boot/ makes a machine with
packages="$packages mmdebstrap e2fsprogs"

# what deploy/ is made with and checked by
packages="$packages nghttp2-proxy umoci prometheus python3-yaml python3-seccomp man-db"

# a systemd to talk to, as a user's manager (tests/integration/test_boot_units.py)
packages="$packages systemd dbus-daemon"

# make coverage
packages="$packages gcovr"

# what the boot report's page is looked at with
packages="$packages chromium chromium-driver fonts-dejavu-core python3-selenium"

# real programs as containers, and what they are checked with
[ "${1:-}" != programs ] || packages="$packages postgresql redis-server nginx-light prometheus python3-flask python3-pandas
strace linux-perf rt-tests"

# who else watches a node, for tests/bench/cost.py
[ "${1:-}" != peers ] || packages="$packages bpftrace libbpf-tools prometheus-node-exporter"

# another machine's programs, and what runs them
[ "${1:-}" != arm64 ] || packages="$packages gcc-aarch64-linux-gnu qemu-system-arm qemu-user-static"

missing=""
for package in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
	[ "$state" = "ii " ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
	echo "deps: all packages are there"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "deps: run as root to install:$missing" >&2
	exit 1
fi

# The services in these packages (containerd, docker-registry, prometheus) must not start by being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 0755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
# a foreign source that can't be reached is no reason to fail, as long as the packages are found
apt-get update -q || echo "deps: not every package source could be read" >&2
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $missing
