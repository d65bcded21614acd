#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# initrd.sh DIR: vmlinuz and initrd of Debian's cloud kernel. The initrd loads what the kernel has as modules, and hands
# over: no udev, no second systemd.
set -eu

out=$1
here=$(cd "$(dirname "$0")" && pwd)
kernel=${XDG_CACHE_HOME:-$HOME/.cache}/nodewake/kernels/linux-image-cloud-amd64
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/root" "$root/modules"
cp /bin/busybox "$root/bin/"
ln -s busybox "$root/bin/sh"
cp "$here/init.sh" "$root/init"
chmod 0755 "$root/init"
number=0
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk virtio_console; do
	number=$((number + 1))
	cp "$(find "$kernel/lib/modules" -name "$module.ko")" "$root/modules/$number-$module.ko"
done
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$out/initrd"
cp "$kernel"/boot/vmlinuz-* "$out/vmlinuz"
