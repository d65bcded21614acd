# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # inside.sh sets the pod's variables
# Starts whose causes are planted by the limits of cgroup v2; inside.sh reads this. Their own clocks, and what their pod's
# cgroup has counted, go to /tmp/planted: "NAME STAMP NUMBER".
mkdir /data
mount -t ext4 -o ro,noload /dev/nvme0n1 /data

# pressures WHEN: what the pod waited for so far, in us, and since when the machine was up, in hundredths of a second
pressures() {
	read -r up _ </proc/uptime
	echo "$pod up_$1 ${up%.*}${up#*.}" >>/tmp/planted
	for kind in cpu io; do
		sed -n "s/^some.*total=/$pod ${kind}_$1 /p" "/sys/fs/cgroup$parent/$kind.pressure" >>/tmp/planted
	done
}

# plant QUOTA STEP...: in the pod that was made last
plant() {
	quota=$1
	shift
	mkdir "/tmp/stamps-$pod"
	id=$(cri create pod="$sandbox" name=planted image=localhost/plant:1 podname="$pod" namespace=test uid="$uid" \
		parent="$parent" hostnet=1 quota="$quota" mount="/tmp/stamps-$pod:/stamps" mount=/data:/data -- /plant "$@")
	pressures before
	cri start id="$id"
	tries=0
	until grep -qs listen "/tmp/stamps-$pod/stamps" || [ $tries -gt 100 ]; do
		sleep 0.2
		tries=$((tries + 1))
	done
	pressures after
	sed -n "s/^throttled_usec /$pod throttled_us /p" "/sys/fs/cgroup$parent/$id/cpu.stat" >>/tmp/planted
	sed "s/^/$pod /" "/tmp/stamps-$pod/stamps" >>/tmp/planted
}

pod cpu-limit 44444444-2222-3333-4444-555555555555
plant 20000 burn 400 listen 8201
pod io-max 55555555-2222-3333-4444-555555555555
echo "$(cat /sys/block/nvme0n1/dev) rbps=1048576" >"/sys/fs/cgroup$parent/io.max"
plant 0 read /data/read.bin listen 8202
pod idle 66666666-2222-3333-4444-555555555555
plant 0 sleep 1500 listen 8203
