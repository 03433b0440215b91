"""The real app over a workspace of the lab, and its card."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page

REPOSITORY = Path(__file__).parents[2]


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
        for number in workers(home):  # what the app started outlives it
            os.kill(number, signal.SIGKILL)


def workers(home: Path, word: str = "--workspace") -> list[int]:
    """The processes of commands on this workspace that have this word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if {word.encode(), str(home).encode()} <= set(words):
                found.append(int(entry.name))
    return found


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
