"""Texts whose tokens are coloured by a number, on a scale centred on 0; the number on hover and by the arrow keys."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st

from elk_sandbox.pages.script import MAKE
from elk_sandbox.palette import variables
from rlhf_lab.looks import MINUS, PLUS

__all__ = ["Cell", "Column", "Row", "Scale", "colour_limit", "token_table"]

STRENGTH = 52  # % of the colour at the end of the scale: the ink on it keeps a contrast of 5 to 1, light and dark

_CSS = f"""
.root {{ {variables()} --plus: {PLUS.css}; --minus: {MINUS.css}; position: relative; color: var(--elk-ink);
  font: 0.9375rem/1.45 system-ui, sans-serif; container-type: inline-size; }}
.legend {{ display: flex; flex-wrap: wrap; gap: 0.35rem 0.9rem; align-items: center; margin: 0 0 0.75rem;
  font-size: 0.8125rem; color: var(--elk-quiet); }}
.bar {{ display: inline-flex; align-items: center; gap: 0.4rem; font-variant-numeric: tabular-nums; }}
.bar i {{ display: inline-block; width: 1.25rem; height: 0.95rem; }}
.bar .steps {{ display: inline-flex; border: 1px solid var(--elk-line); border-radius: 0.2rem; overflow: hidden; }}
.row {{ display: grid; gap: 0.25rem 1.75rem; border-top: 1px solid var(--elk-line); padding: 0.6rem 0; }}
.head {{ border-top: 0; padding: 0 0 0.35rem; }}
.head b, .name {{ font-weight: 600; font-size: 0.875rem; }}
.head small, .name small, .note {{ display: block; font-weight: 400; font-size: 0.8125rem; color: var(--elk-quiet);
  font-variant-numeric: tabular-nums; }}
.cell {{ min-width: 0; }}
.cell .name {{ display: none; }}
.text {{ margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 1rem/1.75 ui-serif, Georgia, serif;
  border-radius: 0.2rem; }}
.text:focus-visible {{ outline: 2px solid var(--elk-accent); outline-offset: 3px; }}
.token {{ padding: 0.12em 0; border-bottom: 2px solid transparent; cursor: default; }}
.token.plus {{ border-bottom-color: var(--plus); }}
.token.minus {{ border-bottom: 2px dashed var(--minus); }}
.token.given {{ color: var(--elk-quiet); }}
.token.here, .token:hover {{ outline: 1.5px solid var(--elk-ink); border-radius: 0.1rem; }}
.numbers .text {{ line-height: 1.3; }}
.numbers .token {{ display: inline-flex; flex-direction: column; align-items: center; white-space: pre;
  vertical-align: top; margin: 0 0 0.3rem; }}
.numbers .token small {{ font: 0.6875rem/1.2 system-ui, sans-serif; color: var(--elk-ink); padding: 0 0.15rem;
  font-variant-numeric: tabular-nums; }}
.tip {{ position: absolute; z-index: 5; max-width: 19rem; padding: 0.35rem 0.6rem; border-radius: 0.3rem;
  background: var(--elk-ink); color: var(--elk-paper); font: 0.8125rem/1.4 system-ui, sans-serif; pointer-events: none;
  white-space: pre-line; font-variant-numeric: tabular-nums; }}
.tip:empty {{ display: none; }}
@container (max-width: 40rem) {{
  .row {{ grid-template-columns: 1fr !important; }}
  .head {{ display: none; }} .cell .name {{ display: block; }}
}}
"""

_JS = (
    MAKE
    + """
