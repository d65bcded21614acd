# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What process 1 of a machine under test does first: file systems, pure cgroup v2, the loopback interface.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin:/nodewake HOME=/root
mount -t devtmpfs dev /dev
mount -t proc proc /proc
# as udev does: TOMOYO, which Debian's kernels have, looks at what runc executes by that name, before 6.1 with an error
ln -s /proc/self/fd /dev/fd
mount -t sysfs sys /sys
for dir in /run /tmp /var/lib; do mount -t tmpfs tmpfs $dir; done
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo "+memory +pids +cpu +io" >/sys/fs/cgroup/cgroup.subtree_control
dmesg -n 1
insmod /nodewake/overlay.ko 2>/dev/null
echo "127.0.0.1 localhost" >/etc/hosts
: >/etc/resolv.conf
ip link set lo up
