"""The matrix as a table of buttons: keyboard and touch reach every cell, and the browser lays it out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from elk_sandbox.markup import colours
from elk_sandbox.pages.script import MAKE
from elk_sandbox.palette import STATES, state, variables

__all__ = ["chips", "grid"]

Cell = Mapping[str, Any]

_CSS = f"""
.grid {{ {variables()} overflow-x: auto; padding: 3px; color: var(--elk-ink);
  font: 0.875rem/1.2 system-ui, sans-serif; }}
table {{ border-collapse: separate; border-spacing: 3px; }}
th {{ font-weight: 400; color: var(--elk-ink); }}
thead th {{ writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; padding: 0.4rem 0;
  white-space: nowrap; vertical-align: middle; line-height: 2.4rem; }}
thead td, tbody th {{ position: sticky; left: 0; background: var(--elk-paper); z-index: 1; }}
tbody th {{ text-align: right; padding-right: 0.6rem; white-space: nowrap; }}
th.on {{ color: var(--elk-accent); font-weight: 600; }}
td {{ padding: 0; }}
button {{ position: relative; display: block; width: 2.4rem; height: 2.1rem; padding: 0; border: 0; overflow: hidden;
  border-radius: 0.2rem; font: 600 1.05rem/2.1rem system-ui, sans-serif; cursor: pointer; color: inherit; }}
button:hover {{ filter: brightness(1.08); }}
button:focus-visible, button[aria-pressed="true"] {{ outline: 2px solid var(--elk-accent); outline-offset: 1px; }}
button.wait {{ background: transparent; box-shadow: inset 0 0 0 1px var(--elk-line); }}
button.faint {{ opacity: 0.25; }}
button.busy {{ animation: wait 1.6s ease-in-out infinite; }}
@keyframes wait {{ 50% {{ background: var(--elk-line); }} }}
@media (prefers-reduced-motion: reduce) {{ button.faint {{ opacity: 0.25; }}
button.busy {{ animation: none; }} }}
i {{ position: absolute; top: 1px; right: 3px; font: 600 0.625rem/1 system-ui, sans-serif; }}
i.no {{ top: 0; right: 0; padding: 1px 2px 2px; background: var(--elk-paper); color: var(--elk-ink);
  border-radius: 0 0 0 3px; }}
button.no {{ box-shadow: inset 0 0 0 2px var(--elk-ink); }}
.cut {{ position: absolute; inset: 0; clip-path: polygon(100% 0, 100% 100%, 0 100%); }}
.half {{ position: absolute; font-size: 0.8125rem; line-height: 1; }}
.half.a {{ left: 0.35rem; top: 0.35rem; }} .half.b {{ right: 0.4rem; bottom: 0.3rem; }}
i.split {{ right: auto; left: 1.25rem; }}
@media (max-width: 640px) {{ .grid {{ font-size: 0.8125rem; }} tbody th {{ padding-right: 0.35rem; }} }}
"""

_JS = (
    MAKE
    + """
