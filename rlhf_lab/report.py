"""One HTML file that tells what was found: opens offline, no script, no request, light and dark, wide and narrow."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from elk_sandbox.palette import ACCENT, INK, LINE, PAPER, QUIET, Colour
from rlhf_lab.cells import Table, number
from rlhf_lab.figures import Picture
from rlhf_lab.looks import LOOKS

__all__ = ["Report", "Sample", "Samples", "Section", "page"]


@dataclass(frozen=True)
class Sample:
    """One completion with what it was worth."""

    text: str
    proxy: float
    gold: float
    well_formed: bool | None = None
    """None where gold has no such factor."""


@dataclass(frozen=True)
class Samples:
    """Completions of one checkpoint, shown beside those of others."""

    title: str
    """Which checkpoint: the original model, the peak, the end."""
    note: str
    """Where it is: iteration, nats, mean gold."""
    samples: tuple[Sample, ...]


Block: TypeAlias = str | Table | Picture | tuple[Samples, ...]
"""A paragraph, a table, a figure, or samples side by side."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """All that the file shows; every text is shown as it is, markup included."""

    title: str
    subtitle: str
    headline: str
    """What was found, in words."""
    marks: tuple[str, ...]
    """What must not be overlooked, a few words each: the logit as reward, run past 10 nats."""
    facts: Mapping[str, str]
    """What was run."""
    sections: tuple[Section, ...]
    caveats: tuple[str, ...]


_COLOURS: Mapping[str, Colour] = {
    "ink": INK, "paper": PAPER, "quiet": QUIET, "line": LINE, "accent": ACCENT,
    "proxy": LOOKS["proxy"].colour, "gold": LOOKS["gold"].colour,
    "lost": Colour("#a33b3b", "#e08a8a"), "raised": Colour("#f5f7f9", "#1d2126"),
}  # fmt: skip

_STYLE = f"""
:root {{ color-scheme: light dark; {" ".join(f"--{name}: {c.light};" for name, c in _COLOURS.items())} }}
@media (prefers-color-scheme: dark) {{
  :root {{ {" ".join(f"--{name}: {c.dark};" for name, c in _COLOURS.items())} }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.625rem; line-height: 1.25; margin: 0; }}
h2 {{ font-size: 1.1875rem; margin: 2.75rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }}
h3 {{ font-size: 1rem; margin: 1.5rem 0 0.25rem; }}
p {{ margin: 0 0 0.75rem; max-width: 46rem; }}
.quiet, figcaption, .note {{ color: var(--quiet); font-size: 0.875rem; max-width: 46rem; }}
.headline {{ font-size: 1.1875rem; line-height: 1.45; margin: 1.25rem 0; padding-left: 0.9rem;
  border-left: 0.25rem solid var(--accent); }}
.marks {{ display: flex; flex-wrap: wrap; gap: 0.4rem; padding: 0; margin: 0 0 1.25rem; list-style: none; }}
.marks li {{ border: 1px solid var(--line); color: var(--accent); border-radius: 0.3rem; padding: 0.05rem 0.5rem;
  font-size: 0.875rem; }}
dl {{ display: grid; grid-template-columns: fit-content(14rem) 1fr; gap: 0.25rem 1.25rem; margin: 0; }}
dt {{ color: var(--quiet); }} dd {{ margin: 0; min-width: 0; }}
.wide {{ overflow-x: auto; margin: 0.5rem 0; }}
.wide:focus-visible {{ outline: 2px solid var(--accent); }}
table {{ border-collapse: collapse; overflow-wrap: normal; font-size: 0.875rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.3rem 1rem 0.3rem 0; text-align: right; white-space: nowrap; font-weight: 400;
  border-bottom: 1px solid var(--line); }}
thead th {{ color: var(--quiet); font-size: 0.8125rem; vertical-align: bottom; white-space: normal;
  min-width: 4.5rem; }}
tr > :first-child {{ text-align: left; position: sticky; left: 0; background: var(--paper); }}
figure {{ margin: 1rem 0 2rem; }}
figure img {{ display: block; width: 100%; min-width: 34rem; max-width: 50rem; height: auto; border-radius: 0.4rem;
  background: {PAPER.light}; border: 1px solid var(--line); }}
@media (prefers-color-scheme: dark) {{
  figure img {{ filter: invert(0.9) hue-rotate(180deg); border-color: {PAPER.light}; }}
}}
.beside {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(14.5rem, 1fr)); gap: 1.25rem; }}
.beside > div {{ min-width: 0; }} .beside h3 {{ margin-top: 0.5rem; }}
.sample {{ margin: 0.75rem 0; padding: 0.6rem 0.8rem; background: var(--raised); border: 1px solid var(--line);
  border-radius: 0.4rem; }}
