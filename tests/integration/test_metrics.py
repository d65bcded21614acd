# SPDX-License-Identifier: Apache-2.0
"""/metrics, /healthz and /readyz of a daemon that watches real containers."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

from node import Daemon
from node.processes import wait_until

SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


@pytest.fixture(name="state")
def own_state(node):
    path = tempfile.mkdtemp(dir=node.dir)
    yield path
    shutil.rmtree(path)


def scrape(daemon):
    """{name{labels}: value} of /metrics."""
    status, text = daemon.get("/metrics")
    assert status == 200
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            assert SAMPLE.match(line), line
            series, value = line.rsplit(" ", 1)
            assert series not in found, series
            found[series] = float(value)
    return found


def final_records(daemon):
    """Of every container on this machine: others may run theirs, and they are counted too."""
    found = {}
    for kind in ("starts", "exits", "ooms", "pulls"):
        _, text = daemon.verb(kind, "--state-dir", daemon.state, "--output", "json", "--limit", "1000000")
        found[kind] = [r for r in map(json.loads, text.splitlines()) if r.get("final")]
    return found


def scrape_beside_records(daemon):
    """Both of one moment."""
    def still():
        before, found = final_records(daemon), scrape(daemon)
        return (found, before) if final_records(daemon) == before else None
    return wait_until(still, 10, "a quiet moment")


def watched(start):
    return not any(span.get("reconstructed") for span in start["phases"] if span["phase"] != "schedule")


def check(text):
    """promtool's complaints."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_figures_are_those_of_the_records(daemon, node, pod):
    image = node.push_big("scraped", 4)
    node.cri("pull", "image=" + image)
    pod.start("server", ["listen", "8080", "700"])
    pod.start("fails", ["exit", "3", "50"]).wait_exited()
    pod.start("ends", ["exit", "0", "50"]).wait_exited()
    pod.start("eats", ["eat", "100"], memory=24 << 20).wait_exited()
    pod.start("child", ["eat-child", "100"], memory=24 << 20)
    with pytest.raises(RuntimeError):
        pod.start("missing", [], program="/nowhere")
    assert len(daemon.wait_final("exits", count=4)) == 4
    assert len(daemon.wait_final("ooms", count=2)) == 2
    daemon.wait_final("pulls")
    daemon.wait_final("starts", count=5)  # not yet that of child, which may still listen
    found, records = scrape_beside_records(daemon)
    for verdict in ("completed", "error", "oom-killed", "start-failed", "crashed", "stopped", "killed", "lost"):
        assert found['nodewake_exits_total{verdict="%s"}' % verdict] == \
            sum(r["verdict"] == verdict for r in records["exits"]), verdict
    for verdict in ("completed", "error", "oom-killed", "start-failed"):
        assert found['nodewake_exits_total{verdict="%s"}' % verdict] >= 1
    for victim, init in (("init", True), ("child", False)):
        kills = [r for r in records["ooms"] if r["scope"] == "container" and
                 any(v.get("init") for v in r["victims"]) == init]
        assert found['nodewake_oom_kills_total{scope="container",victim="%s"}' % victim] == len(kills) >= 1
    assert found['nodewake_pulls_total{result="ok"}'] == len(records["pulls"]) >= 1
    assert found["nodewake_pull_bytes_total"] == sum(r["bytes"] for r in records["pulls"])
    assert_seconds(found["nodewake_pull_duration_seconds_sum"], records["pulls"])
    starts = records["starts"]
    for state in ("running", "listening", "exited", "failed", "silent", "ready"):
        assert found['nodewake_starts_total{state="%s"}' % state] == sum(r["state"] == state for r in starts), state
    seen = [r for r in starts if watched(r)]
    assert found["nodewake_start_duration_seconds_count"] == len(seen) >= 5, starts
    assert_seconds(found["nodewake_start_duration_seconds_sum"], seen)
    app = [span for r in seen for span in r["phases"] if span["phase"] == "app"]
    assert_seconds(found['nodewake_start_phase_duration_seconds_sum{phase="app"}'], app)
    assert found['nodewake_start_phase_duration_seconds_bucket{phase="app",le="+Inf"}'] == len(app) >= 1
    assert not any(pod.name in series or pod.uid in series for series in found)


