#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# image.sh: a root file system for machines that boot, of Debian's packages: systemd, containerd, runc, CNI plugins,
# what the agent is linked with, and the modules of Debian's cloud kernel. Prints the folder, which then holds disk
# (raw ext4, of a machine that never booted); builds only where it isn't there yet or this file has changed. Nothing of the checkout is in it: machine.py puts that onto a copy.
set -eu

packages="systemd-sysv udev dbus kmod iproute2 containerd runc containernetworking-plugins
libgrpc29 libprotobuf-c1 libbpf1 libjansson4 libsqlite3-0 libmicrohttpd12 libcurl4 libyaml-0-2"
size=4G

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodewake
key=$(sha256sum <"$here/image.sh" | cut -c 1-12)
image=$cache/boot/$key
if [ -e "$image" ]; then
	echo "$image"
	exit 0
fi
for tool in mmdebstrap mke2fs flock; do
	command -v "$tool" >/dev/null || { echo "image.sh: no $tool: run make deps" >&2; exit 1; }
done
mkdir -p "$cache/boot"
exec 9>"$cache/boot/lock"
flock -n 9 || { echo "image.sh: waits for another build" >&2; flock 9; }
if [ -e "$image" ]; then # another run was faster
	echo "$image"
	exit 0
fi
echo "image.sh: builds the image, once" >&2
log=$cache/boot/build.log
new=$(mktemp -d "$cache/boot/new.XXXXXX")
trap '[ $? -eq 0 ] || { tail -n 20 "$log" >&2; echo "image.sh: failed, see $log" >&2; }; rm -rf "$new"' EXIT
: >"$log"

"$here/../fetch.sh" linux-image-cloud-amd64 "$cache/kernels/linux-image-cloud-amd64"
kernel=$cache/kernels/linux-image-cloud-amd64
version=$(ls "$kernel/lib/modules")

# Debian's own sources of this machine, no other's.
sources() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Component: main' |
		grep -E ' bookworm(-updates|-security)?$' | sort -u
}
sources | while read -r uri suite; do
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main"
done >"$new/sources.list"
grep -q ' bookworm main' "$new/sources.list" || { echo "image.sh: no source of bookworm: run make deps" >&2; exit 1; }

# shellcheck disable=SC2086
mmdebstrap --mode=root --variant=essential --include="$(echo $packages | tr ' ' ',')" \
	--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$new/root" "$new/sources.list" >>"$log" 2>&1
mkdir -p "$new/root/lib/modules"
cp -a "$kernel/lib/modules/$version" "$new/root/lib/modules/"
chroot "$new/root" /sbin/depmod "$version"
# nothing is flushed lazily: the machine's disk is quiet from its first boot on
truncate -s "$size" "$new/disk"
mke2fs -q -t ext4 -L root -m 0 -J size=32 -E assume_storage_prezeroed=1 -d "$new/root" "$new/disk" >>"$log" 2>&1

rm -rf "$new/root" "$new/sources.list"
chmod 0755 "$new"
mv "$new" "$image"
echo "$image"
