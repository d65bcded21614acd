# SPDX-License-Identifier: Apache-2.0
"""Alerts and dashboard: promtool takes each expression, and each metric is one that the agent has."""

import json
import os
import re
import shutil

import pytest

from conftest import DEPLOY, read, run

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed: run make deps")

FOREIGN = {"up"}  # Prometheus' own
RULES = os.path.join(DEPLOY, "prometheus", "rules.yaml")
TESTS = os.path.join(DEPLOY, "prometheus", "rules_test.yaml")


def promtool(*words):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed: run make deps")
    return run("promtool", *words)


def metrics_of(expression):
    plain = re.sub(r'"[^"]*"', "", expression)
    plain = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", plain)
    plain = re.sub(r"\{[^}]*\}", "", plain)
    return set(re.findall(r"\b(?:nodewake|process)_[a-z_]+\b|\bup\b", plain))


def check_names(expression, metrics):
    names = metrics_of(expression)
    assert names, expression
    for name in names - FOREIGN:
        of_histogram = re.sub(r"_(bucket|sum|count)$", "", name)
        assert metrics.get(name) in ("gauge", "counter") or metrics.get(of_histogram) == "histogram", name
        if metrics.get(name) == "counter":
            assert re.search(r"(rate|increase)\(%s\b|%s (unless|offset)" % (name, name), expression), expression


def alerts():
    return [rule for group in yaml.safe_load(read("deploy/prometheus/rules.yaml"))["groups"] for rule in group["rules"]]


def test_rules():
    promtool("check", "rules", RULES)
    promtool("test", "rules", TESTS)


def test_each_alert_is_tested():
    tested = {test["alertname"] for group in yaml.safe_load(read("deploy/prometheus/rules_test.yaml"))["tests"]
              for test in group["alert_rule_test"] if test.get("exp_alerts")}
    assert tested == {rule["alert"] for rule in alerts()}


def test_alerts_use_what_the_agent_has(metrics):
    for rule in alerts():
        check_names(rule["expr"], metrics)


@pytest.fixture(scope="module", name="dashboard")
def parsed():
    return json.loads(read("deploy/grafana/nodewake.json"))


def targets(dashboard):
    return [(panel, target) for panel in dashboard["panels"] if panel["type"] != "row" for target in panel["targets"]]


def test_the_dashboard_can_be_imported(dashboard):
    assert dashboard["schemaVersion"] >= 39 and dashboard["uid"] and dashboard["title"] and "id" not in dashboard
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("timeseries", "stat", "bargauge")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"] and panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert references and len(set(references)) == len(references)


def test_panels_use_what_the_agent_has(dashboard, metrics):
    for _, target in targets(dashboard):
        check_names(target["expr"], metrics)


def test_no_figure_of_the_agent_is_left_out(dashboard, metrics):
    shown = set().union(*(metrics_of(target["expr"]) for _, target in targets(dashboard)))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown}
    # what says the same as another, or is a name
    assert set(metrics) - shown == {
        "nodewake_build_info", "nodewake_boot_time_seconds", "nodewake_bpf_runs_total",
        "process_resident_memory_bytes", "process_start_time_seconds"}


def test_promtool_takes_each_expression(dashboard, tmp_path):
    def plain(expression):
        for name, value in (("$__rate_interval", "5m"), ("$__range", "6h"), ("$node", ".*")):
            expression = expression.replace(name, value)
        assert "$" not in expression
        return expression
    rules = [{"record": "dashboard:%d" % i, "expr": plain(target["expr"])}
             for i, (_, target) in enumerate(targets(dashboard))]
    path = tmp_path / "expressions.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_the_scrape_is_yaml_with_the_labels_that_are_used():
    """promtool can't check it: Debian's Prometheus is built without Kubernetes."""
    job, = yaml.safe_load(read("deploy/prometheus/scrape.yaml"))["scrape_configs"]
    assert job["job_name"] == "nodewake"
    assert "node" in [r.get("target_label") for r in job["relabel_configs"]]
