# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian's packages that take their time to start, each with the state that makes it so.

prepare(folder) makes that state on the host; then the program runs in a container that has this machine's /usr and /etc,
and the folder at /data. answers(address) is what its readiness probe would ask; told(log) is what it says itself of the
time: a list of (what, seconds).
"""

import http.client
import os
import pwd
import re
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from node.node import run
from node.processes import wait_until

POSTGRES = "/usr/lib/postgresql/15/bin/"


def get(address, port, path):
    connection = http.client.HTTPConnection(address, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def succeeds(*words):
    return subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


class Postgres:
    """Killed with kill -9 after much was written: it reads its log again."""

    package, port = "postgresql", 5432
    command = [POSTGRES + "postgres", "-D", "/data/main", "-c", "listen_addresses=*", "-c",
               "unix_socket_directories=/tmp"]
    rows = 1500000

    def __init__(self):
        self.options = {"user": pwd.getpwnam("postgres").pw_uid}

    def prepare(self, folder):
        user, main = pwd.getpwnam("postgres"), folder + "/main"
        os.chown(folder, user.pw_uid, user.pw_gid)

        def as_user(*words):
            return run("setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *words,
                       cwd=folder)
        as_user(POSTGRES + "initdb", "-D", main, "-A", "trust", "--no-sync")
        as_user(POSTGRES + "pg_ctl", "-D", main, "-w", "-l", folder + "/log", "start", "-o",
                "-c listen_addresses= -c unix_socket_directories=%s -c fsync=off -c max_wal_size=16GB "
                "-c checkpoint_timeout=1h -c autovacuum=off" % folder)
        for sql in ("create table t as select i, md5(i::text) a from generate_series(1, %d) i" % self.rows,
                    "create index on t (a)", "update t set a = md5(a)"):
            as_user("psql", "-h", folder, "-d", "postgres", "-c", sql)
        with open(main + "/postmaster.pid", encoding="ascii") as file:
            lines = file.read().split("\n")
        os.kill(int(lines[0]), signal.SIGKILL)
        wait_until(lambda: not any(main.encode() in words for words in command_lines()), 20, "the end of its processes")
        subprocess.run(["ipcrm", "-m", lines[6].split()[1]], check=False)

    def answers(self, address):
        return succeeds("pg_isready", "-q", "-h", address)

    def told(self, log):
        redo = re.search(r"redo done at .* elapsed: ([\d.]+) s", log)
        return [("redo", float(redo[1]))] + [(part, float(re.search(r"%s: ([\d.]+) s" % part, redo[0])[1]))
                                             for part in ("user", "system")]


def command_lines():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                found.append(file.read())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


class Redis:
    """An RDB of 500 MB."""

    package, port, options = "redis-server", 6379, {}
    command = ["/usr/bin/redis-server", "--dir", "/data", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]
    keys, size = 1200000, 400

    def prepare(self, folder):
        socket = folder + "/socket"
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", "",
                                   "--rdbcompression", "no", "--enable-debug-command", "yes"], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: succeeds("redis-cli", "-s", socket, "ping"), 20, "redis")
            run("redis-cli", "-s", socket, "debug", "populate", str(self.keys), "key", str(self.size))
            run("redis-cli", "-s", socket, "save")
        finally:
            server.kill()
            server.wait()

    def answers(self, address):
        done = subprocess.run(["redis-cli", "-h", address, "ping"], capture_output=True, check=False)
        return done.stdout.strip() == b"PONG"

    def told(self, log):
        return [("loaded", float(re.search(r"DB loaded from disk: ([\d.]+) seconds", log)[1]))]


class Nginx:
    """Nothing slow: what is said of a start without trouble."""

    package, port, options = "nginx-light", 80, {}
    command = ["/usr/sbin/nginx", "-c", "/data/nginx.conf", "-g", "daemon off; pid /tmp/pid; error_log stderr;"]

    def prepare(self, folder):
        with open(folder + "/nginx.conf", "w", encoding="ascii") as file:
            file.write("user root; events {} http { access_log off; server { listen 80; return 200 'well\\n'; } }\n")

    def answers(self, address):
        return get(address, self.port, "/")

    def told(self, log):
        return []


class Metrics(BaseHTTPRequestHandler):
    """Many series for a Prometheus to write down."""

    series = 20000

    def do_GET(self):
        value = time.time_ns() % 1000003
        text = "".join('planted_%d{a="%d"} %d\n' % (i % 50, i, value + i) for i in range(self.series)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Prometheus:
    """A write-ahead log of a few million samples, of which no block was made."""

    package, port, options = "prometheus", 9090, {}
    command = ["/usr/bin/prometheus", "--config.file=/data/none.yml", "--storage.tsdb.path=/data/tsdb",
               "--web.listen-address=0.0.0.0:9090"]
    targets, seconds = 8, 15

    def prepare(self, folder):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        targets = ["'127.0.0.1:%d'" % server.server_address[1]]
        jobs = "".join("- job_name: j%d\n  static_configs: [{targets: [%s]}]\n" % (i, targets[0])
                       for i in range(self.targets))
        for name, text in (("some", "global: {scrape_interval: 2s}\nscrape_configs:\n" + jobs), ("none", "")):
            with open("%s/%s.yml" % (folder, name), "w", encoding="ascii") as file:
                file.write(text)
        with open(folder + "/log", "w", encoding="ascii") as log:
            process = subprocess.Popen(["prometheus", "--config.file=%s/some.yml" % folder, "--storage.tsdb.path=%s/tsdb" %
                                        folder, "--web.listen-address=127.0.0.1:0"], stdout=log, stderr=log)
        time.sleep(self.seconds)
        process.kill()
        process.wait()
        server.shutdown()

    def answers(self, address):
        return get(address, self.port, "/-/ready")

    def told(self, log):
        found = re.search(r"WAL replay completed.*total_replay_duration=([\d.]+)(m?s)", log)
        return [("replayed", float(found[1]) / (1000 if found[2] == "ms" else 1))]


APP = """import time
began, cpu = time.monotonic(), time.process_time()
import pandas, flask
print("imported %.3f %.3f" % (time.monotonic() - began, time.process_time() - cpu), flush=True)
app = flask.Flask("app")
app.route("/")(lambda: "well\\n")
app.run("0.0.0.0", 8080)
"""


class Python:
    """A small web service with heavy imports."""

    package, port, options = "python3-pandas", 8080, {}
    command = ["/usr/bin/python3", "/data/app.py"]

    def prepare(self, folder):
        with open(folder + "/app.py", "w", encoding="ascii") as file:
            file.write(APP)

    def answers(self, address):
        return get(address, self.port, "/")

    def told(self, log):
        found = re.search(r"imported ([\d.]+) ([\d.]+)", log)
        return [("imported", float(found[1])), ("of it CPU", float(found[2]))]

    # what the host may have in its cache, as no folder of ours has
    libraries = ["/usr/lib/python3/dist-packages/" + name for name in ("pandas", "numpy", "flask", "jinja2", "werkzeug")]


PROGRAMS = {"postgres": Postgres, "redis": Redis, "nginx": Nginx, "prometheus": Prometheus, "python": Python}
