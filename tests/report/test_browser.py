"""A real browser shows the pages: nothing is fetched, nothing scrolls that need not."""

import json
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from mtl_keras.report.comparison import comparison_page

SCROLLED = """
for (const each of document.querySelectorAll("details")) each.open = true;
return [...document.querySelectorAll(".table")]
  .filter((box) => box.scrollWidth > box.clientWidth && !box.querySelector(".heat"))
  .map((box) => box.ariaLabel)
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if CHROMIUM is None or shutil.which("chromedriver") is None:
        pytest.skip("there is no Chromium here (Debian: apt install chromium chromium-driver)")
    options = Options()
    options.binary_location = CHROMIUM
    for argument in (
        "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
        "disable-background-networking", "disable-component-update",
        f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.mark.usefixtures("rendered")
def test_a_real_browser_shows_both_pages(browser, artifact, comparison, tmp_path):
    compared = tmp_path / "comparison.html"
    compared.write_text(comparison_page(json.loads(json.dumps(comparison.to_dict()))))
    for path in (artifact / "report.html", compared):
        for width in (1280, 390):
            browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
            )
            browser.get(path.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
            assert browser.execute_script(SCROLLED) == []
        assert browser.get_log("browser") == []
        asked = [
            json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
        ]
        urls = [m["params"]["request"]["url"] for m in asked if m["method"].endswith("WillBeSent")]
        assert [u for u in urls if not u.startswith(("file:", "data:", "chrome"))] == []

    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.get((artifact / "report.html").as_uri())
    shown = "return [...document.querySelectorAll(arguments[0])].every((e) => e.offsetHeight > 0)"
    assert browser.execute_script(shown, "thead th, details pre, summary")
    displayed = "return getComputedStyle(document.querySelector('thead button')).display"
    assert browser.execute_script(displayed) == "contents"  # as a box, no repeated heading has it
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.get(compared.as_uri())

    back = "return getComputedStyle(document.body).backgroundColor"
    before = browser.execute_script(back)
    browser.find_element("id", "theme").click()
    assert browser.execute_script(back) != before

    table = browser.find_elements("css selector", "table.sortable")[1]
    head = table.find_elements("css selector", "th button")[1]
    for order in (1, -1):
        head.send_keys("\n")
        cells = table.find_elements("css selector", "tbody td:nth-child(2)")
        shown = [float(cell.get_attribute("data-value")) for cell in cells]
        assert shown == sorted(shown, reverse=order < 0)