def assert_seconds(seconds, spans):
    assert abs(seconds - sum(span["duration_ns"] for span in spans) / 1e9) < 1e-6


def test_figures_are_those_of_status(daemon, pod):
    pod.start("app", ["exit", "0"]).wait_exited()
    daemon.wait_final("exits")
    found, status = scrape(daemon), daemon.status()
    assert found['nodewake_build_info{version="%s"}' % status["version"]] == 1
    for source in ("kernel", "containerd"):
        assert found['nodewake_source_up{source="%s"}' % source] == 1
        assert found['nodewake_source_events_total{source="%s"}' % source] > 0
    assert found['nodewake_source_events_total{source="kernel"}'] <= status["sources"]["kernel"]["records"]
    assert found["nodewake_bpf_map_bytes"] == status["sources"]["kernel"]["map_bytes"]
    assert found["nodewake_kernel_lost_records_total"] <= status["sources"]["kernel"]["lost"]
    for probe in status["sources"]["kernel"]["probes"]:
        assert found['nodewake_bpf_runs_total{program="%s"}' % probe["name"]] <= probe["runs"]
    wait_until(lambda: scrape(daemon)["nodewake_containers"] == daemon.status()["tracker"]["containers"] > 0, 10,
               "a moment in which nobody else's containers come or go")
    assert found["nodewake_store_bytes"] > 0
    assert found["nodewake_store_waiting_records"] == found["nodewake_store_dropped_records_total"] == 0
    assert 0 < found["nodewake_memory_pss_bytes"] <= found["process_resident_memory_bytes"]
    assert 0 < found["process_cpu_seconds_total"] * 1e9 <= status["cost"]["cpu_ns"]
    with open("/proc/stat", encoding="ascii") as file:
        booted = next(int(line.split()[1]) for line in file if line.startswith("btime"))
    assert abs(found["nodewake_boot_time_seconds"] - booted) <= 1
    assert time.time() - 60 < found["process_start_time_seconds"] < time.time()
    assert scrape(daemon)["process_start_time_seconds"] == found["process_start_time_seconds"]


def test_promtool_has_no_complaint(daemon, pod):
    """Neither of the empty page nor of one with a gap whose cause wants escaping."""
    pod.start("app", ["exit", "3"]).wait_exited()
    daemon.wait_final("exits")
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed (package prometheus)")
    assert check("# HELP a_total Broken.\na_total{x=\"} 1\n")[0] != 0, "promtool finds what is wrong"
    status, text = daemon.get("/metrics")
    assert (status, check(text)) == (200, (0, ""))


def test_ready_while_containerd_answers(daemon, node, pod):
    del pod
    assert daemon.get("/readyz") == (200, "ok\n")
    assert daemon.get("/healthz") == (200, "ok\n")
    node.kill_containerd()
    try:
        wait_until(lambda: daemon.get("/readyz")[0] == 503, 10, "that it is not ready")
        status, text = daemon.get("/readyz")
        assert status == 503
        assert text.splitlines() == daemon.status()["problems"]
        assert "containerd does not answer on " + node.socket in text
        assert daemon.get("/healthz") == (200, "ok\n"), "a restart would not bring containerd back"
        assert scrape(daemon)['nodewake_source_up{source="containerd"}'] == 0
    finally:
        node.start_containerd()
    wait_until(lambda: daemon.get("/readyz") == (200, "ok\n"), 15, "that it is ready again")
    daemon.wait_final("gaps")
    found = scrape(daemon)
    assert found['nodewake_source_up{source="containerd"}'] == 1
    assert found['nodewake_gaps_total{source="containerd",cause="containerd is not reachable"}'] == 1


def test_what_is_turned_off_is_no_failure(node, state):
    with Daemon(node, "--no-ebpf", state=state) as daemon:
        assert daemon.get("/readyz") == (200, "ok\n")
        found = scrape(daemon)
        assert 'nodewake_source_up{source="kernel"}' not in found
        assert found['nodewake_source_up{source="containerd"}'] == 1
        assert daemon.status()["problems"] == ["the kernel is not watched: turned off"]


