"""A blind rating in a real browser, from the first key to the reveal."""

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, expect

from elk_sandbox.runtime.store import Store, open_store
from rlhf_lab.blind_outcome import outcome
from rlhf_lab.blind_sheet import make_sheet
from rlhf_lab.labels import Text
from tests.browser.lab_server import Card, Server, serving
from tests.browser.watched import Watched


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("lab")
    with open_store(home) as store:
        arms = {
            "original": [Text(f"grief and woe {k}", (k,), "base") for k in range(10)],
            "trained": [Text(f"joy and bliss {k}", (k,), "policy") for k in range(10)],
        }
        make_sheet(store, "sheet", arms, 10, 1)
    with serving(home) as running:
        yield running


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with open_store(server.home) as opened:
        yield opened


def test_a_sheet_is_rated_left_taken_up_again_and_revealed(browser: Browser, server: Server, store: Store) -> None:
    watched = Watched(browser, viewport={"width": 1280, "height": 1000})
    page, card = watched.page, Card(watched.page)
    page.goto(f"{server.address}/blind?blind_who=ann")
    for k in range(20):
        card.ready()
        if k == 7:
            page.keyboard.press("u")
            page.keyboard.press("3" if "joy" in (card.text.text_content() or "") else "1")
            card.ready()
        if k == 12:
            expect(card.saved).to_have_text("all saved", timeout=30_000)
            page.reload()
            card.ready()
            expect(card.at).to_have_text("13 of 20")
        page.keyboard.press("3" if "joy" in (card.text.text_content() or "") else "1")
    expect(page.get_by_text("All 20 are rated.")).to_be_visible(timeout=15_000)
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    page.get_by_text("Result", exact=True).click()
    expect(page.get_by_text("has rated all 20 texts")).to_be_visible(timeout=15_000)
    assert not page.get_by_text("95 % interval").count()
    page.get_by_role("button", name="Reveal", exact=True).click()
    expect(page.get_by_text("The trained model was rated higher than the original model")).to_be_visible(timeout=30_000)
    (found,) = outcome(store, "sheet", "ann")["comparisons"]
    assert found["counts"] == ((10, 0, 0), (0, 0, 10))
    expect(page.get_by_text(f"p = {found['fisher']:.2g}").first).to_be_visible()
    page.reload()
    expect(page.get_by_text("The trained model was rated higher than the original model")).to_be_visible(timeout=30_000)
    page.get_by_text("Which model wrote which").click()
    expect(page.get_by_text("grief and woe 3")).to_be_visible()
    watched.clean()
