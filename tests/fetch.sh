#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh PACKAGE DIR [SUITE]: a Debian package, of this machine's release or of another suite, unpacked
# into DIR; nothing is installed. A kernel's meta package is followed to the one it depends on. Prints
# nothing; does nothing if it is there.
set -eu

package=$1
dir=$2
suite=${3:-}
[ -e "$dir/.whole" ] && exit 0
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"

# The other suite's lists are kept here, the machine's own are left alone.
apt() {
	if [ -n "$suite" ]; then
		"$@" -o Dir::Etc::SourceList="$dir/sources" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$dir/lists"
	else
		"$@"
	fi
}

if [ -n "$suite" ]; then
	# shellcheck disable=SC2016 # apt's own variable
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?run make deps first} $suite main" >sources
	mkdir -p lists
	apt apt-get update >fetch.log 2>&1
fi
depends=$(apt apt-cache depends "$package" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
# since 7.x the image itself is in a package of its own
binary=$(apt apt-cache depends "${depends:-$package}" 2>/dev/null | sed -n 's/.*Depends: \(linux-binary-[0-9][^ ]*\)$/\1/p' | head -n 1)
# shellcheck disable=SC2086
apt apt-get -q download "${depends:-$package}" $binary >>fetch.log 2>&1
for archive in ./*.deb; do
	dpkg -x "$archive" .
done
rm -rf ./*.deb lists
touch .whole
