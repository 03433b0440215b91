"""A page in a real browser from which no request leaves this machine."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, expect

STREAMLITS = re.compile(r"/_stcore/(health|host-config)(\?|$)")  # it asks for these below a page's address, in vain


def typed_and_clicked(page: Page, field: str, text: str, button: str) -> None:
    """Write over a field by keyboard and click a button in the same instant, before the page has heard of the text."""
    place = page.get_by_role("button", name=button, exact=True)
    expect(place).to_be_enabled(timeout=30_000)
    page.wait_for_load_state("networkidle")
    place.hover()  # which waits until it stands still
    page.get_by_role("textbox", name=field, exact=True).click()
    found = place.bounding_box()
    assert found is not None
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.mouse.click(found["x"] + found["width"] / 2, found["y"] + found["height"] / 2)


class Watched:
    """A browser's page, what it asked for elsewhere, and what it complained of."""

    def __init__(self, browser: Browser, **options: Any):
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.page: Page = browser.new_page(**options)
        self.page.route("**/*", self._guard)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not STREAMLITS.search(message.location.get("url", "")):
            self.errors.append(message.text)

    def _guard(self, route: Route) -> None:
        address = route.request.url
        if urlsplit(address).hostname == "127.0.0.1" or address.startswith(("data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(address)
            route.abort()

    def clean(self) -> None:
        assert self.outside == []
        assert self.errors == []
