# SPDX-License-Identifier: Apache-2.0
"""`nodewake explain` in the forms that are drawn: the page, the picture, the trace."""

import json
import os
import re
import xml.etree.ElementTree as ET

import pytest

from conftest import SVG, explain, inert_bars, keep

FLAVOURS = ["pod", "pod-hostile"]


def bars(root, row):
    """(style, x, width) of each bar of the first row of that name."""
    for group in root.iter(SVG + "g"):
        title = group.find(SVG + "text/" + SVG + "title")
        if group.get("data-row") and title is not None and title.text == row:
            return [(bar.get("class").split()[1], float(bar.get("x")), float(bar.get("width")))
                    for bar in group.iter(SVG + "rect")]
    raise KeyError(row)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_svg_is_well_formed_and_inert(scene, flavour):
    text = explain(scene(flavour), "-o", "svg")

    keep("%s.svg" % flavour, text)
    inert_bars(text, 25)


def test_svg_places_bars_to_scale(scene):
    root = ET.fromstring(explain(scene("pod"), "-o", "svg"))
    scale = 900 / 105.2
    phases = {style: (x, width) for style, x, width in bars(root, "server")}

    assert list(phases) == ["sandbox", "init", "pull", "create", "runtime", "app", "probe"]
    assert abs(phases["pull"][0] - (340 + 13.8 * scale)) < 0.2 and abs(phases["pull"][1] - 61.1 * scale) < 0.2
    # the kinds fill the phase, the largest first
    shares = bars(root, "where app went")
    assert [style for style, _, _ in shares] == ["stall-disk", "stall-cpu", "stall-run-queue"]
    assert abs(shares[0][1] - phases["app"][0]) < 0.2 and abs(shares[0][2] - 22.1 * scale) < 0.2
    assert abs(sum(width for _, _, width in shares) - phases["app"][1]) < 0.4


def test_layers_stand_inside_the_pull(scene):
    root = ET.fromstring(explain(scene("pod"), "-o", "svg"))
    scale = 900 / 105.2
    layer = bars(root, "cdc26e266176")

    assert [style for style, _, _ in layer] == ["pull", "unpack"]
    assert abs(layer[0][1] - (340 + 13.9 * scale)) < 0.2 and abs(layer[1][2] - 4.8 * scale) < 0.2


def test_a_later_restart_begins_at_the_axis_too(scene):
    root = ET.fromstring(explain(scene("pod"), "-o", "svg"))
    style, x, width = bars(root, "metrics")[0]

    assert style == "runtime" and x == 340 and width < 2


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_trace_is_what_the_format_says(scene, flavour):
    jsonschema = pytest.importorskip("jsonschema")
    text = explain(scene(flavour), "-o", "trace")
    trace = json.loads(text)
    with open(os.path.join(os.path.dirname(__file__), "trace.schema.json"), encoding="utf-8") as file:
        jsonschema.Draft202012Validator(json.load(file)).validate(trace)
    keep("%s.trace.json" % flavour, text)
    threads, ends = {}, {}
    for event in trace["traceEvents"]:
        key = (event["pid"], event.get("tid", 0))
        if event["name"] == "thread_name":
            threads[key] = event["args"]["name"]
        elif event["ph"] == "X":
            assert event["ts"] >= ends.get(key, 0) - 0.01, event
            ends[key] = event["ts"] + event["dur"]
    assert set(ends) == set(threads)


def test_trace_has_the_times(scene):
    events = json.loads(explain(scene("pod"), "-o", "trace"))["traceEvents"]
    pull = [event for event in events if event["ph"] == "X" and event["name"].startswith("pull ")]
    app = [event for event in events if event["ph"] == "X" and event["name"].startswith("app 24.1s")]
    disk = [event for event in events if event["ph"] == "X" and event["cat"] == "stall-disk"]
    later = [event for event in events if event["ph"] == "X" and event["name"].startswith("runtime 100ms")]

    assert len(pull) == 1 and abs(pull[0]["ts"] - 13.8e6) < 1 and abs(pull[0]["dur"] - 61.1e6) < 1
    assert "read /models/llama-7b.gguf 3.8GiB at 174 MB/s from vda (cold, the disk at work 93% of the time, 688us a request)" in app[0]["args"]["lines"]
    assert disk[0]["args"]["share"] is True and abs(disk[0]["dur"] - 22.1e6) < 1
    # here the restart stands two days later
    assert abs(max(event["ts"] for event in later) - 2 * 86400e6) < 1


