# SPDX-License-Identifier: Apache-2.0
"""python3 -m cluster BUILD: a cluster to try things by hand, until Ctrl-C."""

import sys
import time

from . import Cluster


def main():
    with Cluster(sys.argv[1] if len(sys.argv) > 1 else "build", registry=True) as cluster:
        print("Kubernetes %d.%d, ready after %.1f s, in %s" % (*cluster.version, cluster.start_seconds, cluster.dir))
        print("\n    k() { %s \"$@\"; }" % " ".join(cluster.inside("kubectl", "--kubeconfig", cluster.kubeconfig)))
        print("\nThen, from another root shell: k get pods -A. Ctrl-C removes it all.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


main()
