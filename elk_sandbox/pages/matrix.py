"""The matrix: every proposal against every counterexample, and the whole of the cell that is picked.

Nothing is computed here. Missing cells are judged by the command line in a process of its own, which leaves each as a
content-addressed file in the workspace; the page looks for those files.
"""

import json
import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.keys import cell_key, source
from elk_sandbox.markup import badge, facts, ledger, paragraphs, sentence, witness
from elk_sandbox.matrix import totals
from elk_sandbox.pages.frame import TICK, begin, place
from elk_sandbox.pages.grid import chips, grid
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError
from elk_sandbox.runtime.tasks import load
from elk_sandbox.share import page

PROVENANCE = {
    "V": "checked against the primary source",
    "V2": "checked against a secondary source",
    "M": "recalled: right in substance",
    "M-": "after ARC, recalled vaguely",
    "D": "derived for this project",
}
LOOK = """
.legend p { max-width: none; }
.legend span { display: inline-block; margin-right: 1.1rem; white-space: nowrap; font-size: 0.875rem; }
.legend span b { display: inline-block; width: 1.4rem; margin-right: 0.4rem; border-radius: 0.2rem;
  text-align: center; }
.legend .quiet { font-size: 0.8125rem; }
"""

Key = tuple[str, str]


def main() -> None:
    begin("Which proposals select an honest reporter?")
    st.html(f"<style>{LOOK}</style>")
    home = place()
    try:
        registry = Registry.default()
    except RegistryError as reason:
        st.error(str(reason))
        return
    if registry.broken:
        listed = "".join(f"<li>{escape(str(b))}</li>" for b in registry.broken)
        many = "file or declaration" if len(registry.broken) == 1 else "files or declarations"
        with st.container(border=True):
            st.html(f'<div class="elk"><h2>{len(registry.broken)} {many} cannot be used</h2><ul>{listed}</ul></div>')
    if not registry.proposals or not registry.counterexamples:
        lacking = "counterexample" if registry.proposals else "proposal"
        st.html(f'<div class="elk"><p>There is no {lacking} yet.</p></div>')
        st.code(f"elk-sandbox new {lacking} my_{lacking}", language="bash")
        return
    job = Detached(home, "matrix")
    st.fragment(_live, run_every=TICK if job.running else None)(registry, home, job)
    st.divider()
    lists = (("Proposals", registry.proposals), ("Counterexamples", registry.counterexamples))
    for column, (title, entries) in zip(st.columns(2, gap="large"), lists, strict=True):
        with column:
            st.subheader(title, anchor=False)
            for entry in entries.values():
                with st.expander(entry.name.replace("_", " ")):
                    _argument(entry)


def _live(registry: Registry, home: Path, job: Detached) -> None:
    """The matrix and the cell that is picked; runs each second while cells are on their way."""
    running = job.running  # before the cells are looked for: what it leaves when it ends is seen
    watched = st.session_state.get("running", False)
    st.session_state["running"] = running
    if running != watched:
        st.rerun()  # so that the page begins, or ceases, to look each second
    keys = _keys(registry)
    cells = {at: cell for at, key in keys.items() if (cell := _kept(home, key))}
    missing = {at: key for at, key in keys.items() if at not in cells}
    tried = not running and bool(missing) and set(missing.values()) <= job.asked
    if tried:
        cells |= {at: cell for at, cell in _unkept(job).items() if at in missing}
        missing = {at: key for at, key in missing.items() if at not in cells}
    _state(len(keys), cells, len(missing), running=running, tried=tried, job=job)
    if running or missing or tried:
        command = ["-m", "elk_sandbox", "matrix", "--workspace", str(home), "--json"]
        fresh = "Judge 1 cell" if len(missing) == 1 else f"Judge {len(missing)} cells"
        label = "Judge the missing cells again" if tried else fresh
        if not running and st.button(label, type="primary"):
            job.start([sys.executable, *command], keys.values())
            st.rerun()
    picked = _picked(keys)
    clicked = grid(list(registry.proposals), list(registry.counterexamples), cells, picked, busy=running)
    if clicked and clicked != picked:
        st.query_params.update(proposal=clicked[0], counterexample=clicked[1])
        picked = clicked
        st.rerun(scope="fragment")
    st.html(chips())
    _summary(picked, cells.get(picked) if picked else None)
    if picked and picked in cells:
        _details(cells[picked], registry.proposals[picked[0]], registry.counterexamples[picked[1]])


def _keys(registry: Registry) -> dict[Key, str]:
    """The content address of every cell: stock draw, knobs as declared."""
    columns = {name: source(entry, entry.settings()) for name, entry in registry.counterexamples.items()}
    rows = {name: source(entry, entry.settings()) for name, entry in registry.proposals.items()}
    return {(p, c): cell_key(row, column, 0) for p, row in rows.items() for c, column in columns.items()}