def test_nothing_hostile_gets_into_the_page(scene):
    text = explain(scene("pod-hostile"), "-o", "html")

    assert len(re.findall("<script", text)) == 2 and len(re.findall("</script", text)) == 2
    assert "<img" not in text and "\x1b" not in text and "\u202e" not in text
    data = re.search('<script type="application/json" id="report">(.*?)</script>', text, re.S).group(1)
    assert not re.search("[<>&]", data)
    assert len(json.loads(data)["records"]) == 7


def visit(page, scene, flavour):
    page.open(keep("%s.html" % flavour, explain(scene(flavour), "-o", "html")))


def test_the_page_tells_the_pod(browser, page, scene):
    visit(page, scene, "pod")
    page.shot("page-pod.png")
    assert page.text("h1") == "llama-cpp in namespace ai-stack"
    assert "Ready after 1min 45.2s" in page.text("header")
    assert "pull 4.2 GB: pre-pull or mirror" in page.text("#causes")
    assert "crashed: SIGSEGV" in page.text("#happened")
    assert page.rows()[:2] == ["the pod", "wait-for-aidb"] and "where probe went" in page.rows()
    assert not page.all("#critical")[0].is_displayed(), "a pod has no critical path"
    assert not page.complaints()
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def hover(browser, element):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).move_to_element(element).perform()


def test_hover_tells_why(browser, page, scene):
    visit(page, scene, "pod")
    row = next(row for row in page.all(".row") if row.find_element("class name", "label").text == "server")
    hover(browser, row.find_element("css selector", ".bar.app"))
    page.shot("page-pod-hover.png")
    lines = page.tip().splitlines()
    assert lines[:3] == ["server", "app 24.1s", "+75.1s to +99.2s"]
    assert lines[3:7] == ["disk 22.1s", "cpu 1.80s", "run queue 200ms",
                          "read /models/llama-7b.gguf 3.8GiB at 174 MB/s from vda (cold, the disk at work 93% of the time, "
                          "688us a request)"]
    hover(browser, page.all(".row .bar.stall-disk")[0])
    assert page.tip().splitlines()[:3] == ["where app went", "disk 22.1s", "so much of the time, not when"]
    init = next(row for row in page.all(".row") if row.find_element("class name", "label").text == "wait-for-aidb")
    hover(browser, init.find_element("css selector", ".bar.app"))
    assert "14 refused connections to ai-stack/aidb 10.43.0.12:5432 in 12.4s" in page.tip()


def test_search_finds_files_and_peers(page, scene):
    visit(page, scene, "pod")
    field = page.all("#search")[0]
    field.send_keys("gguf")
    assert page.rows() == ["server"]
    field.clear()
    field.send_keys("aidb refused")
    assert page.rows() == ["wait-for-aidb"]


def test_hostile_texts_do_nothing(browser, page, scene):
    visit(page, scene, "pod-hostile")
    page.shot("page-pod-hostile.png")
    assert page.all("img") == [] and len(page.all("script")) == 2
    for index in range(len(page.all(".row"))):
        browser.execute_script("document.querySelectorAll('.row')[%d].focus()" % index)
        assert page.tip()
    assert page.all("img") == [] and not page.complaints()


@pytest.mark.parametrize("value", ["light", "dark"])
def test_light_and_dark(page, scene, value):
    visit(page, scene, "pod")
    page.scheme(value)
    page.shot("page-pod-%s.png" % value)
    page.scheme("light")
