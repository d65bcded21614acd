#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 in the initrd: the disk's driver, the disk, systemd.
PATH=/bin
for applet in mount insmod sleep switch_root; do
	busybox ln -s busybox /bin/$applet
done
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in /modules/*; do
	insmod "$module"
done
tries=0
until mount -t ext4 /dev/vda /root || [ $tries -gt 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
for dir in dev proc sys; do
	mount --move /$dir /root/$dir
done
exec switch_root /root /sbin/init
