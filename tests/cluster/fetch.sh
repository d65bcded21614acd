#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh: a Kubernetes without a download beyond Debian's mirror: the source package `kubernetes` (1.20.2),
# built with Debian's golang-go. Prints the folder with the four binaries; builds only where they aren't there
# yet. Two runs at once wait for each other, and a run that was interrupted goes on where it was.
set -eu

version=v1.20.2
programs="kube-apiserver kube-controller-manager kube-scheduler kubelet"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodewake/kubernetes
bin=$cache/$version
if [ -e "$bin" ]; then
	echo "$bin"
	exit 0
fi
for tool in go rsync jq make dpkg-source flock; do
	command -v "$tool" >/dev/null || { echo "fetch.sh: no $tool: run make deps" >&2; exit 1; }
done
mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { echo "fetch.sh: waits for another build" >&2; flock 9; }
if [ -e "$bin" ]; then # another run was faster
	echo "$bin"
	exit 0
fi
echo "fetch.sh: builds Kubernetes $version, once: about 6 minutes on 2 cores" >&2
cd "$cache"
log=$cache/build.log
trap '[ $? -eq 0 ] || { tail -n 20 "$log" >&2; echo "fetch.sh: failed, see $log" >&2; }' EXIT
: >"$log"

# The machine's own sources and lists are left alone.
apt() {
	apt-get -q -o Dir::Etc::SourceList="$cache/sources" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$cache/lists" -o APT::Sandbox::User=root "$@" >>"$log" 2>&1
}

if [ ! -e source/.whole ]; then
	# shellcheck disable=SC2016 # apt's own variables
	mirror=$(apt-get indextargets --format '$(REPO_URI) bookworm' 'Created-By: Packages' 'Label: Debian' | head -n 1)
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:?run make deps first} main" >sources
	rm -rf source
	mkdir -p lists source
	apt update
	(cd source && apt source kubernetes)
	mv source/kubernetes-*/ source/tree
	touch source/.whole
fi

# Debian's package leaves out upstream's git, hence the KUBE_GIT_ variables: without a version the API server
# answers v0.0.0 and clients refuse it. Its makefiles keep Go's cache below _output, so an interrupted build
# goes on. The build holds the lock too: it may outlive this script.
what=""
for program in $programs; do
	what="$what cmd/$program"
done
env -u GOPATH -u GOROOT -u MAKEFLAGS -u MAKELEVEL -u MFLAGS CGO_ENABLED=0 GOPROXY=off \
	KUBE_GIT_VERSION=$version KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 KUBE_GIT_TREE_STATE=clean KUBE_GIT_COMMIT=0 \
	make -C source/tree WHAT="${what# }" >>"$log" 2>&1

rm -rf new
mkdir new
for program in $programs; do
	cp "source/tree/_output/local/go/bin/$program" new/
	"new/$program" --version >>"$log"
done
mv new "$bin"
rm -rf source lists sources
echo "$bin"
