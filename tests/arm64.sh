#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# arm64.sh: another machine's root file system, of Debian's arm64 packages, unpacked and not installed: what the agent
# is built against, and what a virtual machine runs. Prints the folder; makes it only where it isn't there yet.
set -eu

packages="libc6-dev libsystemd-dev libgrpc-dev libprotobuf-c-dev libbpf-dev libelf-dev zlib1g-dev libjansson-dev libsqlite3-dev
libmicrohttpd-dev libcurl4-openssl-dev libyaml-dev libseccomp-dev uthash-dev libcmocka-dev
busybox-static containerd runc crun util-linux linux-image-cloud-arm64"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodewake
key=$(sha256sum <"$0" | cut -c 1-12)
root=$cache/arm64/$key
if [ ! -e "$root" ]; then
	command -v mmdebstrap >/dev/null || { echo "arm64.sh: no mmdebstrap: run make deps" >&2; exit 1; }
	echo "arm64.sh: unpacks Debian's arm64 packages, once" >&2
	mkdir -p "$cache/arm64"
	new=$(mktemp -d "$cache/arm64/new.XXXXXX")
	trap 'rm -rf "$new"' EXIT
	# shellcheck disable=SC2016 # apt's own variable
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?run make deps first} bookworm main" >"$new/sources.list"
	# shellcheck disable=SC2086
	mmdebstrap --variant=extract --architectures=arm64 --include="$(echo $packages | tr ' ' ',')" \
		--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
		bookworm "$new/root" "$new/sources.list" >"$cache/arm64/log" 2>&1 || { tail -n 20 "$cache/arm64/log" >&2; exit 1; }
	mv "$new/root" "$root"
fi
echo "$root"
