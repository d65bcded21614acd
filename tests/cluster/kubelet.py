# SPDX-License-Identifier: Apache-2.0
"""What a kubelet of a given version is told."""

import re

from node.node import run

from .machine import NODE_IP


def version(program):
    """(major, minor) of a Kubernetes program."""
    return tuple(map(int, re.search(r"v(\d+)\.(\d+)", run(program, "--version")).groups()))


def configuration(of_version, cgroup, socket):
    told = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "clusterDNS": ["10.232.0.10"],  # nobody there
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "evictionHard": {"memory.available": "10Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
                         "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,  # none: images are imported once
        "makeIPTablesUtilChains": False,
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "nodeStatusUpdateFrequency": "1s",  # at 10 s the node is Ready 10 s after it could be
    }
    if of_version >= (1, 27):
        told["containerRuntimeEndpoint"] = "unix://" + socket
    if of_version >= (1, 35):
        told["failCgroupV1"] = False
    return told


def flags(of_version, socket):
    if of_version >= (1, 27):
        return ()
    return ("--container-runtime=remote", "--container-runtime-endpoint=unix://" + socket,
            "--pod-infra-container-image=localhost/pause:1")
