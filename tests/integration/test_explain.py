# SPDX-License-Identifier: Apache-2.0
"""A start's cause in every form in which it is shown, of containers that sleep and then listen."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

SLEEP_MS = 1500


def shown(daemon, verb, *words):
    code, text = daemon.verb(verb, *words, "--state-dir", daemon.state)
    assert code == 0, text
    return text


def ms(text):
    """"1.50s" or "38ms" in ms."""
    number, unit = re.match(r"([\d.]+)(ms|us|s)$", text).groups()
    return float(number) * {"s": 1000, "ms": 1, "us": 0.001}[unit]


@pytest.fixture(name="server")
def one_that_sleeps(daemon, pod):
    container = pod.start("app", ["listen", "8080", str(SLEEP_MS)])
    daemon.wait_final("starts", key=container.id)
    return container


def test_text_says_what_it_did(daemon, pod, server):
    del server
    text = shown(daemon, "explain", pod.name)
    app, rows = re.search(r"\n  app +([\d.]+s) ", text).group(1), {}
    for line in text[text.index("\n  app "):].splitlines():
        found = re.match(r"    (sleep|cpu|disk|run queue|lock|network|other|the rest) +([\d.]+(?:ms|us|s)) ", line)
        if found:
            rows[found.group(1)] = ms(found.group(2))
    assert rows and max(rows, key=rows.get) == "sleep"
    assert rows["sleep"] == pytest.approx(SLEEP_MS, abs=50)
    assert sum(rows.values()) == pytest.approx(ms(app), rel=0.02)
    assert re.search(r"app [\d.]+s; app: slept 1\.5\ds\n", text)
    assert re.search(r"app [\d.]+s; app: slept 1\.5\ds\n", shown(daemon, "starts"))


def test_pictures_show_it(daemon, pod, server):
    del server
    root = ET.fromstring(shown(daemon, "explain", pod.name, "-o", "svg"))
    styles = {element.get("class", "").split()[1] for element in root.iter("{http://www.w3.org/2000/svg}rect")
              if element.get("data-bar")}
    assert {"sandbox", "runtime", "app", "stall-sleep"} <= styles
    page = shown(daemon, "explain", pod.name, "-o", "html")
    data = json.loads(re.search('id="report">(.*?)</script>', page, re.S).group(1))
    bars = {bar["title"].split(" ")[0]: bar for row in data["chart"] for bar in row["bars"]}
    assert (bars["sleep"]["to_ns"] - bars["sleep"]["from_ns"]) / 1e6 == pytest.approx(SLEEP_MS, abs=50)
    assert any(line.startswith("sleep 1.5") for line in bars["app"]["lines"])
    events = json.loads(shown(daemon, "explain", pod.name, "-o", "trace"))["traceEvents"]
    sleep = [event for event in events if event.get("cat") == "stall-sleep"]
    assert len(sleep) == 1 and sleep[0]["dur"] / 1000 == pytest.approx(SLEEP_MS, abs=50)


def test_starts_of_one_image(daemon, pod):
    for number, sleep_ms in enumerate((100, 100, 100, 100, 2500)):
        container = pod.create("app", ["listen", str(8080 + number), str(sleep_ms)], attempt=number)
        container.start()
        daemon.wait_final("starts", key=container.id)
    images = [json.loads(line) for line in shown(daemon, "starts", "--by", "image", "-o", "json").splitlines()]
    assert len(images) == 1 and images[0]["container"] == "app"
    cold, warm = images[0]["cold"], images[0]["warm"]
    assert cold["starts"] == 1 and warm["starts"] == 4
    assert warm["slower"] is True and warm["grown"] == "app"
    assert warm["grown_ns"] / 1e6 == pytest.approx(2400, abs=100)
    assert warm["latest"]["pod"] == pod.name and warm["latest"]["cause"].startswith("app 2.5")
    assert "slower than usual" in shown(daemon, "starts", "--by", "image")


def test_the_seconds_are_counted(daemon, server):
    del server
    _, text = daemon.get("/metrics")
    found = re.search(r'nodewake_start_stall_seconds_total\{phase="app",kind="sleep"\} ([\d.]+)', text)
    assert float(found.group(1)) == pytest.approx(SLEEP_MS / 1000, abs=0.05)
