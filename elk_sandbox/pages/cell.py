"""One cell of the matrix: verdict, witness, ledger, both files, and the ways from here."""

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from elk_sandbox.markup import badge, facts, ledger, paragraphs, sentence, witness
from elk_sandbox.pages.frame import html
from elk_sandbox.pages.links import to_vault, to_workbench
from elk_sandbox.runtime.registry import Entry
from elk_sandbox.share import page

__all__ = ["argument", "details", "summary"]

PROVENANCE = {
    "V": "checked against the primary source",
    "V2": "checked against a secondary source",
    "M": "recalled: right in substance",
    "M-": "after ARC, recalled vaguely",
    "D": "derived for this project",
}


def summary(picked: tuple[str, str] | None, cell: Mapping[str, Any] | None, *, blind: bool) -> None:
    """The picked cell's verdict in a sentence, and what leads on from it."""
    if picked is None:
        html('<p class="quiet">Pick a cell: its verdict, the situation that shows it, and the ledger appear below.</p>')
        return
    proposal, counterexample = picked
    title = f"<h2>{escape(proposal)} <span>against</span> {escape(counterexample)}</h2>"
    if cell is None:
        told = "Hidden: what do you expect? The workbench judges it." if blind else "Not judged yet."
        html(f'{title}<p class="quiet">{told}</p>')
    else:
        shown = f"<h2>Witness</h2>{witness(cell['witness'])}" if cell["witness"] else ""
        html(f"{title}<p>{badge(cell)}</p><p>{escape(sentence(cell))}</p>{shown}")
    with st.container(horizontal=True):
        if cell:
            to_vault(cell, cell["witness"])
        to_workbench(proposal, counterexample, "The proposal on the workbench", blind=blind)
        to_workbench(counterexample, proposal, "The counterexample on the workbench", blind=blind)


def details(cell: Mapping[str, Any], proposal: Entry, counterexample: Entry) -> None:
    """The ledger, what else decides, both files, and the cell as a page to keep."""
    if cell["objective"]:
        html(f"<h2>Ledger</h2>{ledger(cell)}")
    html(f"<h2>What else decides</h2>{facts(cell)}")
    if found := (cell["adversary"] or {}).get("witness"):
        html(f"<h2>The adversary's witness</h2>{witness(found)}")
        to_vault(cell, found)
    tabs = st.tabs([f"Proposal: {proposal.name}", f"Counterexample: {counterexample.name}"])
    for tab, entry in zip(tabs, (proposal, counterexample), strict=True):
        with tab:
            argument(entry)
            st.code(entry.text, language="python")
    st.download_button(
        "Save this cell as one page",
        lambda: page(cell, proposal, counterexample, 0),
        file_name=f"{proposal.name}-{counterexample.name}.html",
        mime="text/html",
        on_click="ignore",
    )


def argument(entry: Entry) -> None:
    """A file's written argument, where it comes from and what can be set."""
    tag = str(entry.meta.get("provenance", ""))
    rows = [("source", f"{escape(str(entry.meta.get('source', '')))} ({escape(PROVENANCE.get(tag, tag))})")]
    if entry.meta.get("control"):
        rows.append(("control", escape(str(entry.meta["control"]))))
    knobs = [f"{k.name}: {k.annotation} = {k.default!r}" for k in entry.knobs]
    rows.append(("knobs", "<br>".join(f"<code>{escape(k)}</code>" for k in knobs) or "none"))
    rows.append(("file", f"<code>{escape(entry.path.name)}:{entry.line}</code>"))
    listed = "".join(f"<dt>{name}</dt><dd>{told}</dd>" for name, told in rows)
    html(f"{paragraphs(entry.doc)}<dl>{listed}</dl>")
