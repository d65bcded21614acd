#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh: builds policy.go with the API server's library and the Go of Debian sid (bookworm's are too old); nothing
# is installed. Prints the program; builds only where it isn't there yet. Two runs at once wait for each other, and
# a run that was interrupted goes on where it was.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodewake/policy
# the program of this policy.go is there
if cmp -s "$here/policy.go" "$cache/policy.go"; then
	echo "$cache/policy"
	exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { echo "fetch.sh: waits for another build" >&2; flock 9; }
if cmp -s "$here/policy.go" "$cache/policy.go"; then # another run was faster
	echo "$cache/policy"
	exit 0
fi
echo "fetch.sh: builds the API server's admission plugin, once: 280 MB, about 4 minutes on one core" >&2
cd "$cache"
log=$cache/build.log
trap '[ $? -eq 0 ] || { tail -n 20 "$log" >&2; echo "fetch.sh: failed, see $log" >&2; }' EXIT
: >"$log"

# The machine's own sources and lists are left alone.
apt() {
	"$@" -q -o Dir::Etc::SourceList="$cache/sources" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$cache/lists" -o APT::Sandbox::User=root 2>>"$log"
}

if [ ! -e tree/.whole ]; then
	# shellcheck disable=SC2016 # apt's own variable
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?run make deps first} sid main" >sources
	rm -rf tree
	mkdir -p lists tree
	apt apt-get update -eany >>"$log"
	apt apt-cache depends --recurse --important golang-go golang-k8s-apiserver-dev |
		grep -Ex 'golang-(go|[0-9.]+-(go|src)|.*-dev)' | sort -u >packages
	# shellcheck disable=SC2046 # one word each
	(cd tree && apt apt-get download $(cat ../packages) >>"$log")
	for package in tree/*.deb; do
		dpkg -x "$package" tree
	done
	rm tree/*.deb
	touch tree/.whole
fi

# Go's cache is kept here until the end, so an interrupted build goes on.
env -u GOFLAGS GOROOT="$cache/tree/usr/lib/go" GOPATH="$cache/tree/usr/share/gocode" GOCACHE="$cache/go" GO111MODULE=off \
	GOTOOLCHAIN=local CGO_ENABLED=0 tree/usr/bin/go build -ldflags '-s -w' -o new "$here/policy.go" >>"$log" 2>&1

mv new policy
cp "$here/policy.go" policy.go
chmod -R u+w tree go
rm -rf tree go lists sources packages
echo "$cache/policy"