.sample pre {{ margin: 0; white-space: pre-wrap; font: 0.9375rem/1.45 ui-serif, Georgia, serif; }}
.sample p {{ margin: 0.4rem 0 0; font-size: 0.8125rem; color: var(--quiet); font-variant-numeric: tabular-nums; }}
.lost {{ color: var(--lost); }}
.proxy::before {{ content: "\\25A0\\00A0"; color: var(--proxy); }}
.gold::before {{ content: "\\25CF\\00A0"; color: var(--gold); }}
@media (max-width: 34rem) {{
  dl {{ display: block; }} dd {{ margin-bottom: 0.6rem; }}
  tbody tr > :first-child {{ white-space: normal; max-width: 8rem; }}
  figcaption::before {{ content: "Swipe the figure sideways to see all of it. "; }}
}}
@media print {{ body {{ max-width: none; }} .wide {{ overflow: visible; }} }}
"""


def page(report: Report) -> str:
    """The whole file."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    marks = "".join(f"<li>{escape(mark)}</li>" for mark in report.marks)
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(told)}</dd>" for name, told in report.facts.items())
    caveats = "".join(f"<li>{escape(caveat)}</li>" for caveat in report.caveats)
    body = [
        f'<h1>{escape(report.title)}</h1>\n<p class="quiet">{escape(report.subtitle)}</p>',
        f'<p class="headline">{escape(report.headline)}</p>',
        f'<ul class="marks">{marks}</ul>' if marks else "",
        *(f"<section><h2>{escape(s.title)}</h2>{''.join(map(_block, s.blocks))}</section>" for s in report.sections),
        f"<section><h2>Caveats</h2><ul>{caveats}</ul></section>" if caveats else "",
        f"<section><h2>What was run</h2><dl>{facts}</dl></section>" if facts else "",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{escape(report.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, body))
        + "\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case str():
            return f"<p>{escape(block)}</p>"
        case Table():
            return _table(block)
        case Picture():
            return _picture(block)
        case _:
            return f'<div class="beside">{"".join(map(_samples, block))}</div>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<h3>{escape(table.title)}</h3>{_wide(table.title, whole)}{note}"


def _picture(picture: Picture) -> str:
    data = b64encode(picture.png).decode("ascii")
    image = f'<img src="data:image/png;base64,{data}" alt="{escape(picture.alt)}">'
    caption = f"<strong>{escape(picture.title)}.</strong> {escape(picture.caption)}"
    return f"<figure>{_wide(picture.title, image)}<figcaption>{caption}</figcaption></figure>"


def _wide(name: str, inner: str) -> str:
    """What may be wider than the screen scrolls by itself, by keyboard too."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{escape(name)}">{inner}</div>'


def _samples(shown: Samples) -> str:
    samples = "".join(map(_sample, shown.samples))
    return f'<div><h3>{escape(shown.title)}</h3><p class="note">{escape(shown.note)}</p>{samples}</div>'


def _sample(sample: Sample) -> str:
    form = ' · <span class="lost">not well formed</span>' if sample.well_formed is False else ""
    proxy, gold = number(sample.proxy, 2), number(sample.gold, 2)
    worth = f'<span class="proxy">proxy {proxy}</span> · <span class="gold">gold {gold}</span>{form}'
    return f'<div class="sample"><pre>{escape(sample.text)}</pre><p>{worth}</p></div>'
