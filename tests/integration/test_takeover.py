# SPDX-License-Identifier: Apache-2.0
"""The agent is killed and the next one takes over: what happens meanwhile is told once, and as measured."""

import os
import random
import signal
import subprocess
import tempfile
import time

import pytest

from node import Daemon, why
from node.file_server import file_server
from node.load import Load
from node.processes import wait_until
from test_deaths_children import DIE, children, told

KILLS = int(os.environ.get("NODEWAKE_KILLS", "25"))


@pytest.fixture(name="daemon")
def the_pinning_one(pinning):
    return pinning


def links(bpffs):
    """What is pinned of programs, by layout and generation."""
    found = {}
    for layout in os.listdir(bpffs + "/nodewake"):
        for name in os.listdir("%s/nodewake/%s" % (bpffs, layout)):
            if name.startswith("links-"):
                found[layout, name] = sorted(os.listdir("%s/nodewake/%s/%s" % (bpffs, layout, name)))
    return found


def measured(record):
    return not any(span.get("reconstructed") for span in record["phases"])


def test_what_happens_while_no_agent_runs(daemon, node, pod):
    """Starts, a crash, an OOM kill whose container lives on and one that doesn't: all with the agent dead."""
    before = pod.start("before", ["listen", "8080"])
    daemon.wait_final("starts")
    victim = before.inspect()["pid"]
    daemon.kill()
    os.kill(victim, signal.SIGKILL)
    started = pod.start("started", ["listen", "8081"])
    pod.start("crashed", ["segv", "50"]).wait_exited()
    pod.start("eaten", ["eat", "10"], memory=16 << 20).wait_exited()
    lives = pod.start("lives", ["eat-child", "1"], memory=16 << 20)
    time.sleep(1.5)
    daemon.start()
    starts = daemon.wait_final("starts", count=4, seconds=30)  # the one that lives does not listen
    exits = {r["subject"]["container"]: r for r in daemon.wait_final("exits", count=3, seconds=30)}
    ooms = {r["subject"]["container"]: r for r in daemon.wait_final("ooms", count=2, seconds=30)}
    assert sorted(r["subject"]["container"] for r in starts) == ["before", "crashed", "eaten", "started"]
    assert {r["subject"]["pod"] for r in starts} == {pod.name}
    for record in starts:
        if record["subject"]["container"] == "started":
            stamps = started.stamps()
            app, = [p for p in record["phases"] if p["phase"] == "app"]
            assert not app.get("reconstructed")
            assert why.app_agrees(app, stamps), (app, stamps)
    assert exits["before"]["verdict"] == "killed" and exits["before"]["sender_pid"] == os.getpid()
    assert exits["crashed"]["verdict"] == "crashed" and exits["crashed"]["signal"] == signal.SIGSEGV
    assert exits["eaten"]["verdict"] == "oom-killed"
    assert set(ooms) == {"eaten", "lives"} and lives.inspect()["state"] == 1
    gap, = daemon.wait_final("gaps", seconds=30)
    assert gap["cause"] == "the agent was not running; its probes were"


def test_a_start_under_way(daemon, pod):
    """The agent dies between a container's exec and its listen, and another one comes before or after that."""
    for name, dead_s in (("short", 0.3), ("long", 3)):
        container = pod.start(name, ["listen", "8080", "2000"])
        time.sleep(0.5)
        daemon.kill()
        time.sleep(dead_s)
        daemon.start()
        start = wait_until(lambda: [r for r in daemon.records("starts", final=True)
                                    if r["subject"]["container"] == name], 20, "the start")[0]
        stamps = container.stamps()
        app, = [p for p in start["phases"] if p["phase"] == "app"]
        assert measured(start), start
        assert why.app_agrees(app, stamps), (app, stamps)
        container.stop(0)
        daemon.wait_final("exits", seconds=20)


@pytest.fixture(name="slow")
def a_program_on_a_slow_file_server(node):
    """Behind its beginning it comes three seconds late: execve has renamed the process by then, and not told of it."""
    with file_server(node, node.build + "/tests/programs/cast", "3000") as folder:
        yield folder


@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="this kernel has no FUSE")
def test_in_the_midst_of_execve(daemon, pod, slow):
    container = pod.start("app", ["exit", "7", "20"], program="/slow/model.bin", mount=slow + ":/slow")
    time.sleep(0.5)
    daemon.kill()
    daemon.start()
    assert "entry" not in container.stamps()
    end, = daemon.wait_final("exits", seconds=20)
    start, = daemon.wait_final("starts", seconds=20)
    assert (end["verdict"], end["code"], start["state"]) == ("error", 7, "exited"), (end, start)
    assert measured(start), start


def test_a_death_that_was_not_told_yet(daemon, pod):
    """Killed as soon as the container is dead: what the agent had read is not lost."""
    for i in range(6):
        name = "dies-%d" % i
        container = pod.start(name, ["exit", "%d" % (3 + i), "100"])
        container.wait_exited()
        time.sleep(0.02 * i)
        daemon.kill()
        daemon.start()
    exits = daemon.wait_final("exits", count=6, seconds=30)
    starts = daemon.wait_final("starts", count=6, seconds=30)
    assert {(r["subject"]["container"], r["code"]) for r in exits} == {("dies-%d" % i, 3 + i) for i in range(6)}
    assert len(exits) == 6 and len(starts) == 6
    assert all(measured(r) for r in starts), starts


