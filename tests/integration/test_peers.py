# SPDX-License-Identifier: Apache-2.0
"""Whom a start waited for: refusing, silent and slow peers and name servers, against the program's own clock."""

import contextlib
import errno
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from node import Daemon, images
from node.node import run
from node.processes import end, wait_until

MS = 1000000
SECOND = 1000 * MS
NOBODY = "9"  # the discard port: nothing listens there


def wait_stamps(container, name, seconds=40):
    return wait_until(lambda: name in container.stamps() and container.stamps(), seconds, "the stamp " + name)


def start_of(daemon, container):
    def final():
        return [r for r in daemon.records("starts") if r["key"] == container.id and r.get("final")]
    return wait_until(final, 15, "the final start")[-1]


def peers(daemon, container):
    found = start_of(daemon, container).get("why", {}).get("peers", [])
    return [{"failed": 0, "error": 0, "name": "", "query": "", **peer} for peer in found]  # 0 and "" are left out


def only(daemon, container):
    found = peers(daemon, container)
    assert len(found) == 1, found
    return found[0]


def about(told_ns, true_ns):
    """Within 5 % or 50 ms."""
    assert abs(told_ns - true_ns) <= max(true_ns / 20, 50 * MS), (told_ns / MS, true_ns / MS)
    return True


def address_of(container):
    words = run("nsenter", "-t", str(container.inspect()["pid"]), "-n", "ip", "-4", "-o", "addr", "show", "eth0").split()
    return words[words.index("inet") + 1].split("/")[0]


def explain(daemon, container):
    _, text = daemon.verb("explain", container.pod.name, "--state-dir", daemon.state)
    return text


def test_a_peer_that_refuses_for_8_s(daemon, node, pod):
    """Tried again less and less often: the wait ends when it is connected to, not when a try was due."""
    peer_pod = node.run_pod("peer")
    peer = peer_pod.start("database", ["listen", "5432", "8000"])
    address = address_of(peer)
    container = pod.start("app", ["retry", address, "5432", "1500", "20000", "8080"])
    stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["kind"], told["address"], told["port"]) == ("failed", address, 5432)
    assert told["error"] == errno.ECONNREFUSED
    assert told["count"] == told["failed"] == stamps["failed"]
    assert about(told["wait_ns"], stamps["connected"] - stamps["first"])
    assert "%d refused connections to %s:5432 in " % (stamps["failed"], address) in explain(daemon, container)
    peer_pod.remove()


def test_a_black_hole(daemon, node, pod):
    run(*node.inside("ip", "route", "add", "blackhole", "10.235.0.0/16"))
    container = pod.start("app", ["retry", "10.235.0.1", "5432", "100", "4000", "8080", "1500"])
    stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["address"], told["port"], told["error"]) == ("10.235.0.1", 5432, errno.ETIMEDOUT)
    assert told["count"] == stamps["failed"]
    assert about(told["longest_ns"], 1500 * MS)
    assert about(told["wait_ns"], stamps["last"] - stamps["first"])
    assert "timed out connections to 10.235.0.1:5432" in explain(daemon, container)


def test_a_connection_that_comes_late(daemon, node, pod):
    """The first SYN is lost: the kernel tries again after a second."""
    peer_pod = node.run_pod("peer")
    peer = peer_pod.start("database", ["listen", "5432"])
    address = address_of(peer)
    wait_stamps(peer, "listen")
    run(*node.inside("ip", "route", "add", "blackhole", address, "metric", "0", "table", "7"))
    run(*node.inside("ip", "rule", "add", "to", address, "lookup", "7"))
    container = pod.start("app", ["retry", address, "5432", "100", "20000", "8080"])
    wait_stamps(container, "entry")
    time.sleep(1.5)
    run(*node.inside("ip", "rule", "del", "to", address, "lookup", "7"))
    stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert stamps["failed"] == 0
    assert (told["kind"], told["address"], told["port"]) == ("slow", address, 5432)
    assert (told["count"], told["failed"], told["error"]) == (1, 0, 0)
    assert about(told["wait_ns"], stamps["connected"] - stamps["first"])
    peer_pod.remove()


def test_what_is_quick_is_not_told(daemon, node, pod):
    peer_pod = node.run_pod("peer")
    peer = peer_pod.start("database", ["listen", "5432"])
    address = address_of(peer)
    wait_stamps(peer, "listen")
    container = pod.start("app", ["retry", address, "5432", "100", "2000", "8080"])
    wait_stamps(container, "listen")
    assert peers(daemon, container) == []
    peer_pod.remove()


