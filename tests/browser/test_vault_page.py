"""The vault in a real browser: things are clicked and toggled, walked to, taken back, and restored from the address."""

import re
import time
from statistics import median

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect

from tests.browser.watched import Watched


def expect_answer(page: Page, who: str, words: str) -> None:
    row = page.locator(".elk table").first.locator("tr", has=page.locator("th", has_text=re.compile(f"^{who}")))
    expect(row.first.locator("td").first).to_have_text(re.compile(words))


def test_the_screen_is_put_up_walked_to_and_restored(browser: Browser, server: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{server}/vault")
    scene = page.get_by_role("group", name=re.compile("^The vault: the diamond stands on its pedestal"))
    expect(scene).to_be_visible(timeout=20_000)
    expect_answer(page, "human simulator", "^yes")

    page.get_by_role("button", name="Walk to where they part").click()
    expect(page).to_have_url(re.compile(r"vault_at=t(&|$)"))
    parted = page.get_by_role("group", name=re.compile("the pedestal is empty; a screen with a picture"))
    expect(parted).to_be_visible()
    expect_answer(page, "direct translator", "^no *✓ *right$")
    expect_answer(page, "human simulator", "^yes *\N{MULTIPLICATION SIGN} *wrong$")
    expect(page.get_by_text("outside all data that humans label")).to_be_visible()
    shown = page.get_by_role("img", name=re.compile("the camera shows the diamond; the viewer concludes: yes"))
    expect(shown).to_be_visible()

    page.reload()
    expect(parted).to_be_visible(timeout=20_000)
    page.go_back()
    expect(scene).to_be_visible(timeout=20_000)
    page.go_forward()
    expect(parted).to_be_visible(timeout=20_000)

    parted.get_by_role("button", name="The diamond is gone").focus()  # by keyboard
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"vault_at=t(%2C|,)d"))
    expect(page.get_by_role("group", name=re.compile("the diamond stands on its pedestal; a screen"))).to_be_visible()
    toggle = page.get_by_test_id("stCheckbox").filter(has_text="A screen with a picture of the diamond stands")
    toggle.locator("label").click()
    expect(scene).to_be_visible()
    assert watched.outside == []
    assert watched.errors == []


def test_it_reacts_at_once(browser: Browser, server: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{server}/vault?vault_world=tricks")
    scene = page.get_by_role("group", name=re.compile("^The vault"))
    expect(scene).to_be_visible(timeout=20_000)
    waits = []
    for turn in range(8):
        gone = turn % 2 == 0
        began = time.perf_counter()
        scene.get_by_role("button", name="The diamond is").press("Enter")
        empty = "the pedestal is empty" if gone else "the diamond stands"
        page.wait_for_function(
            """(words) => [...document.querySelectorAll('*')].some((e) => e.shadowRoot &&
            [...e.shadowRoot.querySelectorAll('svg')].some((s) => s.getAttribute('aria-label').includes(words)))
            || [...document.querySelectorAll('svg[aria-label]')].some((s) =>
            s.getAttribute('aria-label').includes(words))""",
            arg=empty,
            polling=10,
        )
        waits.append(time.perf_counter() - began)
    print("reaction, s:", [round(w, 3) for w in waits])
    assert median(waits) < 0.6  # 0.3 on an idle machine; `make bench` measures
    assert watched.errors == []


def test_a_case_is_built_and_opened(browser: Browser, server: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{server}/vault?vault_case=upstream_simulator&vault_set=atoms%3D3&vault_at=t")
    build = page.get_by_role("button", name="Build this case")
    already = page.get_by_text("Bad reporters that it names")
    expect(build.or_(already).first).to_be_visible(timeout=20_000)
    if build.is_visible():
        build.click()
    expect(already).to_be_visible(timeout=60_000)
    expect_answer(page, "upstream simulator", "^yes *\N{MULTIPLICATION SIGN} *wrong$")
    expect(page).to_have_url(re.compile("vault_case=upstream_simulator"))
    assert watched.outside == []
    assert watched.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, server: str, scheme: str) -> None:
    watched = Watched(browser, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page = watched.page
    page.goto(f"{server}/vault?vault_world=all")
    expect(page.get_by_role("group", name=re.compile("^The vault"))).to_be_visible(timeout=20_000)
    expect(page.get_by_text("What a human makes of it")).to_be_visible()
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert wide <= 400
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400
    assert watched.outside == []
    assert watched.errors == []
