# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the agent; the dashboard's panels are asked of it.

Debian's is built without the discovery of pods, so its target is given, with the labels of deploy/prometheus/scrape.yaml.
"""

import json
import os
import time
import urllib.parse

import pytest

from node.node import run
from node.processes import wait_until

from .agent import ROOT
from .conftest import BUILD
from .machine import NODE_IP
from .test_cluster import PODS, cast, is_ready

SECONDS = 40  # of data that a query looks at


class Prometheus:
    """In the cluster's network."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        with open(folder + "/prometheus.yml", "w", encoding="utf-8") as file:
            json.dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [{
                "job_name": "nodewake", "static_configs": [{"targets": [NODE_IP + ":9464"],
                                                            "labels": {"node": cluster.node_name}}]}]}, file)
        self.process = cluster.run_beside(
            "prometheus", "prometheus", "--config.file=" + folder + "/prometheus.yml",
            "--storage.tsdb.path=" + folder + "/data", "--web.listen-address=127.0.0.1:9090")

    def ask(self, path):
        return json.loads(run(*self.cluster.inside("curl", "-sf", "http://127.0.0.1:9090/api/v1/" + path)))["data"]

    def query(self, expression):
        """[(labels, value)]."""
        found = self.ask("query?query=" + urllib.parse.quote(expression))["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]


@pytest.fixture(scope="module", name="prometheus")
def scraping(cluster, agent, tmp_path_factory):
    del agent  # is there
    prometheus = Prometheus(cluster, str(tmp_path_factory.mktemp("prometheus")))

    def scraped():
        try:
            return prometheus.query('up{job="nodewake"} == 1')
        except RuntimeError:  # it does not answer yet
            return None
    wait_until(scraped, 30, "the first scrape")
    yield prometheus
    cluster.end_beside(prometheus.process)


def panels():
    """(title, expression) of each panel, for the time that was scraped."""
    with open(os.path.join(ROOT, "deploy", "grafana", "nodewake.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"].replace("$node", ".*")
            for name in ("$__rate_interval", "$__range"):
                expression = expression.replace(name, "%ds" % SECONDS)
            yield panel["title"], expression


def test_panels_have_data(cluster, agent, prometheus):
    """Each is a query that Prometheus takes; those about what was just made to happen show it."""
    for name, words, memory in (("panel-app", ["listen", "8080", "500"], 0), ("panel-eater", ["eat-child", "0", "20", "500"], 24)):
        resources = {"limits": {"memory": "%dMi" % memory}} if memory else {}
        cluster.apply(cast(name, *words, container={"resources": resources}))
        cluster.wait(PODS + name, is_ready)
    time.sleep(SECONDS / 2)
    shown = []
    for title, expression in panels():
        rows = prometheus.query(expression)
        shown.append((title, rows))
    with open(os.path.join(BUILD, "panels.txt"), "w", encoding="utf-8") as file:
        for title, rows in shown:
            file.write(title + "\n" + "".join("  %-60s %.4g\n" % (", ".join("%s=%s" % pair for pair in sorted(
                labels.items()) if pair[0] != "__name__"), value) for labels, value in rows))
    data = {title for title, rows in shown if rows}
    assert {"OOM kills by whose limit and by victim", "Whole start", "Slowest phases, mean", "Memory (PSS)", "CPU",
            "Sources that deliver", "Records", "Calls to the API server", "Containers known"} <= data
    by_limit = dict(shown)["OOM kills by whose limit and by victim"]
    assert any(labels.get("victim") == "child" and value > 0 for labels, value in by_limit), by_limit
    assert agent.status()["well"]
    cluster.kubectl("delete", "pod", "panel-app", "panel-eater", "--wait=false")
