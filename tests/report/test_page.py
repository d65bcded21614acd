# SPDX-License-Identifier: Apache-2.0
"""The page in headless Chromium: hover, search, light and dark; screenshots stay in build/report/."""

import pytest

from conftest import boot, keep

pytest.importorskip("selenium")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402


def visit(page, scene, flavour, code=0):
    page.open(keep("boot-%s.html" % flavour, boot(scene(flavour), "-o", "html", code=code)))


def test_the_page_tells_the_boot(browser, page, scene):
    visit(page, scene, "slow")
    assert browser.find_element(By.TAG_NAME, "h1").text == "ready after 2min 11.4s"
    assert "slower than usual: median 51.6s of 9 boots" in browser.find_element(By.TAG_NAME, "header").text
    assert browser.find_element(By.ID, "count").text == "34 rows"
    assert page.tip() is None
    assert not page.complaints()
    # it loads nothing
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_hover(browser, page, scene):
    visit(page, scene, "slow")
    bar = browser.find_element(By.CSS_SELECTOR, '.row[data-group="2"] .bar.pull')
    ActionChains(browser).move_to_element(bar).perform()
    text = page.tip()
    page.shot("page-hover.png")
    assert text.splitlines()[:4] == ["ai-stack/llama-cpp/server", "pull 1min 1.0s", "+59.1s to +120.1s",
                                     "on the critical path"]
    assert "listening on port 8080" in text
    ActionChains(browser).move_to_element(browser.find_element(By.TAG_NAME, "h1")).perform()
    assert page.tip() is None
    # the keyboard's way to the same
    browser.execute_script("document.querySelector('.row[data-group=\"2\"]').focus()")
    assert page.tip().startswith("ai-stack/postgres-0/postgres")


def test_search(browser, page, scene):
    visit(page, scene, "slow")
    field = browser.find_element(By.ID, "search")
    before = browser.find_element(By.ID, "waterfall").size["height"]
    field.send_keys("llama PULL")
    assert all("llama" in label for label in page.rows()) and len(page.rows()) >= 3
    assert browser.find_element(By.ID, "waterfall").size["height"] < before
    assert browser.find_element(By.ID, "count").text == "%d of 34 rows" % len(page.rows())
    assert not browser.find_element(By.CSS_SELECTOR, '.heading[data-group="0"]').is_displayed()
    page.shot("page-search.png")
    field.clear()
    field.send_keys("no such thing")
    assert page.rows() == []
    field.send_keys("\ue00c")  # escape
    assert len(page.rows()) == 34
    browser.find_element(By.ID, "critical").click()
    labels = page.rows()
    assert "pull of ai-stack/llama-cpp" in labels and not any("smartd" in label for label in labels)
    page.shot("page-critical.png")


@pytest.mark.parametrize("value, dark", [("light", False), ("dark", True)])
def test_light_and_dark(browser, page, scene, value, dark):
    visit(page, scene, "slow")
    page.scheme(value)
    paper, ink = browser.execute_script(
        "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        ".map((c) => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3)")
    assert (paper < 60 and ink > 200) if dark else (paper > 230 and ink < 60)
    page.shot("page-%s.png" % value)
    page.scheme("light")


def test_missing_pods_come_with_their_command(browser, page, scene):
    visit(page, scene, "broken", code=1)
    page.shot("page-broken.png")
    rows = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "table tr")]
    assert len(rows) == 3
    assert "CrashLoopBackOff: exit code 3" in rows[1] and "k3s kubectl logs -n ai-stack ralph -c app --previous" in rows[1]


def test_reconstructed_is_said_and_drawn(browser, page, scene):
    visit(page, scene, "late")
    page.shot("page-late.png")
    assert "Reconstructed" in browser.find_element(By.TAG_NAME, "header").text
    assert browser.find_elements(By.CSS_SELECTOR, ".row .bar.reconstructed")


def test_hostile_texts_do_nothing(browser, page, scene):
    visit(page, scene, "hostile")
    page.shot("page-hostile.png")
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert len(browser.find_elements(By.TAG_NAME, "script")) == 2
    browser.execute_script("document.querySelector('.row[data-group=\"2\"]').focus()")
    assert "onerror=" in page.tip()  # as text
    assert browser.find_elements(By.TAG_NAME, "img") == []
    assert not page.complaints()


def test_the_picture_alone(browser, page, scene):
    path = keep("boot-slow.svg", boot(scene("slow"), "-o", "svg"))
    for value in ("dark", "light"):
        page.scheme(value)
        browser.get("file://" + path)
        page.shot("svg-%s.png" % value)
    assert browser.execute_script("return document.documentElement.tagName") == "svg"
    assert browser.execute_script("return document.querySelectorAll('.bar').length") > 30
