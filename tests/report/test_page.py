# SPDX-License-Identifier: Apache-2.0
"""The page in headless Chromium: hover, search, light and dark; screenshots stay in build/report/."""

import os
import shutil

import pytest

from conftest import SHOTS, boot

selenium = pytest.importorskip("selenium")
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not DRIVER, reason="chromium-driver is not installed")


@pytest.fixture(scope="module", name="browser")
def headless():
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
                 "--window-size=1420,1100"):
        options.add_argument(word)
    options.binary_location = shutil.which("chromium")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(service=Service(DRIVER), options=options)
    yield browser
    browser.quit()


def visit(browser, scene, flavour, code=0):
    path = os.path.join(os.path.realpath(SHOTS), "boot-%s.html" % flavour)
    with open(path, "w", encoding="utf-8") as file:
        file.write(boot(scene(flavour), "-o", "html", code=code))
    browser.get_log("browser")
    browser.get("file://" + path)


def shot(browser, name):
    assert browser.save_screenshot(os.path.join(SHOTS, name))


def scheme(browser, value):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": value}]})


def shown(browser):
    return [row.find_element(By.CLASS_NAME, "label").text
            for row in browser.find_elements(By.CSS_SELECTOR, ".row:not([hidden])")]


def tip(browser):
    element = browser.find_element(By.ID, "tip")
    return element.text if element.is_displayed() else None


def test_the_page_tells_the_boot(browser, scene):
    visit(browser, scene, "slow")
    assert browser.find_element(By.TAG_NAME, "h1").text == "ready after 2min 11.4s"
    assert "slower than usual: median 51.6s of 9 boots" in browser.find_element(By.TAG_NAME, "header").text
    assert browser.find_element(By.ID, "count").text == "34 rows"
    assert tip(browser) is None
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    # it loads nothing
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_hover(browser, scene):
    visit(browser, scene, "slow")
    bar = browser.find_element(By.CSS_SELECTOR, '.row[data-group="2"] .bar.pull')
    ActionChains(browser).move_to_element(bar).perform()
    text = tip(browser)
    shot(browser, "page-hover.png")
    assert text.splitlines()[:4] == ["ai-stack/llama-cpp/server", "pull 1min 1.0s", "+59.1s to +120.1s",
                                     "on the critical path"]
    assert "listening on port 8080" in text
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert tip(browser) is None
    # the keyboard's way to the same
    browser.execute_script("document.querySelector('.row[data-group=\"2\"]').focus()")
    assert tip(browser).startswith("ai-stack/postgres-0/postgres")


def test_search(browser, scene):
    visit(browser, scene, "slow")
    field = browser.find_element(By.ID, "search")
    before = browser.find_element(By.ID, "waterfall").size["height"]
    field.send_keys("llama PULL")
    assert all("llama" in label for label in shown(browser)) and len(shown(browser)) >= 3
    assert browser.find_element(By.ID, "waterfall").size["height"] < before
    assert browser.find_element(By.ID, "count").text == "%d of 34 rows" % len(shown(browser))
    assert not browser.find_element(By.CSS_SELECTOR, '.heading[data-group="0"]').is_displayed()
    shot(browser, "page-search.png")
    field.clear()
    field.send_keys("no such thing")
    assert shown(browser) == []
    field.send_keys("\ue00c")  # escape
    assert len(shown(browser)) == 34
    browser.find_element(By.ID, "critical").click()
    labels = shown(browser)
    assert "pull of ai-stack/llama-cpp" in labels and not any("smartd" in label for label in labels)
    shot(browser, "page-critical.png")


@pytest.mark.parametrize("value, dark", [("light", False), ("dark", True)])
def test_light_and_dark(browser, scene, value, dark):
    visit(browser, scene, "slow")
    scheme(browser, value)
    paper, ink = browser.execute_script(
        "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        ".map((c) => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3)")
    assert (paper < 60 and ink > 200) if dark else (paper > 230 and ink < 60)
    shot(browser, "page-%s.png" % value)
    scheme(browser, "light")


def test_missing_pods_come_with_their_command(browser, scene):
    visit(browser, scene, "broken", code=1)
    shot(browser, "page-broken.png")
    rows = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "table tr")]
    assert len(rows) == 3
    assert "CrashLoopBackOff: exit code 3" in rows[1] and "k3s kubectl logs -n ai-stack ralph -c app --previous" in rows[1]


def test_reconstructed_is_said_and_drawn(browser, scene):
    visit(browser, scene, "late")
    shot(browser, "page-late.png")
    assert "Reconstructed" in browser.find_element(By.TAG_NAME, "header").text
    assert browser.find_elements(By.CSS_SELECTOR, ".row .bar.reconstructed")


def test_hostile_texts_do_nothing(browser, scene):
    visit(browser, scene, "hostile")
    shot(browser, "page-hostile.png")
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 2
    browser.execute_script("document.querySelector('.row[data-group=\"2\"]').focus()")
    assert "onerror=" in tip(browser)  # as text
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_the_picture_alone(browser, scene):
    path = os.path.join(os.path.realpath(SHOTS), "boot-slow.svg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(boot(scene("slow"), "-o", "svg"))
    for value in ("dark", "light"):
        scheme(browser, value)
        browser.get("file://" + path)
        shot(browser, "svg-%s.png" % value)
    assert browser.execute_script("return document.documentElement.tagName") == "svg"
    assert browser.execute_script("return document.querySelectorAll('.bar').length") > 30