export default function ({ data, parentElement, setTriggerValue }) {
  const colour = (node, state) => {
    node.style.background = `var(--elk-${state}-fill)`;
    node.style.color = `var(--elk-${state}-ink)`;
  };
  const root = parentElement.querySelector(".grid");
  const mark = (row, column) => {
    const r = data.rows.findIndex((line) => line.name === row), c = data.columns.indexOf(column);
    root.querySelectorAll("th").forEach((th) => th.classList.toggle("on", [`${r},`, `,${c}`].includes(th.dataset.of)));
    root.querySelectorAll("button").forEach((each) => {
      const at = each.dataset.at, on = at === `${r},${c}`;
      each.setAttribute("aria-pressed", on);
      each.tabIndex = (row ? on : at === "0,0") ? 0 : -1;
    });
  };
  const drawn = JSON.stringify([data.columns, data.rows, data.busy]);
  if (root.drawn === drawn) {
    mark(...data.picked);
    return;
  }
  root.drawn = drawn;
  const active = parentElement.activeElement ?? root.getRootNode().activeElement;
  const focused = active && active.dataset ? active.dataset.at : null;
  const scrolled = root.scrollLeft;
  const table = make("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  table.setAttribute("aria-label", "Verdicts: proposals in rows, counterexamples in columns");
  head.append(make("td"));
  data.columns.forEach((name, c) => {
    const th = make("th", name.replaceAll("_", " "));
    th.scope = "col";
    th.dataset.of = `,${c}`;
    head.append(th);
  });
  data.rows.forEach((line, r) => {
    const tr = body.insertRow();
    const th = make("th", line.name.replaceAll("_", " "));
    th.scope = "row";
    th.dataset.of = `${r},`;
    tr.append(th);
    line.cells.forEach((cell, c) => {
      const button = make("button");
      button.dataset.at = `${r},${c}`;
      button.type = "button";
      button.title = cell.title;
      button.setAttribute("aria-label", cell.title);
      if (cell.state) {
        colour(button, cell.state);
        if (cell.other) {
          const cut = make("span", "", "cut"), b = make("span", cell.other.sign, "half b");
          colour(cut, cell.other.state);
          b.style.color = `var(--elk-${cell.other.state}-ink)`;
          button.append(cut, make("span", cell.sign, "half a"), b);
        } else button.append(make("span", cell.sign));
        if (cell.mark) button.append(make("i", (cell.agrees ? "" : "\\u2260") + cell.mark,
          cell.agrees ? (cell.other ? "split" : "") : "no"));
        if (cell.mark && !cell.agrees) button.classList.add("no");
      } else button.className = data.busy ? "wait busy" : "wait";
      if (cell.faint) button.classList.add("faint");
      button.onclick = () => {
        mark(line.name, data.columns[c]);
        setTriggerValue("picked", [line.name, data.columns[c]]);
      };
      button.onkeydown = (event) => {
        const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        const next = step && root.querySelector(`[data-at="${r + step[0]},${c + step[1]}"]`);
        if (!step) return;
        event.preventDefault();
        if (!next) return;
        root.querySelectorAll("button").forEach((each) => { each.tabIndex = -1; });
        next.tabIndex = 0;
        next.focus();
      };
      tr.insertCell().append(button);
    });
  });
  root.replaceChildren(table);
  mark(...data.picked);
  root.scrollLeft = scrolled;
  if (focused) root.querySelector(`[data-at="${focused}"]`)?.focus({ preventScroll: true });
}
"""
)

_component = st.components.v2.component("elk_sandbox_grid", html='<div class="grid"></div>', css=_CSS, js=_JS)


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
    picked: tuple[str, str] | None,
    on_pick: Callable[[str, str], None],
    *,
    busy: bool,
    blind: bool = False,
    sought: Collection[str] = (),
) -> None:
    """Draw the matrix. on_pick: called with the proposal and the counterexample of a click, before the page runs.

    cells: those that are there, by (proposal, counterexample). busy: the others are on their way; blind: they are
    hidden. sought: the states that are looked for, the others stand back.
    """
    waiting = "hidden until you judge it" if blind else "being judged" if busy else "not judged yet"
    lines = [{"name": r, "cells": [_drawn(r, c, cells.get((r, c)), waiting, sought) for c in columns]} for r in rows]
    data = {"columns": list(columns), "rows": lines, "picked": picked or ["", ""], "busy": busy}

    def clicked() -> None:
        if found := st.session_state["grid"].picked:
            on_pick(str(found[0]), str(found[1]))

    _component(key="grid", data=data, on_picked_change=clicked)


def _drawn(row: str, column: str, cell: Cell | None, waiting: str, sought: Collection[str]) -> dict[str, Any]:
    title = f"{row} against {column}: "
    if cell is None:
        return {"state": None, "title": title + waiting, "faint": bool(sought)}
    key = state(cell)
    title += STATES[key].label
    other = None
    if cell["contested"]:
        without = state(cell["contested"])
        other = {"state": without.replace(" ", "-"), "sign": STATES[without].sign}
        title += f"; without the contested assumption: {STATES[without].label}"
    if cell["literature"]:
        title += f"; literature {cell['literature']}, {'agrees' if cell['agrees'] else 'disagrees'}"
    return {
        "state": key.replace(" ", "-"), "sign": STATES[key].sign, "other": other, "mark": cell["literature"],
        "agrees": bool(cell["agrees"]), "title": title, "faint": bool(sought) and key not in sought,
    }  # fmt: skip


def chips(*, blind: bool = False) -> str:
    """The legend, as HTML; without the literature's marks where it is silent."""
    shown = "".join(
        f'<span title="{s.meaning}"><b style="{colours(k)}">{s.sign}</b>{s.label}</span>' for k, s in STATES.items()
    )
    marks = (
        "In the corner, the literature: <b>K</b> killed, <b>k</b> killed by derivation, <b>D</b> made to defeat it, "
        "<b>o</b> killed only under a contested assumption; framed with ≠, we disagree. "
        "A cell cut in two is contested: above with the assumption, below without."
    )
    told = "" if blind else f'<p class="quiet">{marks}</p>'
    return f'<div class="elk legend"><p>{shown}</p>{told}</div>'