export default function ({ data, parentElement }) {
  const signed = (value) => {
    const size = Math.abs(value).toFixed(2);
    return (Number(size) === 0 ? "" : value < 0 ? "\\u2212" : "+") + size;
  };
  const fill = (value) => {
    const share = Math.min(Math.abs(value) / data.scale.limit, 1) * data.strength;
    const colour = value < 0 ? "--minus" : "--plus";
    return `color-mix(in srgb, var(${colour}) ${share.toFixed(1)}%, transparent)`;
  };
  const breaks = { "\\n": "\u21b5", "\\n\\n": "\u00b6" };
  const shownAs = (piece, more) => {
    if (!(piece in breaks) || (piece === "\\n" && !data.numbers)) return piece;
    return breaks[piece] + (more && !data.numbers ? "\\n" : "");
  };
  const named = (piece) => piece.trim() || (piece === "\\n\\n" ? "blank line: another text" : "line break");
  const root = parentElement.querySelector(".root");
  const tip = make("div", "", "tip");
  tip.setAttribute("role", "status");
  let here = null;
  const leave = () => {
    if (here) here.classList.remove("here");
    here = null;
    tip.textContent = "";
  };
  const enter = (token) => {
    leave();
    here = token;
    token.classList.add("here");
    tip.textContent = token.dataset.told;
    const at = token.getBoundingClientRect(), frame = root.getBoundingClientRect();
    tip.style.left = `${Math.max(0, Math.min(at.left - frame.left, frame.width - tip.offsetWidth))}px`;
    tip.style.top = `${at.bottom - frame.top + 6}px`;
  };
  const legend = make("div", "", "legend");
  legend.append(make("span", data.scale.words));
  const bar = make("span", "", "bar"), steps = make("span", "", "steps");
  for (let k = -4; k <= 4; k += 1) {
    const swatch = make("i");
    swatch.style.background = fill((k / 4) * data.scale.limit);
    steps.append(swatch);
  }
  bar.append(make("span", `${signed(-data.scale.limit)} ${data.scale.minus}`), steps,
    make("span", `${signed(data.scale.limit)} ${data.scale.plus}`));
  legend.append(bar);
  const body = make("div", "", data.numbers ? "numbers" : "");
  const labelled = data.rows.some((row) => row.name);
  const layout = `${labelled ? "8.5rem " : ""}repeat(${data.columns.length}, minmax(0, 1fr))`;
  const name = (tag, title, note) => {
    const made = make(tag, title, "name");
    if (note) made.append(make("small", note));
    return made;
  };
  if (data.columns.some((column) => column.title)) {
    const head = make("div", "", "row head");
    head.style.gridTemplateColumns = layout;
    if (labelled) head.append(make("span"));
    for (const column of data.columns) {
      const cell = make("div");
      cell.append(make("b", column.title));
      const more = [column.note, column.more].filter(Boolean).join(" \u00b7 ");
      if (more) cell.append(make("small", more));
      head.append(cell);
    }
    body.append(head);
  }
  for (const row of data.rows) {
    const line = make("div", "", "row");
    line.style.gridTemplateColumns = layout;
    if (labelled) line.append(name("div", row.name, row.note));
    row.cells.forEach((cell, c) => {
      const box = make("div", "", "cell"), text = make("p", "", "text");
      const column = data.columns[c];
      if (column.title) box.append(name("div", column.title, column.note));
      text.tabIndex = 0;
      text.setAttribute("role", "group");
      text.setAttribute("aria-label", `${cell.pieces.join("")}. ${cell.note}. Arrow keys go through its tokens.`);
      const shown = cell.values[data.shown] ?? [];
      cell.pieces.forEach((piece, k) => {
        const given = k < cell.given, value = given ? 0 : shown[k] ?? 0; // what was given says nothing of the writer
        const token = make("span", shownAs(piece, k < cell.pieces.length - 1), "token");
        const strong = Math.abs(value) >= 0.15 * data.scale.limit;
        if (given) token.classList.add("given");
        if (strong) token.classList.add(value < 0 ? "minus" : "plus");
        token.style.background = fill(value);
        const lines = data.series.map((series, s) => `${signed(cell.values[s][k])} ${series}`);
        token.dataset.told = [named(piece), ...lines].join("\\n");
        if (data.numbers && !given) token.append(make("small", signed(value)));
        token.onmouseenter = () => enter(token);
        text.append(token);
        if (data.numbers && piece in breaks) text.append(make("br"));
      });
      text.onmouseleave = leave;
      text.onblur = leave;
      text.onkeydown = (event) => {
        const all = [...text.querySelectorAll(".token")], at = all.indexOf(here);
        const step = { ArrowRight: at + 1, ArrowLeft: at < 0 ? all.length - 1 : at - 1, Home: 0, End: all.length - 1 };
        if (event.key === "Escape") leave();
        if (!(event.key in step)) return;
        event.preventDefault();
        const next = all[step[event.key]];
        if (next) enter(next);
      };
      box.append(text);
      if (cell.note) box.append(make("span", cell.note, "note"));
      line.append(box);
    });
    body.append(line);
  }
  root.replaceChildren(legend, body, tip);
}
"""
)

_component = st.components.v2.component("rlhf_lab_tokens", html='<div class="root"></div>', css=_CSS, js=_JS)


@dataclass(frozen=True)
class Scale:
    """What the colours mean."""

    words: str
    """The quantity and its unit."""
    plus: str
    """What a positive number says."""
    minus: str
    limit: float
    """Where the colour is strongest; what lies beyond has the same."""


@dataclass(frozen=True)
class Column:
    """A heading above texts."""

    title: str = ""
    note: str = ""
    more: str = ""
    """Goes on from the note where the columns stand side by side."""


@dataclass(frozen=True)
class Cell:
    """One text."""

    pieces: Sequence[str]
    """Its tokens, blanks included."""
    values: Sequence[Sequence[float]]
    """A number a token, of each series."""
    note: str = ""
    """A line below it."""
    given: int = 0
    """Tokens at its beginning that were given, not written."""


@dataclass(frozen=True)
class Row:
    """Texts side by side, one a column."""

    cells: Sequence[Cell]
    name: str = ""
    note: str = ""


def colour_limit(values: Iterable[float], share: float = 0.95) -> float:
    """Where a scale is to end: what this share of the sizes does not pass, rounded up to one or two digits."""
    sizes = sorted(abs(value) for value in values)
    if not sizes or not (size := sizes[min(int(share * len(sizes)), len(sizes) - 1)]):
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return next(step * power for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if size <= step * power * (1 + 1e-9))


def token_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    series: Sequence[str],
    scale: Scale,
    *,
    shown: int = 0,
    numbers: bool = False,
    key: str,
) -> None:
    """Draw the texts, their tokens coloured by the series number `shown`; all series are told on hover and by key.

    numbers: also print the number under each token. On a narrow screen the columns stand one below the other.
    """
    data = {
        "columns": [asdict(column) for column in columns],
        "rows": [asdict(row) for row in rows],
        "series": list(series), "scale": asdict(scale), "shown": shown, "numbers": numbers, "strength": STRENGTH,
    }  # fmt: skip
    _component(key=key, data=data)
