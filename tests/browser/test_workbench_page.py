"""The workbench in a real browser: typed, judged, saved, broken, with nothing lost on the way."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Route, expect

from tests.browser.watched import STREAMLITS, typed_and_clicked

LOADED = 30_000  # milliseconds


@pytest.fixture
def watched(browser: Browser) -> Iterator[BrowserContext]:
    """Tabs from which no request leaves this machine and which complain of nothing."""
    outside: list[str] = []
    errors: list[str] = []

    def guard(route: Route) -> None:
        address = route.request.url
        if urlsplit(address).hostname == "127.0.0.1" or address.startswith(("data:", "blob:")):
            route.continue_()
        else:
            outside.append(address)
            route.abort()

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.route("**/*", guard)
    context.on(
        "console",
        lambda m: errors.append(m.text) if m.type == "error" and not STREAMLITS.search(m.location["url"]) else None,
    )
    context.on("weberror", lambda e: errors.append(str(e.error)))
    yield context
    context.close()
    assert outside == []
    assert errors == []


def editor(page: Page) -> FrameLocator:
    """The editor, once it can be typed into; the one before it may still be there."""
    frame = page.frame_locator("iframe[title*=code_editor]").last
    expect(frame.locator(".ace_text-input")).to_be_attached(timeout=LOADED)
    return frame


def text_of(page: Page) -> str:
    return str(editor(page).locator("#REACT_ACE_EDITOR").evaluate("node => node.env.editor.getValue()"))


def at_end(page: Page) -> None:
    editor(page).locator(".ace_content").click()
    page.keyboard.press("Control+End")


def test_a_newcomer_judges_the_baseline_edits_it_and_finds_it_in_the_matrix(
    watched: BrowserContext, server: str
) -> None:
    page = watched.new_page()
    page.goto(f"{server}/workbench")
    page.get_by_role("button", name="Begin with the baseline").click(timeout=LOADED)
    expect(page).to_have_url(re.compile("workbench_draft=human_labels&workbench_against=human_simulator"))
    at_end(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".elk .badge", has_text="killed, tie")).to_be_visible(timeout=LOADED)
    expect(page.get_by_role("heading", name="Witness").first).to_be_visible()
    assert page.locator(".elk .bar").first.bounding_box()["width"] > 50  # type: ignore[index]

    page.keyboard.type("x = (", delay=40)
    expect(page.get_by_text("Line 13. SyntaxError: '(' was never closed")).to_be_visible()
    expect(editor(page).locator(".ace_gutter-cell.ace_error")).to_have_text("13")
    expect(editor(page).locator(".fault")).to_have_count(1)
    expect(page.get_by_text("before your last change").first).to_be_visible()
    for _ in "x = (":
        page.keyboard.press("Backspace")
    page.keyboard.type("# mine", delay=40)
    expect(editor(page).locator(".fault")).to_have_count(0)
    expect(page.get_by_text("Draft with changes of proposals/human_labels.py")).to_be_visible()

    page.get_by_role("button", name="Save as").click()
    page.get_by_role("button", name="Save as my own").click()
    expect(page).to_have_url(re.compile("workbench_draft=my_human_labels&"))
    expect(page.get_by_text("As saved in proposals/my_human_labels.py")).to_be_visible()
    expect(editor(page).locator(".ace_content")).to_contain_text("def my_human_labels(")
    page.goto(f"{server}/matrix")
    expect(page.get_by_role("rowheader", name="my human labels")).to_be_visible(timeout=LOADED)
    page.get_by_role("button", name="my_human_labels against human_simulator: not judged yet").click()
    page.get_by_role("link", name="The proposal on the workbench").click()
    expect(page).to_have_url(re.compile("workbench_draft=my_human_labels&workbench_against=human_simulator"))
    assert text_of(page).endswith("# mine\n")


def test_nothing_typed_is_lost_by_marks_refresh_back_or_a_second_tab(watched: BrowserContext, server: str) -> None:
    page = watched.new_page()
    page.goto(f"{server}/workbench?workbench_file=specificity&workbench_against=human_simulator")
    at_end(page)
    typed = "x = ( # 1 ) = x ( 2 ) = ( 3"  # marks come and go while it is typed
    page.keyboard.type(typed, delay=170)
    assert text_of(page).endswith(typed)
    expect(editor(page).locator(".fault")).to_have_count(1)
    page.reload()
    assert text_of(page).endswith(typed)
    page.goto(f"{server}/matrix")
    expect(page.get_by_role("heading", name="Which proposals")).to_be_visible(timeout=LOADED)
    page.go_back()
    assert text_of(page).endswith(typed)

    other = watched.new_page()
    other.goto(page.url)
    assert text_of(other).endswith(typed)
    at_end(page)
    page.keyboard.type(" one", delay=40)
    page.wait_for_timeout(600)  # no key for that long: told
    at_end(other)
    other.keyboard.type(" two", delay=40)
    expect(other.get_by_text("The draft specificity was changed in another tab.")).to_be_visible(timeout=LOADED)
    expect(other).to_have_url(re.compile("workbench_draft=specificity_2"))
    assert text_of(page).endswith(f"{typed} one")
    assert text_of(other).endswith(f"{typed} two")
    page.get_by_role("button", name="Back to the beginning").click()
    expect(page.get_by_role("button", name="Bring my changes back")).to_be_visible()
    expect(editor(page).locator(".ace_content")).not_to_contain_text("x = (")
    page.get_by_role("button", name="Bring my changes back").click()
    expect(page.get_by_role("button", name="Back to the beginning")).to_be_visible()
    expect(editor(page).locator(".ace_content")).to_contain_text(f"{typed} one")


def test_a_knob_changes_what_is_judged_and_stays_in_the_address(watched: BrowserContext, server: str) -> None:
    page = watched.new_page()
    page.goto(f"{server}/workbench?workbench_file=complexity&workbench_against=human_simulator")
    editor(page)
    page.get_by_role("spinbutton", name="weight").fill("0.02")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("workbench_set=weight%3D0.02"))
    page.get_by_role("button", name="Judge", exact=True).click()
    expect(page.get_by_text("Judged as it stands.")).to_be_visible(timeout=LOADED)
    page.reload()
    expect(page.get_by_role("spinbutton", name="weight")).to_have_value("0.02", timeout=LOADED)
    expect(page.get_by_text("Judged as it stands.")).to_be_visible()


def test_a_counterexample_is_begun_against_ones_own_proposal_and_kills_it(watched: BrowserContext, server: str) -> None:
    page = watched.new_page()
    page.goto(f"{server}/workbench?workbench_file=human_labels")
    editor(page)
    page.get_by_role("button", name="Begin a counterexample").click()
    expect(page).to_have_url(
        re.compile("workbench_draft=break_human_labels&workbench_against=human_labels"), timeout=55_000
    )
    expect(editor(page).locator(".ace_content")).to_contain_text("def break_human_labels(", timeout=LOADED)
    at_end(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".elk .badge", has_text="killed")).to_be_visible(timeout=LOADED)


def test_a_name_that_is_typed_and_clicked_at_once_is_the_one_that_counts(watched: BrowserContext, server: str) -> None:
    page = watched.new_page()
    page.goto(f"{server}/workbench")
    typed_and_clicked(page, "Its name", "thought", "Begin")
    expect(page).to_have_url(re.compile("workbench_draft=thought$"), timeout=LOADED)
    expect(editor(page).locator(".ace_content")).to_contain_text("def thought(", timeout=LOADED)
    page.get_by_role("button", name="Save as").click()
    typed_and_clicked(page, "Name of the file and of its function", "afterthought", "Save as my own")
    expect(page).to_have_url(re.compile("workbench_draft=afterthought$"), timeout=LOADED)
    expect(page.get_by_text("As saved in proposals/afterthought.py")).to_be_visible(timeout=LOADED)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(browser: Browser, server: str, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{server}/workbench?workbench_file=complexity&workbench_against=human_simulator")
    editor(page)
    expect(page.get_by_role("button", name="Judge", exact=True)).to_be_visible()
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
    assert wide <= 400
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 400
    page.close()
