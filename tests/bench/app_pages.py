"""How long pages take to open and to react, in a real browser on a large workspace (see app_workspace).

`python -m tests.bench.app_pages [WORKSPACE [PAGE ...]]`: without one, the large workspace is made first, which takes a
while. Its matrix is judged, one border solved and one draft begun, where that was not done before.
Opened: from asking for the address, in a browser that has the app's scripts already, to the page at rest. Reacts: from
an action to the last change that it makes on the page. Medians and the slowest.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.sync_api import Page

from elk_sandbox import drafts
from elk_sandbox.runtime.registry import Registry
from tests.bench.app_workspace import build
from tests.browser.screenshots import app
from tests.chromium import chromium

TIMES = 7
OPENS, REACTS = 1.0, 0.3  # seconds, of the medians
REST = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
# What Streamlit notes on the boxes around its elements, that they wait to be drawn anew or were, is left out: a box is
# dimmed only after half a second of that. Text, pictures, controls and what is noted on them counts.
WATCH = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  window.began = window.last = 0;
  for (const kind of ["pointerdown", "keydown"]) {
    window.addEventListener(kind, (event) => { window.began ||= event.timeStamp; }, { capture: true, once: true });
  }
  const box = (change) => change.type === "attributes" && change.target.dataset?.testid === "stElementContainer";
  const pen = CanvasRenderingContext2D.prototype;  // charts with many marks are drawn without elements
  window.restore ||= pen.restore;
  pen.restore = function () { window.last = performance.now(); return window.restore.call(this); };
  window.watch?.disconnect();
  window.watch = new MutationObserver((changes) => {
    if (!changes.every(box)) window.last = performance.now();
  });
  const whole = { childList: true, subtree: true, characterData: true, attributes: true };
  window.watch.observe(main, whole);
  for (const host of main.querySelectorAll('*')) if (host.shadowRoot) window.watch.observe(host.shadowRoot, whole);
}"""

Act = Callable[[Page, int], None]


def click(role: str, *names: str) -> Act:
    """Click these in turn."""
    return lambda page, k: page.get_by_role(role, name=names[k % len(names)], exact=True).first.click()  # type: ignore[arg-type]


def press(key: str) -> Act:
    return lambda page, k: page.keyboard.press(key)


def slide(page: Page, k: int) -> None:
    slider = page.get_by_role("slider").first
    slider.press("ArrowRight" if k % 2 else "ArrowLeft")


def cell(page: Page, k: int) -> None:
    page.locator("table button").nth(20 * (k % 9) + 3).click()


def flick(page: Page, k: int) -> None:
    page.locator('[data-testid="stCheckbox"] label').first.click()


def run(page: Page, k: int) -> None:
    page.locator(".row").nth(k % 20 + 1).click()


def more(page: Page, k: int) -> None:
    page.get_by_test_id("stNumberInputStepDown" if k % 2 else "stNumberInputStepUp").first.click()


# Each page: the address, and one action of those that its visitors repeat.
PAGES: dict[str, tuple[str, str, Act | None]] = {
    "Home": ("", "", None),
    "Vault": ("vault", "toggle what happens", flick),
    "Workbench": ("workbench?workbench_draft=specificity", "change a knob", more),
    "Matrix": ("matrix", "pick a cell", cell),
    "When does it flip?": (
        "flip?flip_proposal=specificity&flip_world=fingerprint",
        "move a slider",
        slide,
    ),
    "Runs": ("runs", "pick a run", run),
    "Label": ("label?label_pool=large&label_rater=someone", "press a key", press("1")),
    "Reward model": ("reward", "highest, lowest", click("radio", "Lowest", "Highest")),
    "Checkpoints": ("checkpoints?cp_run=long", "move the slider", slide),
    "Over-optimisation": ("overoptimization?oo_run=long", "another axis", click("radio", "KL", "sqrt(KL)")),
    "Blind rating": ("blind?blind_sheet=demo-sheet&blind_rater=someone", "press a key", press("3")),
}


def at_rest(page: Page) -> None:
    page.wait_for_selector('[data-testid="stMainBlockContainer"] h1', timeout=60_000)
    page.wait_for_selector(REST, timeout=60_000)


def opening(page: Page, address: str) -> float:
    began = time.perf_counter()
    page.goto(address)
    at_rest(page)
    return time.perf_counter() - began


def reaction(page: Page, act: Act, k: int) -> float:
    """Seconds from the key or button going down to the page's last change within the following second and a half."""
    page.evaluate(WATCH)
    act(page, k)
    page.wait_for_timeout(1500)
    return float(page.evaluate("Math.max(0, window.last - window.began) / 1000"))


def told(values: list[float], bound: float | None = None) -> str:
    if not values:
        return f"{'-':>14}"
    median = statistics.median(values)
    mark = "" if bound is None else " " if median <= bound else "*"
    return f"{median:7.2f}{mark}{max(values):6.2f}"


def prepare(home: Path) -> None:
    """What visitors of the matrix, of the border and of the workbench look at."""
    for command in (("matrix",), ("judge", "specificity", "human_simulator"), ("flip", "specificity", "fingerprint")):
        subprocess.run(
            [sys.executable, "-m", "elk_sandbox", *command, "--workspace", str(home)], check=True, capture_output=True
        )
    drafts.opened(home, Registry.default().proposals["specificity"])


def main(home: Path, names: Sequence[str]) -> None:
    prepare(home)
    pages = {name: PAGES[name] for name in names or PAGES}
    print(
        f"{'page':20}{'opened':>14}{'reacts':>15}   seconds: median, slowest of {TIMES}; * above {OPENS} and {REACTS}"
    )
    with app(home) as address, chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        for path, _, _ in pages.values():  # the server and the browser have seen each page once
            opening(page, f"{address}/{path}")
        for name, (path, what, act) in pages.items():
            opened = [opening(page, f"{address}/{path}") for _ in range(TIMES)]
            page.wait_for_timeout(1500)
            reacted = [] if act is None else [reaction(page, act, k) for k in range(TIMES)]
            print(f"{name:20}{told(opened, OPENS)} {told(reacted, REACTS)}   {what}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).absolute(), sys.argv[2:])
    else:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder) / "workspace")
            main(Path(folder) / "workspace", ())
