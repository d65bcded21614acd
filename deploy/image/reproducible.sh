#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reproducible.sh: builds the last commit twice, in folders of different names and at different times, and compares program, image and
# the list of what is in it.
set -eu

cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in one another-place; do
	git clone -q . "$work/$name"
	make -s -C "$work/$name" -j2 image >/dev/null
done
for file in nodewake nodewake-image.tar nodewake-image.spdx.json; do
	cmp "$work/one/build/$file" "$work/another-place/build/$file"
	sha256sum <"$work/one/build/$file" | sed "s/ .*/  $file/"
done
echo "reproducible: two builds are the same"
