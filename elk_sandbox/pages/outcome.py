"""A verdict as the workbench shows it, and the contest's outcome with the published families beside it."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from elk_sandbox.markup import badge, facts, ledger, number, sentence, stamp, witness
from elk_sandbox.pages.frame import html
from elk_sandbox.pages.links import to_matrix, to_vault
from elk_sandbox.pages.words import word
from elk_sandbox.trial import told

__all__ = ["contest", "details", "verdict"]

NEAR = 3  # families shown
DIFFER = 4  # worlds named in which a family's verdict differs


def verdict(cell: Mapping[str, Any], since: str, *, older: bool, vault: bool) -> None:
    """The verdict in a sentence, with the situation that shows it.

    since: what has happened since it was judged; empty if nothing. older: the text was changed since. vault: the
    counterexample is a file, so that its case can be walked about.
    """
    words = sentence(cell)
    if cell["verdict"] in ("error", "invalid"):
        line, fault = told(cell["reason"])
        who = "The proposal" if cell["verdict"] == "error" else "The counterexample"
        words = f"{who} is at fault" + (f" in line {line}" if line else "") + f": {fault}"
    pair = f"{cell['proposal']} against {cell['counterexample']}{since}"
    past = f'<p class="quiet">{escape(pair)}</p>' if since else ""
    seen = f"<h2>{word('witness', 'Witness')}</h2>{witness(cell['witness'])}" if cell["witness"] else ""
    html(f'<div class="{"older" if older else ""}">{past}<p>{badge(cell)}</p><p>{escape(words)}</p>{seen}</div>')
    if vault:
        to_vault(cell, cell["witness"])


def details(cell: Mapping[str, Any], *, older: bool, vault: bool, listed: bool) -> None:
    """The ledger and what else decides. older, vault: as above. listed: the matrix has this very cell."""
    style = ' class="older"' if older else ""
    if cell["objective"]:
        html(f"<div{style}><h2>{word('ledger', 'Ledger')}</h2>{ledger(cell)}</div>")
    left, right = st.columns(2, gap="large")
    with left:
        html(f"<div{style}><h2>What else decides</h2>{facts(cell)}</div>")
        if listed:
            to_matrix(cell["proposal"], cell["counterexample"], "Its cell in the matrix")
    found = (cell["adversary"] or {}).get("witness")
    if found:
        with right:
            html(f"<div{style}><h2>The {word('adversary')}&rsquo;s witness</h2>{witness(found)}</div>")
            if vault:
                to_vault(cell, found)


def contest(held: Mapping[str, Any]) -> None:
    """Which breakers win, and which published families are nearest."""
    if held["reason"]:
        line, words = told(held["reason"])
        html(f"<p>It could not be held: {escape(f'line {line}: ' * bool(line) + words)}</p>")
        return
    winners = [b["breaker"] for b in held["breakers"] if b["relation"]]
    if held["passes"]:
        outcome = "It passes: no named breaker wins, on the stock draw or on a fresh one."
    elif winners:
        outcome = f"It fails: {len(winners)} of {len(held['breakers'])} breakers win."
    else:
        outcome = "It fails: no breaker wins the stock draw, and some fresh draw comes out otherwise."
    left, right = st.columns(2, gap="large")
    with left:
        where = "All meet in one world of the contest's own, so that objectives are not those of the verdict above."
        html(f'<p><strong>{escape(outcome)}</strong></p><p class="quiet">{where}</p>{_breakers(held)}')
    if held["nearest"] is not None:
        with right:
            html(f"<p><strong>Nearest published families</strong></p>{_near(held['nearest'])}")


def _breakers(held: Mapping[str, Any]) -> str:
    rows = []
    for line in held["breakers"]:
        rows.append(
            f'<tr><th scope="row">{escape(line["breaker"].replace("_", " "))}'
            f"<small>{escape(line['reporter'])}</small></th><td>{number(line['objective'])}</td>"
            f'<td class="left">{stamp(line["relation"]) if line["relation"] else "beaten"}</td></tr>'
        )
    honest = held["direct_translator"]
    if honest:
        rows.append(
            f'<tr class="best"><th scope="row">best honest<small>{escape(honest)}</small></th>'
            f'<td>{number(held["objective"][honest])}</td><td class="left"></td></tr>'
        )
    head = '<tr><th scope="col">breaker</th><th scope="col">nats</th><th scope="col" class="left">outcome</th></tr>'
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _near(nearest: Sequence[Mapping[str, Any]]) -> str:
    if not nearest:
        return "<p>None can be compared: its row was not judged.</p>"
    rows = []
    for near in nearest[:NEAR]:
        differs = ", ".join(n.replace("_", " ") for n in near["differs"][:DIFFER]) or "nowhere"
        more = f" and {len(near['differs']) - DIFFER} more" if len(near["differs"]) > DIFFER else ""
        rows.append(
            f'<tr><th scope="row">{escape(near["strategy"].replace("_", " "))}'
            f"<small>differs: {escape(differs + more)}</small></th><td>{near['same']} of {near['of']}</td></tr>"
        )
    head = '<tr><th scope="col">strategy</th><th scope="col">same verdicts</th></tr>'
    return f'<div class="wide"><table class="near"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'
