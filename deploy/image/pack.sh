#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pack.sh ROOT VERSION ARCHIVE: an OCI archive of one layer, without a registry and without root.
#
# SOURCE_DATE_EPOCH dates it; the same root gives the same bytes.
set -eu

root=$1 version=$2 archive=$3
name=localhost/nodewake
when=$(date -u -d "@${SOURCE_DATE_EPOCH:-0}" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pack() {
	tar --sort=name --mtime="$when" --owner=0 --group=0 --numeric-owner --format=gnu -C "$1" -cf "$2" .
}

pack "$root" "$work/layer.tar"
umoci init --layout "$work/oci"
umoci new --image "$work/oci:$version"
umoci raw add-layer --image "$work/oci:$version" --history.created "$when" \
	--history.created_by "deploy/image/collect.sh" "$work/layer.tar"
umoci config --image "$work/oci:$version" --no-history --created "$when" --author nodewake \
	--config.entrypoint /usr/bin/nodewake --config.cmd run --config.user 0:0 --config.workingdir / \
	--config.env "PATH=/usr/bin" --config.env "SQLITE_TMPDIR=/var/lib/nodewake" \
	--config.label "org.opencontainers.image.title=nodewake" \
	--config.label "org.opencontainers.image.version=$version" \
	--config.label "org.opencontainers.image.licenses=Apache-2.0"
umoci gc --layout "$work/oci"

# One manifest under two names. containerd takes a name as it is from its own annotation only; others read OCI's.
python3 - "$work/oci/index.json" "$name" "$version" <<'END'
import json
import sys

path, name, version = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    index = json.load(file)
(manifest,) = index["manifests"]
index["manifests"] = [dict(manifest, annotations={
    "io.containerd.image.name": "%s:%s" % (name, tag),
    "org.opencontainers.image.ref.name": "%s:%s" % (name, tag)}) for tag in (version, "latest")]
with open(path, "w", encoding="utf-8") as file:
    json.dump(index, file, sort_keys=True)
END

mkdir -p "$(dirname "$archive")"
pack "$work/oci" "$archive"
