"""A table that is too wide for the screen shows that more lies to the right, until that is seen."""

import io

import pytest

pytest.importorskip("playwright")
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page

from elk_sandbox.markup import STYLE
from rlhf_lab.pages.tables import table

COLUMNS = ["checkpoint", *(f"score {k}" for k in range(6))]
ROWS = [[f"iteration {k}", *["0.12 ± 0.03"] * 6] for k in range(3)]


def edge(page: Page) -> float:
    """How far the table's right edge, where nothing is written, is from the ground of the page, in grey levels."""
    box = page.locator(".wide").bounding_box()
    assert box is not None
    strip = {"x": box["x"] + box["width"] - 2, "y": box["y"], "width": 2, "height": box["height"]}
    shown, ground = (
        np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L"), float)  # type: ignore[arg-type]
        for clip in (strip, {"x": 0, "y": 0, "width": 2, "height": 2})
    )
    return float(abs(np.median(shown) - ground.mean()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_goes_on_has_a_shade_at_its_end(browser: Browser, scheme: str) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 600}, color_scheme=scheme)  # type: ignore[arg-type]
    ground = "body { background: var(--elk-paper); color-scheme: light dark; }"
    page.set_content(
        f'<style>{STYLE} {ground}</style><body class="elk">{table("Scores", COLUMNS, ROWS)}</body>'
    )  # fmt: skip
    assert edge(page) > 30
    page.evaluate("document.querySelector('.wide').scrollLeft = 1e6")
    assert edge(page) < 3, "all of it was seen"
    page.set_viewport_size({"width": 1280, "height": 600})
    assert edge(page) < 3, "it fits"