def _kept(home: Path, key: str) -> dict[str, Any] | None:
    """A cell from the workspace; what was found once is kept, as its address is its content."""
    found: dict[str, dict[str, Any]] = st.session_state.setdefault("kept", {})
    if key not in found and (result := load(home / "cells", key)) and result.value:
        found[key] = dict(result.value)
    return found.get(key)


def _unkept(job: Detached) -> dict[Key, dict[str, Any]]:
    """Rows whose process died are told in the command's answer and are not kept."""
    try:
        answer = json.loads(job.log.read_bytes())
        return {(c["proposal"], c["counterexample"]): c for c in answer["cells"] if c["verdict"] == "error"}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _state(every: int, cells: Mapping[Key, Any], missing: int, *, running: bool, tried: bool, job: Detached) -> None:
    """One line that says where the matrix stands."""
    if running:
        st.progress(len(cells) / every, text=f"Judging: {len(cells)} of {every} cells are there")
    elif missing and tried:
        last = job.last_line() or "its log is empty"
        st.error(f"Judging stopped with {missing} of {every} cells missing. Last line of {job.log.name}: {last}")
    elif not cells:
        told = "No cell is judged yet. Each proposal is tried in the world of each counterexample, in a process of its "
        st.html(f'<div class="elk"><p>{told}own; what is judged once is kept in the workspace.</p></div>')
    else:
        counted = totals(list(cells.values()))
        good = sum(bool(c["good"]) for c in cells.values())
        told = (
            f"{len(cells)} of {every} cells judged, {good} good. The literature decides {counted['decided']} of them, "
        )
        st.html(f'<div class="elk"><p>{told}and agrees with {counted["agreeing"]}.</p></div>')


def _picked(keys: Mapping[Key, str]) -> Key | None:
    """The cell in the address bar."""
    found = st.query_params.get("proposal", ""), st.query_params.get("counterexample", "")
    return found if found in keys else None


def _summary(picked: Key | None, cell: Mapping[str, Any] | None) -> None:
    if picked is None:
        told = "Pick a cell: its verdict, the situation that shows it, and the ledger appear below."
        st.html(f'<div class="elk"><p class="quiet">{told}</p></div>')
        return
    title = f"<h2>{escape(picked[0])} <span>against</span> {escape(picked[1])}</h2>"
    if cell is None:
        st.html(f'<div class="elk">{title}<p class="quiet">Not judged yet.</p></div>')
        return
    shown = f"<h2>Witness</h2>{witness(cell['witness'])}" if cell["witness"] else ""
    st.html(f'<div class="elk">{title}<p>{badge(cell)}</p><p>{escape(sentence(cell))}</p>{shown}</div>')


def _details(cell: Mapping[str, Any], proposal: Entry, counterexample: Entry) -> None:
    if cell["objective"]:
        st.html(f'<div class="elk"><h2>Ledger</h2>{ledger(cell)}</div>')
    found = (cell["adversary"] or {}).get("witness")
    more = f"<h2>The adversary's witness</h2>{witness(found)}" if found else ""
    st.html(f'<div class="elk"><h2>What else decides</h2>{facts(cell)}</div>')
    if more:
        st.html(f'<div class="elk">{more}</div>')
    tabs = st.tabs([f"Proposal: {proposal.name}", f"Counterexample: {counterexample.name}"])
    for tab, entry in zip(tabs, (proposal, counterexample), strict=True):
        with tab:
            _argument(entry)
            st.code(entry.text, language="python")
    st.download_button(
        "Save this cell as one page",
        page(cell, proposal, counterexample, 0),
        file_name=f"{proposal.name}-{counterexample.name}.html",
        mime="text/html",
        on_click="ignore",
    )


def _argument(entry: Entry) -> None:
    """A file's written argument, where it comes from and what can be set."""
    tag = str(entry.meta.get("provenance", ""))
    rows = [("source", f"{escape(str(entry.meta.get('source', '')))} ({escape(PROVENANCE.get(tag, tag))})")]
    if entry.meta.get("control"):
        rows.append(("control", escape(str(entry.meta["control"]))))
    knobs = [f"{k.name}: {k.annotation} = {k.default!r}" for k in entry.knobs]
    rows.append(("knobs", "<br>".join(f"<code>{escape(k)}</code>" for k in knobs) or "none"))
    rows.append(("file", f"<code>{escape(entry.path.name)}:{entry.line}</code>"))
    listed = "".join(f"<dt>{name}</dt><dd>{told}</dd>" for name, told in rows)
    st.html(f'<div class="elk">{paragraphs(entry.doc)}<dl>{listed}</dl></div>')


main()
