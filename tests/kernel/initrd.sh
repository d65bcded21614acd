#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# initrd.sh BUILD KERNEL OUT: a root file system with busybox, containerd, runc, the agent and the
# cast, as an initrd for the kernel unpacked in KERNEL. For another machine MACHINE says which, and KERNEL holds its
# programs too.
set -eu

build=$1
kernel=$2
out=$3
here=$(cd "$(dirname "$0")" && pwd)
machine=${MACHINE:-$(uname -m)}
from=
[ "$machine" = "$(uname -m)" ] || from=$kernel
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root/bin" "$root/sbin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/run" "$root/etc" \
	"$root/root" "$root/var/lib" "$root/nodewake"
cp "$from/bin/busybox" "$root/bin/"
for applet in sh ln mount mkdir cat echo sleep poweroff insmod ip dmesg grep kill cut sed awk sync chmod printf pidof date; do
	ln -s busybox "$root/bin/$applet"
done

# Puts a file at its place there: put FILE [PLACE].
put() {
	place=${2:-${1#"$from"}}
	[ -e "$root$place" ] && return 1
	mkdir -p "$root$(dirname "$place")"
	cp -L "$1" "$root$place"
}

# The loader and the libraries that a program names, and those that they name.
libraries() {
	interpreter=$(readelf -l "$1" 2>/dev/null | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	[ -z "$interpreter" ] || put "$from$interpreter" "$interpreter" || true
	for name in $(readelf -d "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		for file in "$from/lib/$machine-linux-gnu/$name" "$from/usr/lib/$machine-linux-gnu/$name"; do
			[ -e "$file" ] || continue
			! put "$file" || libraries "$file"
			break
		done
	done
}

for program in /usr/bin/containerd /usr/bin/containerd-shim-runc-v2 /usr/sbin/runc /usr/bin/crun /usr/bin/ctr /usr/bin/setpriv; do
	put "$from$program" || true
	libraries "$from$program"
done
for program in "$build/nodewake" "$build/cri"; do
	libraries "$program"
	cp "$program" "$root/nodewake/"
done
cp "$build/tests/programs/cast" "$root/nodewake/"
/usr/bin/python3 - "$here/.." "$build" "$root/nodewake" <<'P'
import sys
sys.path.insert(0, sys.argv[1])
from node import images
images.write_cast(sys.argv[2], sys.argv[3] + "/cast.tar")
images.write_plant(sys.argv[2], sys.argv[3] + "/plant.tar")
images.write_pause(sys.argv[2], sys.argv[3] + "/pause.tar")
P
# merged since trixie, compressed since then
find "$kernel/lib/modules" "$kernel/usr/lib/modules" \( -name 'overlay.ko*' -o -name 'zsmalloc.ko*' -o -name 'zram.ko*' -o -name 'lzo*.ko*' \) -exec cp {} "$root/nodewake/" \; 2>/dev/null || true
for module in "$root"/nodewake/*.ko.xz; do
	[ ! -e "$module" ] || xz -d "$module"
done
cp "$here/mounts.sh" "$root/nodewake/"
cp "$here/why.sh" "$root/nodewake/"
cp "$here/inside.sh" "$root/init"
chmod 0755 "$root/init"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$out"