def test_a_start_that_ends_waiting(daemon, pod):
    """A container that gives up has no phase app: what it waited for is told all the same."""
    container = pod.start("app", ["retry", "127.0.0.1", NOBODY, "200", "2000"])
    container.wait_exited()
    stamps = container.stamps()
    told = only(daemon, container)
    assert told["count"] == stamps["failed"]
    assert stamps["last"] - stamps["first"] <= told["wait_ns"] <= stamps["last"] - stamps["first"] + 250 * MS


# A name server that is late: answers with CODE after DELAY s, only each EACHth question; NONE is silent.
SERVER = """
import socket, sys, threading
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
print("ready", flush=True)
delay, code, each, seen = float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), 0
def answer(data, who):
    server.sendto(data[:2] + bytes([0x81, 0x80 | code]) + data[4:], who)
while True:
    data, who = server.recvfrom(512)
    seen += 1
    if code >= 0 and seen % each == 0:
        threading.Timer(delay, answer, (data, who)).start()
"""


@contextlib.contextmanager
def name_server(where, address, delay, code=0, each=1):
    """where: the words that run a command in its network."""
    server = subprocess.Popen([*where, sys.executable, "-c", SERVER, address, str(delay), str(code), str(each)],
                              stdout=subprocess.PIPE, text=True)
    assert server.stdout.readline() == "ready\n"
    try:
        yield
    finally:
        end(server)


NODE_ADDRESS = "10.234.0.1"


@pytest.fixture(name="address", scope="module")
def of_the_node(node):
    run(*node.inside("ip", "addr", "add", NODE_ADDRESS + "/32", "dev", "lo"))
    return NODE_ADDRESS


@pytest.fixture(name="asks", scope="module")
def with_the_program(node):
    """Starts one that asks the name server; see tests/programs/ask.c."""
    path = node.dir + "/ask.tar"
    images.write_archive(path, "localhost/ask:1", [{"ask": images.program(node.build, "ask")}], ["/ask"])
    node.ctr("images", "import", path)
    return lambda pod, *words: pod.start("app", list(words), image="localhost/ask:1", program="/ask")


@pytest.mark.parametrize("how", ["connected", "open"])
def test_a_slow_name_server(daemon, node, pod, address, how, asks):
    with name_server(node.inside(), address, 1.2):
        container = asks(pod, address, how, "3", "5000", "1", "8080")
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert stamps["answered"] == 3
    assert (told["kind"], told["address"], told["port"]) == ("dns", address, 53)
    assert (told["count"], told["failed"], told["error"]) == (3, 0, 0)
    assert about(told["wait_ns"], stamps["waited"])
    assert about(told["longest_ns"], stamps["longest"])
    assert told["query"] == ""
    assert "3 dns questions to %s took " % address in explain(daemon, container)


def test_a_name_server_that_is_quick(daemon, node, pod, address, asks):
    """Also when there is no such name: that is what search lists are made of."""
    with name_server(node.inside(), address, 0, code=3):
        container = asks(pod, address, "connected", "20", "5000", "1", "8080")
        stamps = wait_stamps(container, "listen")
    assert stamps["answered"] == 20
    assert peers(daemon, container) == []


def test_a_name_server_that_fails(daemon, node, pod, address, asks):
    with name_server(node.inside(), address, 0.3, code=2):
        container = asks(pod, address, "open", "4", "5000", "1", "8080")
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["count"], told["failed"], told["error"]) == (4, 4, 2)
    assert about(told["wait_ns"], stamps["waited"])


def test_questions_that_are_lost(daemon, node, pod, address, asks):
    """Asked again with the same id, as libc does: every other question is answered at once."""
    with name_server(node.inside(), address, 0, each=2):
        container = asks(pod, address, "connected", "2", "1500", "2", "8080")
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert stamps["answered"] == 2
    assert (told["count"], told["failed"], told["error"]) == (2, 2, -1)
    assert about(told["wait_ns"], stamps["waited"])
    assert ", unanswered, the longest 1.5" in explain(daemon, container)


def test_nobody_answers(daemon, node, pod, address, asks):
    """… nor asks again: known when the start is over."""
    with name_server(node.inside(), address, 0, code=-1):
        container = asks(pod, address, "connected", "1", "3000", "1", "8080")
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["count"], told["failed"], told["error"]) == (1, 1, -1)
    assert about(told["wait_ns"], stamps["waited"])


