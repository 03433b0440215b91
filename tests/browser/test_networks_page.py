"""The page Networks in a real browser: results are got with one click, stand in the address and after a refresh."""

import re

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, expect

from tests.browser.watched import Watched

ASKED = "networks?net_world=exact%3Ascreen&net_rows=human_labels%2Cceiling%2Cviewer"


def test_results_are_got_drawn_and_stay(browser: Browser, server: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 900})
    page = watched.page
    page.goto(f"{server}/{ASKED}")
    page.get_by_role("button", name="Get 3 results").click(timeout=30_000)
    expect(page.get_by_text(re.compile("Certified: a probe for the truth on latent"))).to_be_visible(timeout=120_000)
    expect(page.locator(".elk table tbody tr")).to_have_count(3, timeout=120_000)
    expect(page.get_by_role("button", name=re.compile("^Get"))).to_have_count(0)
    expect(page.get_by_test_id("stVegaLiteChart").locator(".marks").first).to_be_visible(timeout=20_000)
    page.get_by_role("radio", name="Dishonest").or_(page.get_by_role("button", name="Dishonest")).first.click()
    expect(page).to_have_url(re.compile("net_measure=dishonest"))
    expect(page.get_by_text("answered against the truth")).to_be_visible()
    page.reload()
    expect(page.get_by_text("answered against the truth")).to_be_visible(timeout=30_000)
    watched.clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, server: str, scheme: str) -> None:
    watched = Watched(browser, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page = watched.page
    page.goto(f"{server}/{ASKED}")
    expect(page.get_by_text("Proposals and published methods")).to_be_visible(timeout=30_000)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400
    watched.clean()


def test_on_a_narrow_screen_every_measure_and_every_column_is_readable(browser: Browser, server: str) -> None:
    watched = Watched(browser, viewport={"width": 400, "height": 800})
    page = watched.page
    page.goto(f"{server}/networks?net_world=exact%3Ascreen&net_rows=ceiling%2Cviewer")
    measures = page.get_by_role("radiogroup", name="Measure").get_by_role("radio")
    expect(measures).to_have_count(4, timeout=30_000)
    for k in range(4):
        box = measures.nth(k).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 400
    get = page.get_by_role("button", name=re.compile("^Get"))
    rows = page.locator(".elk table tbody tr")
    expect(get.or_(rows.first).first).to_be_visible(timeout=30_000)
    if get.count():  # another test of this server may have got them
        get.click()
    expect(rows).to_have_count(2, timeout=120_000)
    wide = page.get_by_role("region", name="All measures")
    name, number = rows.first.locator("th"), rows.first.locator("td").first
    shown, first = name.bounding_box(), number.bounding_box()
    assert shown is not None and first is not None and first["x"] + first["width"] <= 400
    wide.evaluate("table => table.scrollLeft = table.scrollWidth")
    kept, last = name.bounding_box(), rows.first.locator("td").last.bounding_box()
    assert kept is not None and last is not None and kept["x"] == shown["x"]
    assert kept["x"] + kept["width"] <= last["x"] and last["x"] + last["width"] <= 400
    assert name.evaluate("cell => cell.scrollWidth <= cell.clientWidth")
    watched.clean()
