"""The matrix: every proposal against every counterexample, and the whole of the cell that is picked.

Nothing is computed here. Missing cells are judged by the command line in a process of its own, which leaves each as a
content-addressed file in the workspace; the page looks for those files.
"""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox import blindfold
from elk_sandbox.keys import kept
from elk_sandbox.matrix import totals
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.address import remember, widget
from elk_sandbox.pages.cell import argument, details, summary
from elk_sandbox.pages.files import addresses, registry
from elk_sandbox.pages.frame import TICK, begin, html, place, visit
from elk_sandbox.pages.grid import chips, grid
from elk_sandbox.pages.matrix_files import Picture, downloads
from elk_sandbox.pages.reveal import reveal
from elk_sandbox.pages.sieve import Sieve, sieve
from elk_sandbox.palette import state
from elk_sandbox.runtime.detached import Detached, command
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError, suggest

LOOK = """
.legend p { max-width: none; }
.legend span { display: inline-block; margin-right: 1.1rem; white-space: nowrap; font-size: 0.875rem; }
.legend span b { display: inline-block; width: 1.4rem; margin-right: 0.4rem; border-radius: 0.2rem;
  text-align: center; }
.legend .quiet { font-size: 0.8125rem; }
"""

Key = tuple[str, str]
Cells = dict[Key, Mapping[str, Any]]


def main() -> None:
    begin("Which proposals select an honest reporter?")
    st.html(f"<style>{LOOK}</style>")
    home = place()
    try:
        files, keys = registry(), addresses()
    except RegistryError as reason:
        st.error(str(reason))
        return
    if files.broken:
        listed = "".join(f"<li>{escape(str(b))}</li>" for b in files.broken)
        many = "file or declaration" if len(files.broken) == 1 else "files or declarations"
        with st.container(border=True):
            html(f"<h2>{len(files.broken)} {many} cannot be used</h2><ul>{listed}</ul>")
    if not files.proposals or not files.counterexamples:
        lacking = "counterexample" if files.proposals else "proposal"
        html(f"<p>There is no {lacking} yet.</p>")
        st.code(f"elk-sandbox new {lacking} my_{lacking}", language="bash")
        return
    watched = st.session_state.get("matrix running", False)
    st.fragment(_live, run_every=TICK if watched else None)(files, keys, home)


def _live(registry: Registry, keys: Mapping[Key, str], home: Path) -> None:
    """The matrix and the cell that is picked; runs each second while cells are on their way."""
    chosen = sieve()
    job = Detached(home, "matrix")
    running = job.running  # before the cells are looked for: what it leaves when it ends is seen
    cells: Cells = {at: cell for at, key in keys.items() if (cell := kept(home, key))}
    missing = {at: key for at, key in keys.items() if at not in cells}
    tried = not running and bool(missing) and set(missing.values()) <= job.asked
    if tried:
        cells |= {at: cell for at, cell in _unkept(job).items() if at in missing}
        missing = {at: key for at, key in missing.items() if at not in cells}
    if chosen.blind:
        cells = _asked_for(registry, home)
        html(
            f"<p>{len(cells)} of {len(keys)} cells judged by you; the others are hidden, and so is the literature.</p>"
        )
    else:
        rows, columns = _shown(registry, chosen, cells)
        passing = {(r, c) for r in rows for c in columns}
        filtered = len(passing) < len(keys) and not (running or tried)
        counted = {at: cell for at, cell in cells.items() if at in passing} if filtered else cells
        every = len(passing) if filtered else len(keys)
        _state(every, counted, len(missing), filtered=filtered, running=running, tried=tried, job=job)
        if running or missing or tried:
            _offer(home, job, keys, len(missing), running=running, tried=tried)
    picked = _picked(registry)
    rows, columns = _shown(registry, chosen, cells)
    if not rows or not columns:
        html(f'<p class="quiet">{_nothing(chosen, rows)}</p>')
    grid(rows, columns, cells, picked, _pick, busy=running, blind=chosen.blind, sought=chosen.states)
    st.html(chips(blind=chosen.blind))
    at = [(r, c) for r in rows for c in columns]
    picture = Picture(home, rows, columns, [keys[each] for each in at])
    if not chosen.blind and not running and any(each in cells for each in at):
        downloads(picture, [cells[each] for each in at if each in cells], whole=all(each in cells for each in at))
    if picked:
        reveal(_arrival(picked), "matrix_arrival")
    summary(picked, cells.get(picked) if picked else None, blind=chosen.blind)
    if picked and picked in cells:
        both = [registry.proposals[picked[0]], registry.counterexamples[picked[1]]]
        details(cells[picked], *(blindfold.entries(both) if chosen.blind else both))
    _arguments(registry, blind=chosen.blind)
    busy = running or picture.job.running
    if busy != st.session_state.get("matrix running", False):
        st.session_state["matrix running"] = busy
        st.rerun()  # so that the page begins, or ceases, to look each second


