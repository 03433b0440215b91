"""The real app over a workspace of the lab, and a page from which no request leaves this machine."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, Route

REPOSITORY = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
STREAMLITS = re.compile(r"_stcore/(health|host-config)")  # which it asks for below every page, and finds above


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


class Server:
    """The app on a port of its own; it can be ended and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(REPOSITORY / "app.py")]
        environment = os.environ | {"ELK_SANDBOX_HOME": str(self.home), "USER": "ann"}
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--server.port", str(self.port)], cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT,
                env=environment,
            )  # fmt: skip
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, (self.home / "server.log").read_text()
                time.sleep(0.2)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    server = Server(home)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Card:
    """The card on which texts are judged, in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.text: Locator = page.locator(".card .text")
        self.saved: Locator = page.locator(".card .saved")
        self.at: Locator = page.locator(".card .at")

    def ready(self) -> None:
        self.page.locator(".card .text:not([data-number=''])").wait_for(timeout=30_000)

    def number(self) -> str:
        return str(self.text.get_attribute("data-number"))
