#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# collect.sh BINARY ROOT: puts the program and exactly the libraries that it loads into an empty root.
#
# Nothing of it is loaded later by name: glibc reads /etc/hosts and asks DNS without a plugin since 2.34, OpenSSL's
# default provider is part of libcrypto, and the API server's certificate is proved by the cluster's own CA.
set -eu

binary=$1 root=$2
interpreter=$(LC_ALL=C readelf -l "$binary" | sed -n 's/.*interpreter: \(.*\)]/\1/p')

rm -rf "$root"
mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/etc"
for name in bin lib lib64; do
	ln -s "usr/$name" "$root/$name"
done
# where the manifest mounts, since the root can't be written
mkdir -p "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/bpf" "$root/run/nodewake" "$root/var/lib/nodewake"
ln -s ../run "$root/var/run"
chmod 1777 "$root/tmp"

strip --strip-unneeded -o "$root/usr/bin/nodewake" "$binary"
chmod 0755 "$root/usr/bin/nodewake"
install -D -m 0755 "$interpreter" "$root$interpreter"
LC_ALL=C ldd "$binary" | awk '$2 == "=>" { print $3 } /not found/ { print "missing:" $1 }' | while read -r library; do
	case "$library" in
	/*) install -D -m 0644 "$library" "$root$library" ;;
	*) echo "collect: $library is not on this machine" >&2 && exit 1 ;;
	esac
done

echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'root:x:0:0:root:/:/usr/bin/nodewake' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
