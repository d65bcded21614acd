#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh PACKAGE DIR: a Debian kernel package, unpacked into DIR; nothing is installed. A meta
# package is followed to the one it depends on. Prints nothing; does nothing if it is there.
set -eu

package=$1
dir=$2
[ -e "$dir/.whole" ] && exit 0
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
depends=$(apt-cache depends "$package" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
apt-get -q download "${depends:-$package}" >fetch.log 2>&1
dpkg -x ./*.deb .
rm -f ./*.deb
touch .whole
