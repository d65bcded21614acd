#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cut.py RECORDING POD: one pod's events of a recording, with the sources' own and, if it pulled, the images'."""

import json
import sys


def pick(events, pod):
    """True for each event that the pod's story needs."""
    ids, cgroups, helpers, pulls, uids = set(), set(), set(), False, {None}
    for event in events:
        if event.get("pod") == pod and "container_id" in event:
            ids.add(event["container_id"])
    for event in events:
        if event["type"] == "cgroup-new" and event["container_id"] in ids:
            cgroups.add(event["cgroup_id"])
            uids.add(event.get("pod_uid"))
        if event["type"] == "container" and event["container_id"] in ids:
            pulls |= not event.get("image", "localhost/").startswith(("localhost/", "sha256:"))
        if event["type"] == "exec" and event.get("container_id") in ids:
            helpers.add(json.dumps(event["who"]))
        # what a runtime executes names nobody
        if event.get("role") == "hook" and any('"pid": %d,' % event.get("parent_pid", 0) in who for who in helpers):
            helpers.add(json.dumps(event["who"]))
    for event in events:
        of_images = event["type"] in ("ingest", "layer", "image") or \
            event["type"] == "snapshot" and "container_id" not in event
        of_node = event["type"] == "pressure" and event.get("pod_uid") in uids
        yield (event["type"] == "source" or of_node or event.get("container_id") in ids or event.get("cgroup_id") in cgroups
               or "container_id" not in event and json.dumps(event.get("who")) in helpers or pulls and of_images)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        header, *lines = file.read().splitlines()
    print(header)
    for line, wanted in zip(lines, pick([json.loads(line) for line in lines], sys.argv[2])):
        if wanted:
            print(line)


if __name__ == "__main__":
    main()
