"""Whole journeys in a real browser: the demo with a killed worker, from labels to a reward model, twenty people."""

import csv
import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import open_store
from rlhf_lab import sampling
from rlhf_lab.labels import Text, create_pool, order
from rlhf_lab.launch import enter
from rlhf_lab.stages import work
from tests.browser.lab_server import Card, Server, serving, workers
from tests.browser.watched import Watched

SMALL = {"layers": 1, "heads": 2, "width": 32, "batch": 64, "context": 32, "steps": 60, "warmup": 5}
PEOPLE, EACH = 20, 6


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


def opened(browser: Browser, address: str) -> tuple[Watched, Page]:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    watched.page.goto(address)
    return watched, watched.page


@pytest.mark.skipif("EVIDENCE" not in os.environ, reason="minutes on idle cores: make evidence")
def test_the_demo_is_watched_killed_taken_up_again_and_looked_at(browser: Browser, server: Server) -> None:
    watched, page = opened(browser, server.address)
    page.get_by_role("button", name="Run the demo").click(timeout=30_000)
    expect(page.get_by_text("pretraining step").first).to_be_visible(timeout=120_000)
    (worker,) = workers(server.home, "demo")
    os.kill(worker, signal.SIGKILL)
    expect(page.get_by_text("The demo was ended at step 1 of 8")).to_be_visible(timeout=30_000)
    page.reload()
    page.get_by_role("button", name="Resume the demo").click(timeout=30_000)
    page.get_by_role("link", name="See where it over-optimises").click(timeout=900_000)
    headline = page.locator(".headline")
    expect(headline).to_contain_text("Gold", timeout=30_000)
    with open_store(server.home) as store:
        assert store.run("demo-base").attempts == 2
        assert {row.outcome for row in store.runs()} == {"done"}
    watched.clean()


def test_fifty_texts_are_labelled_exported_and_learned_from(browser: Browser, server: Server) -> None:
    with open_store(server.home) as store:
        base = enter(store, server.home, "pretrain", "base", SMALL, {})
        assert jobs.execute(base, work) == "done", store.run("base").message
        create_pool(store, "mine", sampling.texts(base, 50, seed=1), seed=1)
    watched, page = opened(browser, f"{server.address}/label?label_pool=mine&label_who=ann&label_repeats=none")
    card = Card(page)
    for k in range(50):
        card.ready()
        page.keyboard.press("123"[k % 3])
        if k == 20:
            page.keyboard.press("u")
            page.keyboard.press("3")
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    with page.expect_download(timeout=30_000) as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    with open_store(server.home) as store:
        kept = store.current("mine", "ann")
        assert len(rows) == len(kept) == 50 and len(store.events("mine", "ann")) == 52

    page.goto(f"{server.address}/runs")
    page.get_by_text("Reward model", exact=True).last.click(timeout=30_000)
    page.get_by_role("textbox", name="Name").last.fill("learned")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Start").last.click(timeout=30_000)
    expect(page.locator(".row", has_text="learned").locator(".chip")).to_have_text("done", timeout=120_000)
    with open_store(server.home) as store:
        assert store.run("learned").outcome == "done"
    page.goto(f"{server.address}/reward")
    expect(page.get_by_text("labels held out").first).to_be_visible(timeout=60_000)
    watched.clean()


def test_twenty_people_label_one_pool_at_once(browser: Browser, server: Server) -> None:
    with open_store(server.home) as store:
        texts = [Text(f"Alard: speech {k}.", (k,), "base") for k in range(40)]
        create_pool(store, "shared", texts, seed=3)
    pages = []
    for k in range(PEOPLE):
        page = browser.new_page(viewport={"width": 800, "height": 600})
        page.goto(
            f"{server.address}/label?label_pool=shared&label_who=person{k}&label_repeats=none", wait_until="commit"
        )
        pages.append(page)
    cards = [Card(page) for page in pages]
    for card in cards:
        card.page.locator(".card .text:not([data-number=''])").wait_for(timeout=120_000)
    given: list[list[tuple[int, int]]] = [[] for _ in pages]
    for turn in range(EACH):
        for k, card in enumerate(cards):
            given[k].append((int(card.number()), (k + turn) % 3 - 1))
            card.page.keyboard.press("123"[(k + turn) % 3])
    for card in cards:
        expect(card.saved).to_have_text("all saved", timeout=60_000)
    with open_store(server.home) as store:
        assert len(store.events("shared")) == PEOPLE * EACH
        for k in range(PEOPLE):
            found = [(each.number, each.value) for each in store.current("shared", f"person{k}")]
            assert found == given[k]
            assert [number for number, _ in found] == [item.number for item in order(store, "shared", f"person{k}")][
                :EACH
            ]
    for page in pages:
        page.close()