def test_a_restart_counts_nothing_twice(node, state):
    """What an earlier run has told is not told again; what loops is remembered."""
    pod = node.run_pod("counted-once")
    pod.start("adopted", ["listen", "8079"])
    with Daemon(node, state=state) as daemon:
        pod.start("server", ["listen", "8080"])
        for attempt in range(4):
            pod.start("loops", ["exit", "3"], attempt=attempt).wait_exited()
        daemon.wait_final("exits", count=4)
        own = daemon.wait_final("starts", count=6)
        # the pod was there before, and is the beginning of the first start of each of its containers
        assert sorted(r["subject"].get("attempt", 0) for r in own if watched(r)) == [1, 2, 3]
        found, before = scrape_beside_records(daemon)
        assert found['nodewake_exits_total{verdict="error"}'] >= 4
        assert found['nodewake_records_total{type="start"}'] == len(before["starts"])
        assert found["nodewake_start_duration_seconds_count"] == len(list(filter(watched, before["starts"])))
        assert found["nodewake_crash_loops"] >= 1
        daemon.kill()
        daemon.start()
        pod.start("later", ["exit", "0"]).wait_exited()
        daemon.wait_final("exits", count=5)
        time.sleep(2)
        found, after = scrape_beside_records(daemon)
        for kind, name in (("exits", "exit"), ("starts", "start")):
            known = {r["key"] for r in before[kind]}
            new = [r for r in after[kind] if r["key"] not in known]
            assert found['nodewake_records_total{type="%s"}' % name] == len(new) >= 1
        assert found["nodewake_crash_loops"] >= 1
    pod.remove()


def test_a_port_in_use_is_told(node, state):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        with Daemon(node, "--listen", address, state=state) as daemon:
            lines = [line for line in daemon.read_log().splitlines() if address in line]
            assert len(lines) == 1
            assert "level=error" in lines[0] and "--listen" in lines[0] and "in use" in lines[0]
            assert daemon.status()["well"]


def tcp_sockets(daemon):
    inodes = set()
    for fd in os.listdir("/proc/%d/fd" % daemon.process.pid):
        try:
            inodes.add(os.readlink("/proc/%d/fd/%s" % (daemon.process.pid, fd)))
        except FileNotFoundError:
            pass
    found = []
    for table in ("tcp", "tcp6"):
        with open("/proc/net/" + table, encoding="ascii") as file:
            found += [line for line in file if "socket:[%s]" % line.split()[9] in inodes]
    return found


def test_off_listens_nowhere(node, state):
    with Daemon(node, state=state) as daemon:
        assert len(tcp_sockets(daemon)) == 1
    with Daemon(node, "--listen", "off", state=state) as daemon:
        assert tcp_sockets(daemon) == []


def test_peers_that_stall_are_cut_off(daemon):
    """16 of them take every place, for 10 s."""
    address = re.findall(r"serving /metrics.* address=(\S+)", daemon.read_log())[-1].strip('"')
    host, port = address.split(":")
    stalled = [socket.create_connection((host, int(port))) for _ in range(16)]
    begin = time.monotonic()
    try:
        for peer in stalled:
            peer.sendall(b"GET /metrics HTTP/1.1\r\n")
        time.sleep(0.5)
        cpu = daemon.status()["cost"]["cpu_ns"]
        with pytest.raises(TimeoutError):
            daemon.get("/healthz")  # after 5 s
        assert daemon.status()["cost"]["cpu_ns"] - cpu < 200e6, "nothing spins"
        wait_until(lambda: all(gone(peer) for peer in stalled), 12, "the end of the stalled")
        assert 9 < time.monotonic() - begin < 13
        assert daemon.get("/healthz") == (200, "ok\n")
    finally:
        for peer in stalled:
            peer.close()


def gone(peer):
    peer.setblocking(False)
    try:
        return not peer.recv(65536, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
