"""The report: all that it must hold is there, what a user wrote is escaped, nothing is fetched; and in a browser."""

import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rlhf_lab.figures import Picture, factors_picture
from rlhf_lab.findings import checkpoint_table, headline
from rlhf_lab.overoptimization import turn
from rlhf_lab.report import Report, Sample, Samples, Section, page
from tests.lab.simulated import run

VOID = {"meta", "img"}
FETCHES = {"src", "href", "srcset", "action", "data", "poster", "background", "formaction", "ping"}
ATTACK = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\"'"
CHROMIUM = Path("/usr/bin/chromium")
CURVE = run()


class Parsed(HTMLParser):
    """Tags, attributes and text; raises AssertionError where a tag is not closed in turn."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(text: str = "Farewell, joy.", picture: Picture | None = None) -> Report:
    drawn = picture or factors_picture(CURVE)
    columns = tuple(
        Samples(f"{where} {text}", text, (Sample(text, 1.5, -0.25, False), Sample("So be it", 0.1, 0.5)))
        for where in ("original", "peak", "end")
    )
    sections = (Section(text, (text, drawn, checkpoint_table(CURVE), columns)),)
    return Report(text, text, headline(turn(CURVE)), (text,), {text: text}, sections, (text, "One seed."))


def test_everything_is_there() -> None:
    picture = factors_picture(CURVE)
    found = Parsed(page(report("A title", picture)))
    for words in (headline(turn(CURVE)), "A title", "original A title", "One seed.", picture.caption, "What was run"):
        assert words in found.text
    table = checkpoint_table(CURVE)
    for cell in (*table.columns, *(cell for row in table.rows for cell in row), table.note):
        assert cell in found.text
    assert found.text.count("proxy 1.5 · gold -0.25 · not well formed") == 3
    assert found.text.count("proxy 0.10 · gold 0.50") == 3
    assert found.tags.count("td") == len(table.rows) * (len(table.columns) - 1)
    assert {name for _, name, value in found.attributes if value == picture.alt} == {"alt"}


def test_figures_are_inside_bit_for_bit() -> None:
    picture = factors_picture(CURVE)
    (source,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page(report(picture=picture)))
    assert b64decode(source) == picture.png


def test_nothing_is_fetched_and_nothing_runs() -> None:
    text = page(report(ATTACK))
    found = Parsed(text)
    asked = [value for _, name, value in found.attributes if name in FETCHES]
    assert len(asked) == 1 and str(asked[0]).startswith("data:image/png;base64,")
    assert {"script", "link", "iframe", "object", "a", "form"} & set(found.tags) == set()
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    style = re.sub(r"src=\"data:[^\"]+\"", "", text)
    assert "url(" not in style and "@import" not in style and "//" not in style.replace("</", "")
    policy = [v for tag, name, v in found.attributes if (tag, name) == ("meta", "content")]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in policy


def test_every_text_of_the_user_is_escaped() -> None:
    picture = Picture("x", ATTACK, b"\x89PNG", ATTACK, ATTACK)
    text = page(report(ATTACK, picture))
    found = Parsed(text)
    assert "<script" not in text and "onerror=alert(2)>" not in text
    above = 6  # <title>, heading, subtitle, mark, a fact and its name
    assert found.text.count(ATTACK) == above + 2 + 2 + 3 * 3 + 1  # section, picture, samples, caveat
    assert sum(value == ATTACK for _, _, value in found.attributes) == 2  # alt and aria-label
    assert unescape(re.search(r"<title>(.*?)</title>", text).group(1)) == ATTACK  # type: ignore[union-attr]


def test_what_is_empty_has_no_heading() -> None:
    bare = Parsed(page(Report("t", "s", "h", (), {}, (), ())))
    assert "Caveats" not in bare.text and "What was run" not in bare.text and "ul" not in bare.tags


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as play:
        found = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs chromium")
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme, ground", [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 24, 28)")])
def test_it_opens_offline_wide_and_narrow(browser: Any, tmp_path: Path, width: int, scheme: str, ground: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(report("Farewell joy, bliss, fortune, " + "gladness" * 40)))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    shown, asked, complaints = context.new_page(), [], []
    shown.on("request", lambda request: asked.append(request.url[:5]))
    shown.on("console", lambda message: complaints.append(message.text))
    shown.goto(file.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == ground
    assert shown.evaluate("document.querySelector('img').naturalWidth") == 1280
    assert set(asked) <= {"file:", "data:"} and asked.count("file:") == 1 and complaints == []
    columns = shown.evaluate("new Set([...document.querySelectorAll('.beside > div')].map(d => d.offsetLeft)).size")
    assert columns == (3 if width == 1280 else 1)
    context.close()
