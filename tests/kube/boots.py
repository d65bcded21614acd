# SPDX-License-Identifier: Apache-2.0
"""Boots in a daemon's store, as if they had been."""

import json
import os
import sqlite3
import time


def a_boot(end_ns, offset_ns, seconds, **more):
    """A boot's record that was over at end_ns, as `nodewake boot` would tell it."""
    return {"type": "boot", "key": "boot", "final": True, "boot_ns": end_ns, "wall_offset_ns": offset_ns, "state": "ready",
            "measured": True, "span": {"from_ns": 1, "to_ns": 1 + seconds * 10**9}, "pods_expected": 9, "pods_ready": 9,
            "last_end": "power-loss", "phases": [{"phase": "kernel", "from_ns": 1, "to_ns": 1 + 2 * 10**9},
                                                 {"phase": "pods", "from_ns": 1 + 2 * 10**9, "to_ns": 1 + seconds * 10**9}],
            "steps": [{"kind": "pod", "pod": "shop/web", "name": "app", "phase": "pull", "from_ns": 1 + 2 * 10**9,
                       "to_ns": 1 + seconds * 10**9}], **more}


def put_boots(state, end_ns, *seconds):
    """As if the last of these boots were this one; its Event was not told yet."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot_id = file.read().strip()
    offset_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    store = sqlite3.connect(os.path.join(state, "nodewake.db"))
    store.execute("DELETE FROM records")
    store.execute("DELETE FROM outbox")
    store.execute("DELETE FROM boots")
    for i, length in enumerate(seconds):
        this = i == len(seconds) - 1
        store.execute("INSERT INTO boots (id, boot_id, wall_offset_ns) VALUES (?, ?, ?)",
                      (i + 1, boot_id if this else "boot-%d" % i, offset_ns))
        store.execute("INSERT INTO records (boot, type, key, boot_ns, wall_ns, final, measured, duration_ns, namespace, pod,"
                      " container, container_id, body, told) VALUES (?, 5, 'boot', ?, ?, 1, 1, ?, '', '', '', '', ?, ?)",
                      (i + 1, end_ns, end_ns + offset_ns, length * 10**9, json.dumps(a_boot(end_ns, offset_ns, length)),
                       not this))
    store.commit()
    store.close()
    return end_ns + offset_ns
