"""Runs in a real browser: started, watched, killed, resumed with one click from the list, stopped, and deleted."""

import os
import signal
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, expect

from elk_sandbox.runtime.store import Store, open_store
from rlhf_lab.launch import enter
from rlhf_lab.pages.background import background
from tests.browser.lab_server import Server, serving, workers
from tests.browser.watched import Watched, typed_and_clicked

SMALL = {
    "layers": 1, "heads": 2, "width": 16, "batch": 8, "context": 32, "steps": 100_000, "threads": 1, "save_every": 20,
    "validate_every": 20,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("lab")
    with open_store(home) as store:
        enter(store, home, "pretrain", "base", SMALL, {})
    with serving(home) as running:
        yield running


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with open_store(server.home) as opened:
        yield opened


def test_a_run_is_started_killed_resumed_stopped_and_deleted(browser: Browser, server: Server, store: Store) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page = watched.page
    page.goto(f"{server.address}/runs")
    chip = page.locator(".row .chip")
    expect(chip).to_have_text("new", timeout=30_000)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(chip).to_have_text("running", timeout=30_000)
    expect(page.locator(".row .how")).to_contain_text("left · heard", timeout=60_000)
    expect(page.locator("figure polyline").first).to_be_attached(timeout=60_000)
    before = store.run("base").progress
    assert before is not None

    (worker,) = workers(server.home, "resume")
    os.kill(worker, signal.SIGKILL)
    expect(chip).to_have_text("interrupted", timeout=30_000)
    expect(page.get_by_text("Its process is gone")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Resume base").click()  # in the list
    expect(chip).to_have_text("running", timeout=30_000)
    assert store.run("base").attempts == 2

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(chip).to_have_text("stopped", timeout=60_000)
    page.reload()
    expect(chip).to_have_text("stopped", timeout=30_000)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("for good")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("for good")).not_to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete base").click()
    expect(page.get_by_text("Each run will be a line here")).to_be_visible(timeout=15_000)
    assert store.runs() == []
    watched.clean()


def test_a_demo_whose_name_is_typed_and_clicked_at_once_has_that_name(
    browser: Browser, server: Server, store: Store
) -> None:
    enter(store, server.home, "pretrain", "other", SMALL, {})
    watched = Watched(browser, viewport={"width": 1280, "height": 1400})
    page = watched.page
    page.goto(f"{server.address}/runs?runs_new=The+demo")
    typed_and_clicked(page, "Name", "mine", "Run the demo, under 5 minutes")
    expect(page.get_by_role("button", name="Stop the demo")).to_be_visible(timeout=30_000)
    (asked,) = background(server.home, "demo-mine").asked
    assert asked == "--name mine --rater counter --seed 2"
    assert not background(server.home, "demo").asked
    page.get_by_role("button", name="Stop the demo").click()
    expect(page.get_by_role("button", name="Resume the demo")).to_be_visible(timeout=60_000)
    watched.clean()
