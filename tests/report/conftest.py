# SPDX-License-Identifier: Apache-2.0
"""`nodewake boot` and `explain` on stores of synthetic boots and pods: any machine, no root."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
SHOTS = os.path.join(BUILD, "report")  # pictures and files to look at
PROGRAM = os.path.join(BUILD, "nodewake")
SVG = "{http://www.w3.org/2000/svg}"


def fill(directory, flavour):
    subprocess.run([os.path.join(BUILD, "report-scene"), str(directory), flavour], check=True)
    return str(directory)


def run(verb, state, words, code):
    done = subprocess.run([PROGRAM, *verb, "--state-dir", state, *words], capture_output=True, check=False, timeout=300)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode()


def boot(state, *words, code=0):
    return run(["boot"], state, words, code)


def explain(state, *words, code=0):
    return run(["explain", "llama-cpp"], state, words, code)


def inert_bars(text, least):
    """The bars of a picture that is well-formed, runs nothing, loads nothing and draws within itself."""
    root = ET.fromstring(text)
    assert root.tag == SVG + "svg"
    known = {SVG + tag for tag in ("svg", "title", "style", "rect", "text", "tspan", "g", "line", "path")}
    for element in root.iter():
        assert element.tag in known, "no element but ours"
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)
    bars = [bar for bar in root.iter(SVG + "rect") if bar.get("data-bar")]
    assert len(bars) >= least
    for bar in bars:
        assert float(bar.get("x")) >= 340 and float(bar.get("x")) + float(bar.get("width")) < 1240 + 2
    return bars


def keep(name, text):
    path = os.path.join(os.path.realpath(SHOTS), name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


@pytest.fixture(scope="session", name="scene")
def of_flavour(tmp_path_factory):
    """scene("slow"): a state directory with it, made once."""
    made = {}

    def make(flavour):
        if flavour not in made:
            made[flavour] = fill(tmp_path_factory.mktemp(flavour), flavour)
        return made[flavour]

    os.makedirs(SHOTS, exist_ok=True)
    return make


@pytest.fixture(scope="session", name="browser")
def headless():
    webdriver = pytest.importorskip("selenium.webdriver")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    driver = shutil.which("chromedriver")
    if not driver:
        pytest.skip("chromium-driver is not installed")
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
                 "--window-size=1420,1100"):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=service.Service(driver), options=options)
    yield browser
    browser.quit()


class Page:
    """What a person sees of a page."""

    def __init__(self, browser):
        self.browser = browser

    def open(self, path):
        self.browser.get_log("browser")
        self.browser.get("file://" + path)

    def shot(self, name):
        assert self.browser.save_screenshot(os.path.join(SHOTS, name))

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def text(self, selector):
        return self.browser.find_element("css selector", selector).text

    def rows(self):
        return [row.find_element("class name", "label").text for row in self.all(".row:not([hidden])")]

    def tip(self):
        element = self.browser.find_element("id", "tip")
        return element.text if element.is_displayed() else None

    def scheme(self, value):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": [{"name": "prefers-color-scheme", "value": value}]})

    def complaints(self):
        return [entry for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(name="page")
def of_browser(browser):
    return Page(browser)
