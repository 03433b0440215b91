"""Pictures of every page, light and dark, wide and narrow: `make screenshots`, or with a folder to put them in.

`python -m tests.browser.screenshots FOLDER [WORKSPACE]`: the app is started over the workspace (default ./workspace),
and each page is taken as a visitor who comes to it sees it, at full height.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.chromium import chromium

REPOSITORY = Path(__file__).parents[2]
WIDTHS, GROUNDS = (1280, 400), ("light", "dark")
PAGES: Mapping[str, str] = {
    "home": "",
    "vault": "vault",
    "workbench": "workbench",
    "matrix": "matrix?proposal=downstream&counterexample=upstream_simulator",
    "flip": "flip",
    "networks": "networks?net_world=exact:screen",
    "runs": "runs",
    "label": "label",
    "reward": "reward",
    "checkpoints": "checkpoints",
    "overoptimization": "overoptimization",
    "blind": "blind",
}


@contextmanager
def app(home: Path) -> Iterator[str]:
    """The address of the app over a workspace."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    environment = {**os.environ, "ELK_SANDBOX_HOME": str(home)}
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def settle(page: Page, patience: float = 60.0) -> None:
    """Wait until the page's script has run and its elements have come in."""
    page.wait_for_selector('[data-testid="stMainBlockContainer"] h1', timeout=patience * 1000)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=patience * 1000)
    page.wait_for_timeout(1200)


def take(browser: Browser, address: str, name: str, width: int, ground: str, file: Path) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=ground)  # type: ignore[arg-type]
    page.goto(f"{address}/{PAGES[name]}")
    settle(page)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(max(int(height), 600), 6000)})
    page.wait_for_timeout(600)
    page.screenshot(path=str(file))
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    if wide > width:
        print(f"{name} at {width}: {wide} px wide, it scrolls sideways")
    page.close()


def main(folder: Path, home: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with app(home) as address, chromium() as browser:
        for name in PAGES:
            for width in WIDTHS:
                for ground in GROUNDS:
                    file = folder / f"{name}-{width}-{ground}.png"
                    take(browser, address, name, width, ground, file)
                    print(file)


if __name__ == "__main__":
    arguments = [Path(each).absolute() for each in sys.argv[1:]]
    main(arguments[0] if arguments else Path("screenshots"), arguments[1] if arguments[1:] else Path("workspace"))
