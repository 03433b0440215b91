"""Reward models, checkpoints and over-optimisation in a real browser, over a small workspace of real runs."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect

from rlhf_lab.pages import tokens
from tests.browser.watched import Watched
from tests.lab.conftest import made  # noqa: F401

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(made: Path) -> Iterator[str]:  # noqa: F811
    """The address of a server over the workspace."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    environment = {**os.environ, "ELK_SANDBOX_HOME": str(made), "OMP_NUM_THREADS": "1"}
    with (made / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{found}/_stcore/health", timeout=5):
                    break
            except OSError:
                assert process.poll() is None, (made / "server.log").read_text()
                time.sleep(0.2)
        yield found
    finally:
        process.terminate()
        process.wait(20)


def complaints(watched: Watched) -> list[str]:
    """Of ours: Streamlit itself asks for two addresses under a page's path that are not there."""
    return [error for error in watched.errors if "404" not in error]


def test_a_run_is_evaluated_and_a_region_is_brushed(browser: Browser, address: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{address}/overoptimization?oo_run=fresh")
    expect(page.get_by_text("not evaluated yet")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Evaluate 4 checkpoints").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator(".headline")).to_contain_text("Gold", timeout=120_000)

    page.goto(f"{address}/overoptimization?oo_run=policy&oo_beside=fresh")
    expect(page.locator("dt", has_text="fresh")).to_be_visible(timeout=30_000)
    expect(page.locator(".beside h3").first).to_have_text("Original model")
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"oo_region=[1-3]-[1-3]"), timeout=15_000)
    expect(page.locator(".beside h3").first).not_to_have_text("Original model")
    region = page.url
    first = page.locator(".beside h3").first.inner_text()
    page.reload()
    expect(page.locator(".beside h3").first).to_have_text(first, timeout=30_000)
    assert page.url == region
    with page.expect_download() as saved:
        page.get_by_role("button", name="Report, one HTML page").click()
    assert "<!doctype html>" in Path(saved.value.path()).read_text()[:50]
    assert watched.outside == []
    assert complaints(watched) == []


def test_checkpoints_are_compared_and_a_beginning_is_continued(browser: Browser, address: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{address}/checkpoints?ck_run=policy")
    heads = page.locator(".head b")
    expect(heads).to_have_text(["Original model", "Iteration 3"], timeout=30_000)
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowLeft")
    expect(heads).to_have_text(["Original model", "Iteration 2"])
    page.get_by_role("button", name="Pin the right one on the left").click()
    expect(heads).to_have_text(["Iteration 2", "Iteration 2"])
    expect(page).to_have_url(re.compile("ck_pin=2"))

    text = page.locator(".row .cell:nth-child(2) .text").first
    text.locator(".token").nth(2).hover()
    tip = page.locator(".tip")
    expect(tip).to_contain_text("nats, log-probability ratio to the original model")
    expect(tip).to_contain_text("nats, added to the reward")
    page.mouse.move(0, 0)
    expect(tip).to_be_empty()
    text.focus()
    page.keyboard.press("ArrowRight")
    expect(text.locator(".token.here")).to_have_count(1)
    expect(tip).not_to_be_empty()

    field = page.get_by_role("textbox", name="A beginning", exact=True)
    field.fill("I have lost")
    field.press("Enter")
    page.get_by_role("button", name="Continue at 4 checkpoints").click()
    expect(page.locator(".token.given").first).to_be_visible(timeout=60_000)
    expect(page.locator(".cell .text").first).to_contain_text("I have lost")
    page.reload()
    expect(page.locator(".cell .text").first).to_contain_text("I have lost", timeout=30_000)

    page.get_by_text("Find a word", exact=True).click()
    word = page.get_by_role("textbox", name="A word, or the beginning")
    word.fill("and")
    word.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    assert watched.outside == []
    assert complaints(watched) == []


def test_ones_own_sentence_is_coloured_by_two_models(browser: Browser, address: str) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{address}/reward?rm_run=rm&rm_beside=pooled")
    field = page.get_by_role("textbox", name="Your own sentence")
    expect(page.get_by_text("What it likes")).to_be_visible(timeout=60_000)
    field.fill("I have lost all <b>joy</b>.")
    field.press("Enter")
    own = page.locator(".numbers .text")
    expect(own).to_have_count(2)
    assert re.fullmatch(r"[+\u2212]\d+\.\d\d|0\.00", own.first.locator(".token small").first.inner_text())
    assert page.locator(".numbers .text b").count() == 0  # what is typed is text, whatever it looks like
    assert watched.outside == []
    assert complaints(watched) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["reward", "checkpoints", "overoptimization"])
def test_a_narrow_screen_does_not_scroll_sideways(
    browser: Browser,
    address: str,
    name: str,
    scheme: str,
) -> None:
    watched = Watched(browser, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    page = watched.page
    page.goto(f"{address}/{name}")
    last = {"reward": "What it likes", "checkpoints": "Diversity", "overoptimization": "As training saw it"}[name]
    expect(page.get_by_text(last).first).to_be_visible(timeout=30_000)
    _narrow(page)
    assert watched.outside == []
    assert complaints(watched) == []


def _narrow(page: Page) -> None:
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert wide <= 400
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400


def test_a_token_that_adds_nothing_has_no_sign(browser: Browser) -> None:
    found = re.search(r"const signed = (\(value\) => \{.*?\n  \});", tokens._JS, re.S)
    assert found
    page = browser.new_page()
    told = page.evaluate(f"[-0.001, 0, 0.004, -0.25, 0.25].map({found[1]})")
    assert told == ["0.00", "0.00", "0.00", "\N{MINUS SIGN}0.25", "+0.25"]