def _unkept(job: Detached) -> dict[Key, dict[str, Any]]:
    """Rows whose process died are told in the command's answer and are not kept."""
    try:
        answer = json.loads(job.log.read_bytes())
        return {(c["proposal"], c["counterexample"]): c for c in answer["cells"] if c["verdict"] == "error"}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _asked_for(registry: Registry, home: Path) -> Cells:
    """What `judge` was asked for, on the workbench or the command line."""
    rows = [(e, e.settings()) for e in registry.proposals.values()]
    columns = [(e, e.settings()) for e in registry.counterexamples.values()]
    found = blindfold.cells(rows, columns, home, 0)
    return {(c["proposal"], c["counterexample"]): c for c in found if c["verdict"] != blindfold.HIDDEN}


def _state(
    every: int, cells: Cells, missing: int, *, filtered: bool, running: bool, tried: bool, job: Detached
) -> None:
    """One line that says where the matrix stands."""
    if running:
        st.progress(len(cells) / every, text=f"Judging: {len(cells)} of {every} cells are there")
    elif missing and tried:
        last = job.last_line() or "its log is empty"
        st.error(f"Judging stopped with {missing} of {every} cells missing. Last line of {job.log.name}: {last}")
    elif filtered and not cells:
        html(f"<p>0 of {every} shown cells judged.</p>")
    elif not cells:
        told = "No cell is judged yet. Each proposal is tried in the world of each counterexample, in a process of its "
        html(f"<p>{told}own; what is judged once is kept in the workspace.</p>")
    else:
        counted = totals([dict(c) for c in cells.values()])
        good = sum(bool(c["good"]) for c in cells.values())
        what = "shown cells" if filtered else "cells"
        told = (
            f"{len(cells)} of {every} {what} judged, {good} good. From the literature, or derived from it, "
            f"{counted['decided']} of them are marked; {counted['agreeing']} come out so."
        )
        html(f"<p>{told}</p>")


def _offer(home: Path, job: Detached, keys: Mapping[Key, str], missing: int, *, running: bool, tried: bool) -> None:
    """The button that has the missing cells judged."""
    if why := refusal():
        st.warning(why)
        return
    fresh = "Judge 1 cell" if missing == 1 else f"Judge {missing} cells"
    label = "Judge the missing cells again" if tried else fresh
    if not running and st.button(label, type="primary"):
        job.start([*command("elk_sandbox", home, "matrix"), "--json"], keys.values())
        st.rerun()


def _shown(registry: Registry, chosen: Sieve, cells: Cells) -> tuple[list[str], list[str]]:
    """Rows and columns that pass; where states are looked for, those with such a cell in them."""
    rows, columns = chosen.rows(registry), chosen.columns(registry)
    if chosen.states:
        found = {(r, c) for r in rows for c in columns if (r, c) in cells and state(cells[r, c]) in chosen.states}
        rows = [r for r in rows if any(at[0] == r for at in found)]
        columns = [c for c in columns if any(at[1] == c for at in found)]
    return rows, columns


def _nothing(chosen: Sieve, rows: list[str]) -> str:
    if chosen.states:
        return "No cell has such a verdict."
    mine = "proposal" if not rows else "counterexample"
    return f"There is no {mine} of yours yet: write one on the workbench, and it stands here at once."


def _picked(registry: Registry) -> Key | None:
    """The cell in the address bar; names that are no more are told."""
    lists = {"proposal": registry.proposals, "counterexample": registry.counterexamples}
    named = {kind: st.query_params.get(kind, "") for kind in lists}
    for kind, name in named.items():
        if name and name not in lists[kind]:
            told = f"The address names the {kind} {name!r}, and no file declares it now{suggest(name, lists[kind])}."
            html(f"<p><strong>{escape(told)}</strong> It was renamed, removed, or cannot be read.</p>")
    found = named["proposal"], named["counterexample"]
    return found if all(name in lists[kind] for kind, name in named.items()) else None


def _pick(proposal: str, counterexample: str) -> None:
    st.query_params.update(proposal=proposal, counterexample=counterexample)
    st.session_state["matrix clicked"] = visit(), (proposal, counterexample)


def _arrival(picked: Key) -> str:
    """One that names the cell that the visitor came for; empty for one that they clicked here, which they have seen."""
    clicked = st.session_state.get("matrix clicked") == (visit(), picked)
    return "" if clicked else f"{visit()} {' '.join(picked)}"


def _arguments(registry: Registry, *, blind: bool) -> None:
    """One file's argument at a time."""
    st.divider()
    entries: dict[str, Entry] = {f"proposal/{n}": e for n, e in registry.proposals.items()}
    entries |= {f"counterexample/{n}": e for n, e in registry.counterexamples.items()}

    def shown(at: str) -> str:
        return f"{entries[at].name.replace('_', ' ')}, {entries[at].kind}"

    key = widget("matrix_argument", entries)
    at = st.selectbox(
        "Read a file's argument", list(entries), index=None, placeholder=f"{len(entries)} files", format_func=shown,
        key=key, on_change=remember, args=("matrix_argument",),
    )  # fmt: skip
    if at:
        argument(blindfold.entries([entries[at]])[0] if blind else entries[at])


main()
