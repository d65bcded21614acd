# SPDX-License-Identifier: Apache-2.0
"""What a fleet goes through. Each scenario gives what happens when, in seconds: (second, function of the fleet)."""

import random
import uuid

from .incidents import BOOT, CHILD_OOM, CRASH, CRASHES, SLOW_START, START, happens, of_boot

# Of one node in one hour.
NORMAL = ((20, START), (1, SLOW_START), (1, CRASH), (0.25, CHILD_OOM))
LOOPING_PODS = 10
BACK_OFF = (0, 10, 30, 70, 150, 310)  # the kubelet's own pauses between restarts, added up
STARTS_OF_BOOT = 30


def record(node, pod, template):
    return lambda fleet: fleet.tell(node=node, record=happens(template, node, pod))


def idle(count, pods, seconds):
    """Nothing happens."""
    return []


def normal(count, pods, seconds):
    """A normal day: per node and hour twenty starts, one of them slow too, a crash, and every four hours a worker killed."""
    dice = random.Random(1)
    found = []
    for rate, template in NORMAL:
        at = 0.0
        while (at := at + dice.expovariate(rate * count / 3600)) < seconds:
            found.append((at, record(dice.randrange(count), dice.randrange(pods), template)))
    return found


def begin_boot(node, boot_id):
    return lambda fleet: fleet.tell(node=node, boot=boot_id)


def of_a_boot(node, template):
    return lambda fleet: fleet.tell(node=node, record=of_boot(template))


def reboot(count, pods, seconds):
    """All nodes boot within 10 s: the recorded boot of 61 s at its own pace, and thirty containers beside that start."""
    dice = random.Random(2)
    found = []
    for node in range(count):
        begin = dice.uniform(0, 10)
        found.append((begin, begin_boot(node, str(uuid.UUID(int=dice.getrandbits(128))))))
        for template in BOOT:
            if template["type"] in ("boot", "unit"):
                found.append((begin + 0.5 + template["boot_ns"] / 1e9, of_a_boot(node, template)))
        for i in range(STARTS_OF_BOOT):
            slow = dice.random() < 0.1
            found.append((begin + dice.uniform(20, 60), record(node, i % pods, SLOW_START if slow else START)))
    return found


def everywhere(count, pods, within, deaths):
    """These deaths (seconds, what) in ten pods of each node, which begin within so many seconds."""
    dice = random.Random(3)
    found = []
    for node in range(count):
        for pod in range(min(pods, LOOPING_PODS)):
            begin = dice.uniform(0, within)
            found += [(begin + at, record(node, pod, template)) for at, template in deaths]
    return found


def crash_loop(count, pods, seconds):
    """Ten pods of each node crash at once, and again and again, as the kubelet restarts them."""
    deaths = [(pause, CRASHES[min(i, len(CRASHES) - 1)]) for i, pause in enumerate(BACK_OFF)]
    return everywhere(count, pods, 5, deaths)


def worker_loop(count, pods, seconds):
    """Ten pods of each node lose a worker to memory every two seconds, and go on."""
    return everywhere(count, pods, 2, [(2 * i, CHILD_OOM) for i in range(int(seconds / 2))])


SCENARIOS = {  # name: what, for so many seconds
    "idle": (idle, 120),
    "a normal day": (normal, 240),
    "all nodes boot at once": (reboot, 120),
    "all nodes crash-loop": (crash_loop, 330),
    "workers killed all the time": (worker_loop, 150),
}
