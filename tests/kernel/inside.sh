#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Process 1 of the machine under test: pure cgroup v2, containerd, the agent, the cast. What is found
# goes to the console between lines "=== NAME".
# shellcheck disable=SC1091 # it is there, inside
. /nodewake/mounts.sh
export CRI_SOCKET=/run/containerd/containerd.sock

cat >/tmp/containerd.toml <<'C'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        NoPivotRoot = true
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
        NoPivotRoot = true
        BinaryName = "/usr/bin/crun"
C
containerd -c /tmp/containerd.toml >/tmp/containerd.log 2>&1 &
tries=0
until cri pods >/dev/null 2>&1; do
	sleep 0.2
	tries=$((tries + 1))
	if [ $tries -gt 300 ]; then
		cat /tmp/containerd.log
		poweroff -f
	fi
done
for image in pause cast plant; do
	ctr -n k8s.io images import --snapshotter native /nodewake/$image.tar >/dev/null
done
# with the DaemonSet's capabilities and no other (deploy/base/daemonset.yaml, deploy/components/old-kernel)
capabilities=+bpf,+perfmon,+syslog
case $(cat /proc/sys/kernel/osrelease) in 5.10.*) capabilities=$capabilities,+sys_resource ;; esac

# watch EVENTS: an agent, until it answers
watch() {
	/usr/bin/setpriv --bounding-set=-all,$capabilities nodewake run --record-events "$1" >>/tmp/nodewake.log 2>&1 &
	tries=0
	until nodewake status >/dev/null 2>&1 || [ $tries -gt 100 ]; do
		sleep 0.2
		tries=$((tries + 1))
	done
}
watch /tmp/events

# pod NAME UID [RUNTIME]
pod() {
	pod=$1
	uid=$2
	parent=/kubepods/burstable/pod$uid
	sandbox=$(cri runp name="$pod" namespace=test uid="$uid" parent="$parent" hostnet=1 runtime="${3:-}")
}

# start NAME MEMORY COMMAND...
start() {
	name=$1
	memory=$2
	shift 2
	id=$(cri create pod="$sandbox" name="$name" image=localhost/cast:1 podname="$pod" namespace=test uid="$uid" \
		parent="$parent" hostnet=1 memory="$memory" ${stamps:+mount="$stamps:/stamps"} -- "$@")
	cri start id="$id"
}

pod crun 33333333-2222-3333-4444-555555555555 crun
start crun-server 0 /cast listen 8081 300
start crun-greedy 25165824 /cast eat 200
start crun-typo 0 /nowhere 2>/dev/null

pod vm 11111111-2222-3333-4444-555555555555
start server 0 /cast listen 8080 300
mkdir /tmp/stamps
stamps=/tmp/stamps
start waiting 0 /cast retry ::ffff:127.0.0.1 9 100 1500 8090
stamps=
start pool 25165824 /cast eat-child 200
start greedy 25165824 /cast eat 200
start three 0 /cast exit 3 200
start segv 0 /cast segv 200
start victim 0 /cast sleep 600000
sleep 0.5
kill -9 "$(cri inspect id="$id" | sed 's/.*"pid":\([0-9]*\).*/\1/')"
start typo 0 /nowhere 2>/dev/null

# a limit on a pod as the systemd driver names it, without systemd
slice=/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod22222222_3333_4444_5555_666666666666.slice
scope=$slice/cri-containerd-$(printf '%064d' 7).scope
for dir in /sys/fs/cgroup/kubepods.slice /sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice "$slice"; do
	mkdir -p "$dir"
	echo "+memory" >"$dir/cgroup.subtree_control"
done
mkdir -p "$scope"
echo 25165824 >"$slice/memory.max"
sh -c "echo \$\$ >$scope/cgroup.procs; exec /nodewake/cast eat-child 200" &

start podlimit 0 /cast eat-child 2500
echo 120000000 >"/sys/fs/cgroup$parent/memory.max"
sleep 7

# the clock is set an hour on while containers start, and back
begin=$(date +%s)
date -s "@$((begin + 3600))" >/dev/null
start ahead 0 /cast listen 8085 100
sleep 2
echo "ahead $(date +%s)" >/tmp/clock
date -s "@$(($(date +%s) - 3600))" >/dev/null
start back 0 /cast listen 8086 100
sleep 2
echo "back $(date +%s)" >>/tmp/clock
echo "before $begin" >>/tmp/clock

# what comes and goes while no agent runs is told by the next
kill -9 "$(pidof nodewake)"
start absent 0 /cast listen 8087 300
start absent-three 0 /cast exit 3 200
start absent-greedy 25165824 /cast eat 200
sleep 3
watch /tmp/events-2
sleep 2

for verb in starts exits ooms gaps; do
	echo "=== $verb"
	nodewake $verb --output json
done
echo "=== connects"
grep '"connect-failed"' /tmp/events
echo "=== stamps"
cat /tmp/stamps/stamps
echo "=== clock"
cat /tmp/clock
echo "=== why"
# shellcheck source=tests/kernel/why.sh
. /nodewake/why.sh
echo "=== planted-starts"
nodewake starts --output json --limit 3
echo "=== planted"
cat /tmp/planted
echo "=== told"
for planted in cpu-limit io-max; do nodewake explain $planted; done
echo "=== kernel log"
dmesg | grep "Killed process"
echo "=== release"
cat /proc/sys/kernel/osrelease
echo "=== status"
nodewake status --output json
echo "=== capabilities"
sed -n 's/^CapEff:\t//p' /proc/"$(pidof nodewake)"/status
echo "=== log"
cat /tmp/nodewake.log
echo "=== containerd"
grep -E 'level=(error|fatal|warning)' /tmp/containerd.log
echo "=== end"
sync
poweroff -f
