# SPDX-License-Identifier: Apache-2.0
"""How deaths are planted: container(...) returns what a row's plant is, its steps are the functions below it."""

import os
import signal
import subprocess
import sys
import tempfile
import threading

from .place import IMAGE, Planted

MIB = 1 << 20
LIMIT = 24 * MIB


def container(*command, program="/die", held=True, before=(), after=(), refused=False, pod_options=None, pod_class="burstable",
              runtime=None, **options):
    """A container in a pod of its own. held: it begins only when the steps before are done, and its pid is known.

    refused: the runtime won't start it. runtime: "" is runc; by itself the place's.
    """
    def plant(place, name):
        planted = Planted(place, name)
        # / is no part of a class's name in options; each row that limits a class has its own
        kind = pod_class % name if "%s" in pod_class else pod_class
        planted.pod = place.node.run_pod(name, namespace="deaths", hostnet=1, pod_class=kind,
                                         runtime=place.runtime if runtime is None else runtime,
                                         logs=tempfile.mkdtemp(dir=place.node.dir), **(pod_options or {}))
        planted.facts.update(pod=name, uid=planted.pod.uid, limit=LIMIT)
        words = ["go", program, *map(str, command)] if held else list(map(str, command))
        try:
            planted.container = planted.pod.create("app", words, image=IMAGE, program="/hog" if held else program, **options)
            planted.ids.add(planted.container.id)
            planted.facts["id"] = planted.container.id
            for what in ("container", "pod", "parent", "above"):
                planted.facts[what + "_path"] = planted.path(what)
            planted.container.start()
        except RuntimeError as error:
            if not refused:
                raise
            planted.facts["refusal"] = str(error)
            return planted
        if refused:
            raise AssertionError("the runtime started it")
        if held:
            planted.facts["pid"] = planted.container.inspect()["pid"]
            for step in before:
                step(place, planted)
            open(os.path.join(planted.container.stamp_dir, "go"), "w", encoding="ascii").close()
        for step in after:
            step(place, planted)
        return planted
    return plant


def pause(seconds):
    return lambda place, planted: place.pause(seconds)


def limit(of, size=LIMIT):
    """A limit on the container's, the pod's or its parent's cgroup."""
    return lambda place, planted: place.write_memory(planted.path(of), "limit", size)


def group(of):
    """memory.oom.group"""
    return lambda place, planted: place.write_memory(planted.path(of), "group", 1)


def swap(of, size):
    """So much of it may be swapped out."""
    return lambda place, planted: place.write_memory(planted.path(of), "swap", size)


def no_swap(place, planted):
    """Else what sleeps makes room for what grows."""
    if place.version == 2:
        place.write_memory(planted.path("container"), "swap", 0)


def adjust(value):
    """oom_score_adj of the container's first process."""
    def step(place, planted):
        del place
        with open("/proc/%d/oom_score_adj" % planted.facts["pid"], "w", encoding="ascii") as file:
            file.write(str(value))
    return step


def processes(count):
    """Waits until the container has so many; the youngest one's pid becomes a fact."""
    def step(place, planted):
        def there():
            found = place.processes(planted.path("container"))
            return found if len(found) >= count else None
        found = place.wait(there, "%d processes of %s" % (count, planted.name))
        planted.facts["child"] = max(p for p in found if p != planted.facts["pid"]) if count > 1 else found[0]
    return step


def host_kill(number, whom="pid", name="sh"):
    """From outside of all containers, by a process of that name."""
    def step(place, planted):
        planted.facts["sender"] = place.shell(name, "kill -%d %d; sleep 0.2" % (number, planted.facts[whom]))
    return step


def gone(place, planted):
    """Waits for its end."""
    place.wait(lambda: planted.container.inspect()["state"] == 2, "the end of " + planted.name, 30)


def stop(seconds):
    """As the kubelet stops a container."""
    return lambda place, planted: planted.container.stop(timeout=seconds)


def execute(*command):
    """As a probe or kubectl exec does; it is not waited for. A runtime that is too slow for CRI's deadline is asked again."""
    def step(place, planted):
        def run():
            for _ in range(5):
                try:
                    planted.container.execute(*command)
                    break
                except RuntimeError as error:
                    if str(error).endswith(": "):
                        break  # it died, without a word of CRI's
                    print("%s: %s" % (planted.facts["row"], str(error)[-300:]), file=sys.stderr)
                    place.pause(1)
        threading.Thread(target=run, daemon=True).start()
    return step


def kill_shim(place, planted):
    """The parent of the pod's first processes."""
    with open("/proc/%d/stat" % planted.facts["pid"], encoding="utf-8") as file:
        shim = int(file.read().rpartition(")")[2].split()[1])
    os.kill(shim, signal.SIGKILL)


def host_service(*command, size=LIMIT):
    """A process of the machine in a cgroup of its own, without any container."""
    def plant(place, name):
        planted = Planted(place, name)
        cgroup = "%s/%s" % (place.node.cgroup, name)
        path = os.path.dirname(place.memory_file(cgroup, "limit"))
        os.makedirs(path)
        if size:
            place.write_memory(cgroup, "limit", size)
        hog = os.path.join(place.node.build, "tests/programs/hog")
        script = "echo $$ >%s/cgroup.procs; echo 500 >/proc/self/oom_score_adj; exec %s %s" % (path, hog, " ".join(command))
        process = subprocess.Popen(["sh", "-c", script])
        process.wait()
        planted.paths.append(cgroup)
        planted.facts.update(pid=process.pid, service_path=cgroup, limit=LIMIT)
        return planted
    return plant