def test_children_that_die_over_a_kill(daemon, pod):
    """A loop of workers that crash, and an agent that is killed in the midst of it, twice: their number is the program's own."""
    container = pod.start("app", ["each", "2", "1500", "segv-write"], **DIE)
    for _ in range(2):
        time.sleep(1)
        daemon.kill()
        time.sleep(0.5)
        daemon.start()
    record = told(daemon, container, 1500)
    time.sleep(2)
    assert [r["count"] for r in children(daemon, container)] == [1500]
    assert record["signal"] == signal.SIGSEGV and record["subject"]["container"] == "app"


def test_each_agent_lists_the_same(daemon, pod):
    """What an agent kept of its listings is the next one's, and of those again: nothing that runs is lost by it."""
    container = pod.start("app", ["listen", "8080"])
    for _ in range(8):
        daemon.kill()
        daemon.start()
        time.sleep(0.3)
    time.sleep(2)
    assert daemon.records("exits") == []
    start, = [r for r in daemon.records("starts") if r["subject"]["container_id"] == container.id]
    assert start["subject"]["container"] == "app"


def test_one_generation_is_left(daemon, bpffs):
    before, = links(bpffs).items()
    daemon.kill()
    assert links(bpffs) == dict([before])
    daemon.start()
    after, = links(bpffs).items()
    assert after[0][0] == before[0][0] and after[0][1] != before[0][1]
    assert after[1] == before[1] and "on_exit" in after[1]
    assert "probes_before=adopted" in daemon.read_log()


def test_another_layout_is_replaced(node, bpffs):
    """What another version has left can't be read: it goes, and a gap says so."""
    other = bpffs + "/nodewake/0123456789abcdef"
    os.makedirs(other, mode=0o700)
    subprocess.run(["bpftool", "map", "create", other + "/ring_main", "type", "ringbuf", "entries", "4096",
                    "name", "ring_main"], check=True, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
    with Daemon(node, "--bpffs", bpffs, state=tempfile.mkdtemp(dir=node.dir)) as daemon:
        gap, = daemon.wait_final("gaps", seconds=30)
        assert gap["cause"] == "the agent was not running; its probes were, of another version"
        assert not os.path.exists(other)


def test_two_agents(daemon, node, bpffs):
    """A second one works too, without taking anything from the first."""
    mine, = links(bpffs).items()
    with Daemon(node, "--bpffs", bpffs, state=tempfile.mkdtemp(dir=node.dir)) as second:
        assert "another one has pinned its own" in second.read_log()
        pod = node.run_pod("both")
        pod.start("main", ["listen", "8080"])
        for each in (daemon, second):
            assert measured(each.wait_final("starts")[0])
        pod.remove()
    assert links(bpffs) == dict([mine])


def test_pinned_before_the_first_agent(node, bpffs):
    """nodewake pin, as the early unit runs it: the first agent tells of a start before it as measured."""
    daemon = Daemon(node, "--bpffs", bpffs, state=tempfile.mkdtemp(dir=node.dir))
    code, _ = daemon.verb("pin", "--bpffs", bpffs, "--cni-dirs", node.dir + "/cni-bin/:/usr/lib/cni/")
    assert code == 0 and links(bpffs)
    pod = node.run_pod("early")
    pod.start("main", ["listen", "8080"])
    with daemon:
        start, = daemon.wait_final("starts")
        assert "probes_before=adopted" in daemon.read_log()
        app, = [p for p in start["phases"] if p["phase"] == "app"]
        assert not app.get("reconstructed")
        assert daemon.records("gaps") == []
        pod.remove()


def test_uninstall_leaves_nothing(node, bpffs):
    with Daemon(node, "--bpffs", bpffs, state=tempfile.mkdtemp(dir=node.dir)) as daemon:
        code, _ = daemon.verb("uninstall", "--bpffs", bpffs)
        assert code == 1 and links(bpffs)  # an agent works with it
    assert links(bpffs)
    code, text = daemon.verb("uninstall", "--bpffs", bpffs)
    assert code == 0 and "8 programs" in text
    assert not os.path.exists(bpffs + "/nodewake")


def test_killed_at_random_moments(daemon, node):
    """Each start, kill and death exactly once, and none that was not, over all agents."""
    random.seed(KILLS)
    with Load(node) as load:
        for _ in range(KILLS):
            time.sleep(random.random() * 1.2)
            daemon.kill()
            time.sleep(random.random() * 0.3)
            daemon.start()
    starts = load.assert_told(daemon)["starts"]
    print("\n%d kills, %d containers, %d of their starts with a phase that was not measured" % (
        KILLS, len(load.ran), sum(not measured(r) for r in starts)))
    load.pod.remove()
