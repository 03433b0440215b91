"""The matrix page in a real browser: an empty workspace is judged, a cell is picked, and a refresh restores it."""

import re

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, expect

from elk_sandbox.literature import COUNTEREXAMPLES, STRATEGIES
from tests.browser.watched import Watched

CELLS = len(STRATEGIES) * len(COUNTEREXAMPLES)
PICKED = re.compile(r"proposal=human_labels&counterexample=human_simulator")


def test_the_matrix_is_judged_picked_and_restored(browser: Browser, server: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 900})
    page = watched.page
    page.goto(f"{server}/matrix")
    expect(page.get_by_text("No cell is judged yet")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("torn.py:1:")).to_be_visible()
    expect(page.locator("table button.wait")).to_have_count(CELLS)

    page.get_by_role("button", name=f"Judge {CELLS} cells").click()
    expect(page.get_by_text(f"{CELLS} of {CELLS} cells judged")).to_be_visible(timeout=180_000)
    expect(page.locator("table button.wait")).to_have_count(0)

    page.get_by_role("button", name="human_labels against human_simulator: killed, tie; literature K, agrees").click()
    expect(page.get_by_role("heading", name="Ledger")).to_be_visible()
    expect(page).to_have_url(PICKED)
    assert page.get_by_text("Asked 'is the diamond there?'").first.is_visible()
    ledger = page.locator(".elk table").first
    expect(ledger.get_by_role("rowheader", name="human_simulator")).to_be_visible()
    assert ledger.locator(".bar").first.bounding_box()["width"] > 50  # type: ignore[index]
    expect(page.get_by_role("tab", name="Proposal: human_labels")).to_be_visible()

    scroll = "document.querySelector('[data-testid=stMain]').scrollTop"
    assert page.evaluate(scroll) == 0  # a click on a cell moves nothing
    page.reload()
    expect(page.get_by_role("heading", name="Ledger")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", name="human_labels against human_simulator")).to_be_in_viewport(ratio=1)
    expect(page.locator('button[aria-pressed="true"]')).to_have_attribute(
        "aria-label", re.compile("human_labels against human_simulator")
    )
    expect(page).to_have_url(PICKED)

    page.locator('button[aria-pressed="true"]').focus()  # and by keyboard
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("proposal=operator_data&counterexample=human_simulator"))
    expect(page.get_by_text("survives").first).to_be_visible()
    assert watched.outside == []
    assert watched.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, server: str, scheme: str) -> None:
    watched = Watched(browser, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page = watched.page
    page.goto(f"{server}/matrix?proposal=human_labels&counterexample=human_simulator")
    expect(page.get_by_role("heading", name="Which proposals")).to_be_visible(timeout=20_000)
    expect(page.locator("table button").first).to_be_visible(timeout=20_000)
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert wide <= 400
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400
    menu = "getComputedStyle(document.querySelector('[data-testid=stExpandSidebarButton]'), '::after').content"
    assert page.evaluate(menu) == '"Menu"'
    ground = page.locator("table tbody th").first.evaluate("node => getComputedStyle(node).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 28)"}[scheme]
    assert watched.outside == []
    assert watched.errors == []
