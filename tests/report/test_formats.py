# SPDX-License-Identifier: Apache-2.0
"""The forms that other programs read: JSON, trace, SVG."""

import json
import os
import re
import xml.etree.ElementTree as ET

import pytest

from conftest import boot, inert_bars, keep

jsonschema = pytest.importorskip("jsonschema")

FLAVOURS = [("slow", 0), ("broken", 1), ("late", 0), ("hostile", 0), ("wakes", 1)]
S = 10 ** 9


@pytest.mark.parametrize("flavour, code", FLAVOURS)
def test_trace_is_what_the_format_says(scene, flavour, code):
    text = boot(scene(flavour), "-o", "trace", code=code)
    trace = json.loads(text)
    with open(os.path.join(os.path.dirname(__file__), "trace.schema.json"), encoding="utf-8") as file:
        jsonschema.Draft202012Validator(json.load(file)).validate(trace)
    keep("boot-%s.trace.json" % flavour, text)

    threads, ends = {}, {}
    for event in trace["traceEvents"]:
        key = (event["pid"], event.get("tid", 0))
        if event["name"] == "thread_name":
            threads[key] = event["args"]["name"]
        elif event["ph"] == "X":
            # viewers nest what overlaps: in one thread nothing may overlap
            assert event["ts"] >= ends.get(key, 0) - 0.01, event
            ends[key] = event["ts"] + event["dur"]
    assert set(ends) == set(threads), "each thread has a name, and events"


def test_trace_has_the_times_of_the_boot(scene):
    events = json.loads(boot(scene("slow"), "-o", "trace"))["traceEvents"]
    pull = [event for event in events if event["ph"] == "X" and event["cat"] == "pull" and event["pid"] == 2]

    assert len(pull) == 1 and pull[0]["args"]["critical"]
    # 53 s after the kernel's start, which is 6.1 s after power-on
    assert abs(pull[0]["ts"] - 59.1e6) < 1 and abs(pull[0]["dur"] - 61e6) < 1


def test_json_has_what_the_man_page_promises(scene):
    report = json.loads(boot(scene("slow"), "-o", "json"))

    assert set(report) == {"boot_id", "total_ns", "boot", "usual", "next", "units", "starts", "pulls", "waits", "gaps",
                           "left_out"}
    assert report["boot"]["type"] == "boot" and report["boot"]["state"] == "ready"
    assert report["total_ns"] == int(131.4 * S)
    assert sum(phase["to_ns"] - phase.get("from_ns", 0) for phase in report["boot"]["phases"]) == report["total_ns"]
    assert report["usual"]["slower"] is True and report["usual"]["grown"] == "pods" and report["usual"]["boots"] == 9
    assert {start["type"] for start in report["starts"]} == {"start"}
    assert len(report["units"]) == 9 and len(report["pulls"]) == 1 and len(report["waits"]) == 1
    missing = json.loads(boot(scene("broken"), "-o", "json", code=1))
    assert missing["usual"] == {"boots": 2, "enough": False, "slower": False}
    assert missing["next"][1] == "k3s kubectl logs -n ai-stack ralph -c app --previous"


@pytest.mark.parametrize("flavour, code", FLAVOURS)
def test_svg_is_well_formed_and_inert(scene, flavour, code):
    text = boot(scene(flavour), "-o", "svg", code=code)

    keep("boot-%s.svg" % flavour, text)
    inert_bars(text, 20)


def test_svg_places_bars_to_scale(scene):
    root = ET.fromstring(boot(scene("slow"), "-o", "svg"))
    found = {}
    for row in root.iter("{http://www.w3.org/2000/svg}g"):
        if row.get("data-group") == "0" and row.get("data-row"):
            bar = row.find("{http://www.w3.org/2000/svg}rect")
            found[row.find("{http://www.w3.org/2000/svg}text/{http://www.w3.org/2000/svg}title").text] = (
                float(bar.get("x")), float(bar.get("width")))
    scale = 900 / 131.4
    assert abs(found["pods"][1] - 86.3 * scale) < 0.2
    assert abs(found["k3s"][0] - (340 + 22.6 * scale)) < 0.2
    assert abs(found["firmware"][0] - 340) < 0.2
    # below each phase its usual length: userspace takes 5.15 s by the median
    usual = [re.match(r"M([\d.]+) \d+H([\d.]+)$", path.get("d")) for path in
             root.iter("{http://www.w3.org/2000/svg}path") if path.get("class") == "usual" and "H" in path.get("d")]
    lengths = [float(match.group(2)) - float(match.group(1)) for match in usual]
    assert len(lengths) == 7 and abs(lengths[3] - 5.15 * scale) < 0.2


def test_nothing_hostile_gets_into_the_page(scene):
    page = boot(scene("hostile"), "-o", "html")

    # three of its own: data, program, and none more
    assert len(re.findall("<script", page)) == 2 and len(re.findall("</script", page)) == 2
    assert "<img" not in page and "\x1b" not in page
    data = re.search('<script type="application/json" id="report">(.*?)</script>', page, re.S).group(1)
    assert not re.search("[<>&]", data)
    assert json.loads(data)["boot"]["type"] == "boot"
