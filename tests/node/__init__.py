# SPDX-License-Identifier: Apache-2.0
"""A private node: containerd, registry, network and the daemon, in one temporary folder.

    with Node(build="build") as node:
        pod = node.run_pod("web")
        container = pod.start("app", ["listen", "8080"])

Everything is started by this process, ended by pid and removed at the end, whatever happened.
"""

from .node import Node  # noqa: F401
from .daemon import Daemon  # noqa: F401
