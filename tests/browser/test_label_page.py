"""Labelling in a real browser: by key, at once, undone, taken up again, by two people, and through a server's death."""

import statistics
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, expect

from elk_sandbox.runtime.store import Store, open_store
from rlhf_lab.labels import Text, create_pool
from tests.browser.lab_server import Card, Server, serving
from tests.browser.watched import Watched

KEYS = {"1": -1, "2": 0, "3": 1}
WATCH = """() => {
  const host = [...document.querySelectorAll("*")].find((e) => e.shadowRoot?.querySelector(".card"));
  const text = host.shadowRoot.querySelector(".text");
  window.took = [];
  let pressed = 0, number = text.dataset.number;
  document.addEventListener("keydown", () => { pressed = performance.now(); }, true);
  new MutationObserver(() => {
    if (text.dataset.number === number) return;
    number = text.dataset.number;
    requestAnimationFrame(() => window.took.push(performance.now() - pressed));
  }).observe(text, { attributes: true });
}"""
# What is on the card at the moment of a key; a test that asks before it presses may see the text before.
RECORD = """() => {
  const host = [...document.querySelectorAll("*")].find((e) => e.shadowRoot?.querySelector(".card"));
  const text = host.shadowRoot.querySelector(".text");
  window.given = [];
  document.addEventListener("keydown", (e) => { window.given.push([text.dataset.number, e.key]); }, true);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("lab")
    with open_store(home) as store:
        for name, many in (("first", 80), ("second", 80), ("third", 60), ("big", 30_000)):
            texts = [Text(f"Alard: speech {k} of {name}.\n\nBettine: <b>no</b>", (k,), "base") for k in range(many)]
            create_pool(store, name, texts, seed=7)
        for who in ("cleo", "dan", "eve", "fay"):
            store.judge_all("big", who, [(k, k % 3 - 1) for k in range(25_000)])
    with serving(home) as running:
        yield running


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with open_store(server.home) as opened:
        yield opened


def opened(browser: Browser, server: Server, pool: str, who: str) -> tuple[Watched, Card]:
    watched = Watched(browser, viewport={"width": 1280, "height": 900})
    watched.page.goto(f"{server.address}/label?label_pool={pool}&label_who={who}&label_repeats=none")
    card = Card(watched.page)
    card.ready()
    return watched, card


def kept(store: Store, pool: str, who: str) -> list[tuple[int, int]]:
    return [(judgement.number, judgement.value) for judgement in store.current(pool, who)]


def test_fifty_labels_by_keyboard_with_undo_and_a_refresh(browser: Browser, server: Server, store: Store) -> None:
    watched, card = opened(browser, server, "first", "ann")
    given = []
    for k in range(50):
        key = "123"[k % 3]
        card.ready()
        given.append((int(card.number()), KEYS[key]))
        watched.page.keyboard.press(key)
        if k % 10 == 9:  # the last one again, otherwise
            watched.page.keyboard.press("u" if k % 20 == 9 else "Control+z")
            assert int(card.number()) == given[-1][0]
            given[-1] = (given[-1][0], 0)
            watched.page.keyboard.press("2")
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    assert kept(store, "first", "ann") == given
    assert len(store.events("first", "ann")) == 60  # of which five are undos
    expect(card.at).to_have_text("51 of 80")
    following = card.number()

    watched.page.reload()
    card.ready()
    expect(card.at).to_have_text("51 of 80")
    assert card.number() == following
    watched.page.keyboard.press("s")
    expect(card.text).not_to_have_attribute("data-number", following)
    watched.page.get_by_role("textbox", name="Who is labelling").press("3")  # a letter of a name, no label
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    assert len(kept(store, "first", "ann")) == 50
    watched.clean()


def test_a_click_that_ends_another_raters_name_labels_for_nobody(
    browser: Browser, server: Server, store: Store
) -> None:
    watched, card = opened(browser, server, "second", "gil")
    field, positive = (
        watched.page.get_by_role("textbox", name="Who is labelling"),
        watched.page.locator(".card [data-value='1']"),
    )
    positive.click()
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    field.fill("hal")
    positive.click()  # which commits the name
    expect(card.at).to_have_text(["1 of 80"], timeout=30_000)  # one card: for a moment there are two
    expect(watched.page.locator(".card .told")).to_contain_text("Not counted")
    field.focus()
    positive.click()  # nothing was typed
    expect(card.at).to_have_text("2 of 80", timeout=30_000)
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    assert [len(kept(store, "second", who)) for who in ("gil", "hal")] == [1, 1]
    watched.clean()


def test_the_next_text_is_there_at_once_among_100000_labels(browser: Browser, server: Server, store: Store) -> None:
    watched, card = opened(browser, server, "big", "ann")
    watched.page.evaluate(WATCH)
    for k in range(40):
        watched.page.keyboard.press("123"[k % 3])
        watched.page.wait_for_timeout(300)
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    took = sorted(watched.page.evaluate("window.took"))
    assert len(took) == 40 == len(kept(store, "big", "ann"))
    assert statistics.median(took) < 150
    assert took[37] < 400
    watched.clean()


def test_keys_faster_than_the_server_lose_and_double_nothing(browser: Browser, server: Server, store: Store) -> None:
    watched, card = opened(browser, server, "second", "ann")
    watched.page.evaluate(RECORD)
    for k in range(40):
        watched.page.keyboard.press("123"[k % 3])
    expect(card.saved).to_have_text("all saved", timeout=30_000)
    pressed = watched.page.evaluate("window.given")
    assert [key for _, key in pressed] == [*"123"] * 13 + ["1"]
    # without a number the next texts are still on their way, and a key says nothing
    given = [(int(number), KEYS[key]) for number, key in pressed if number]
    assert kept(store, "second", "ann") == given
    assert len(store.events("second", "ann")) == len(given) >= 24
    watched.clean()


def test_two_people_label_at_once_and_a_dead_server_loses_nothing(
    browser: Browser, server: Server, store: Store
) -> None:
    ann, hers = opened(browser, server, "third", "ann")
    bob, his = opened(browser, server, "third", "bob")
    for _ in range(5):
        ann.page.keyboard.press("1")
        bob.page.keyboard.press("3")
    for card in (hers, his):
        expect(card.saved).to_have_text("all saved", timeout=30_000)
    server.kill()
    ann.page.keyboard.press("2")  # nobody is there to keep it
    expect(hers.saved).to_have_text("saving 1")
    assert len(kept(store, "third", "ann")) == 5
    server.start()
    expect(hers.saved).to_have_text("all saved", timeout=40_000)
    assert [value for _, value in kept(store, "third", "ann")] == [-1] * 5 + [0]
    assert [value for _, value in kept(store, "third", "bob")] == [1] * 5
    assert not ann.outside and not bob.outside  # of a server that is gone a browser complains


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, server: Server, scheme: str) -> None:
    watched = Watched(browser, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    watched.page.goto(f"{server.address}/label?label_pool=first&label_who=eve")
    Card(watched.page).ready()
    assert watched.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 400
    watched.clean()