def test_no_name_server_is_there(daemon, pod, address, asks):
    """ICMP says so at once: that is no wait of 5 s."""
    container = asks(pod, address, "connected", "3", "5000", "1", "8080", "200")
    stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["count"], told["failed"], told["error"]) == (3, 3, -1)
    assert about(told["wait_ns"], stamps["waited"])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_name_server_in_the_pod(daemon, pod, address, asks):
    """Loopback, IPv4 and IPv6: a sidecar that resolves."""
    pause = pod.start("pause", ["sleep", "600000"])
    where = ("nsenter", "-t", str(pause.inspect()["pid"]), "-n")
    with name_server(where, address, 0.7):
        container = asks(pod, address, "connected", "2", "5000", "1", "8080")
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["address"], told["count"], told["failed"]) == (address, 2, 0)
    assert about(told["wait_ns"], stamps["waited"])


GETADDRINFO = """
import socket, time
now = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME)
began = now()
try:
    socket.getaddrinfo("db.example", 5432)
except socket.gaierror:
    pass
waited = now() - began
server = socket.create_server(("", 8080))
with open("/stamps/stamps", "a") as file:
    file.write("waited %d\\nlisten %d\\n" % (waited, now()))
time.sleep(600)
"""


def test_glibc(daemon, node, pod, address):
    """getaddrinfo of the machine's own C library: both families at the same time count once."""
    resolv = tempfile.mkdtemp(dir=node.dir) + "/resolv.conf"
    with open(resolv, "w", encoding="ascii") as file:
        file.write("nameserver %s\n" % address)
    mounts = ["/usr:/usr:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro", resolv + ":/etc/resolv.conf:ro"]
    with name_server(node.inside(), address, 1.5):
        container = pod.start("app", ["-I", "-c", GETADDRINFO], program="/usr/bin/python3", mount=mounts)
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["address"], told["count"], told["failed"]) == (address, 2, 0)
    assert about(told["wait_ns"], stamps["waited"])


ALL_AT_ONCE = """
import socket, time
now = lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME)
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
began = now()
for server in ("%s", "%s"):
    asking.sendto(bytes([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + b"\\2db\\0\\0\\1\\0\\1", (server, 53))
    time.sleep(0.03)
asking.recv(512)
waited = now() - began
server = socket.create_server(("", 8080))
with open("/stamps/stamps", "a") as file:
    file.write("waited %%d\\nlisten %%d\\n" %% (waited, now()))
time.sleep(600)
"""


def test_all_servers_at_once(daemon, node, pod, address):
    """As musl does, on a busy machine: one question, however many servers get it, and the first answer counts."""
    silent = "10.234.0.2"
    run(*node.inside("ip", "addr", "replace", silent + "/32", "dev", "lo"))
    mounts = ["/usr:/usr:ro", "/usr/lib:/lib:ro", "/usr/lib64:/lib64:ro"]
    with name_server(node.inside(), address, 1.2), name_server(node.inside(), silent, 0, code=-1):
        container = pod.start("app", ["-I", "-c", ALL_AT_ONCE % (address, silent)], program="/usr/bin/python3", mount=mounts)
        stamps = wait_stamps(container, "listen")
    told = only(daemon, container)
    assert (told["address"], told["count"], told["failed"]) == (address, 1, 0)
    assert about(told["wait_ns"], stamps["waited"])


@pytest.fixture(name="named")
def with_names(node):
    state = tempfile.mkdtemp(dir=node.dir)
    with Daemon(node, "--record-names", state=state) as daemon:
        yield daemon
    shutil.rmtree(state)


def test_names_are_kept_where_they_are_wanted(named, node, address, asks):
    pod = node.run_pod("named")
    with name_server(node.inside(), address, 0.5):
        container = asks(pod, address, "connected", "1", "5000", "1", "8080")
        wait_stamps(container, "listen")
    assert only(named, container)["query"] == "db.test"
    pod.remove()


def test_a_running_container_tells_nothing(daemon, node, pod, address):
    with name_server(node.inside(), address, 0.5):
        container = pod.start("app", ["listen-retry", "8080", "127.0.0.1", NOBODY, "50", "500", "8081"])
        wait_stamps(container, "failed")
    assert peers(daemon, container) == []
