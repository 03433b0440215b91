"""When does it flip? The border on which a verdict changes, as a formula and as a plot with sliders.

sympy works in a command of the command line, which leaves closed forms in the workspace; here they are only evaluated.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.keys import kept as cell_kept
from elk_sandbox.markup import colours, number, stamp
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.borders import formulas
from elk_sandbox.pages.files import addresses, registry
from elk_sandbox.pages.frame import TICK, begin, empty, html, place, vega
from elk_sandbox.pages.pair import Pair
from elk_sandbox.pages.plane import line, plane
from elk_sandbox.pages.sliders import sliders
from elk_sandbox.pages.words import word
from elk_sandbox.palette import STATES, state
from elk_sandbox.runtime.detached import Detached, command
from elk_sandbox.runtime.registry import Registry, RegistryError
from elk_sandbox.symbolic.kept import FAULT, kept, pairs_key
from elk_sandbox.symbolic.openings import OPENINGS
from elk_sandbox.symbolic.surface import VERDICTS, Surface

LOOK = """
[data-baseweb="tag"] span { color: light-dark(#ffffff, #06192a); }
.katex-display { overflow: auto hidden; margin: 0.25rem 0; padding: 0.25rem 0; }
"""
# Of a proposal and a scene why there is no closed form, None where there is one; empty while that is not known.
Forms = Mapping[str, Mapping[str, str | None]]

FIRST = ("complexity", "human_simulator")


def main() -> None:
    begin(
        "When does it flip?",
        f"A verdict depends on sizes, probabilities and weights. Here is where it changes, in closed form, for a "
        f"{word('proposal')} against a {word('counterexample')} whose costs are known as formulas.",
    )
    st.html(f"<style>{LOOK}</style>")
    home = place()
    try:
        files = registry()
    except RegistryError as reason:
        st.error(str(reason))
        return
    forms = kept(pairs_key(files), home) or {}
    pair = _chosen(files, forms)
    if pair is None:
        return
    job = Detached(home, "flip")
    whole = kept(pair.whole, home)
    if whole is None:
        _unsolved(pair, forms, job, home)
        return
    if FAULT in whole:
        told = escape(str(whole[FAULT]))
        empty(f"<strong>{escape(pair.title)}</strong> against <strong>{escape(pair.name)}</strong>: {told}.")
        return
    _shown(pair, whole, job, home)


def _chosen(registry: Registry, forms: Forms) -> Pair | None:
    """The two in the address, each with a control to choose another."""
    worlds = [n for n, o in OPENINGS.items() if o.control or n in registry.counterexamples]
    asked = st.query_params.get("flip_proposal", FIRST[0]).split("+")
    name = st.query_params.get("flip_world", FIRST[1])
    left, right = st.columns(2, gap="large")
    known = [n for n in dict.fromkeys(asked) if n in registry.proposals]
    st.session_state["flip_proposals"] = known
    st.session_state["flip_against"] = name if name in worlds else None
    with left:
        st.multiselect(
            "Proposal; of several the penalties are added", list(registry.proposals), key="flip_proposals",
            format_func=lambda n: _spoken(n, None not in forms.get(n, {"": None}).values()), max_selections=3,
            on_change=_choose,
        )  # fmt: skip
    with right:
        st.selectbox(
            "Against the counterexample, or the control world", worlds, key="flip_against",
            format_func=lambda n: _spoken(n, any(forms.get(p, {}).get(n) for p in known)), on_change=_choose,
            placeholder="Choose one",
        )  # fmt: skip
    missing = [n for n in asked if n not in registry.proposals]
    if missing or not known or name not in worlds:
        told = f"<code>{escape(' '.join(missing))}</code> is not there. " if any(missing) else ""
        empty(f"{told}Choose a proposal and a counterexample that has closed forms.")
        return None
    entry = None if OPENINGS[name].control else registry.counterexamples[name]
    switches = []
    for knob in entry.knobs if entry else ():
        if isinstance(knob.default, bool) and knob.name in OPENINGS[name].idle:
            with right:
                on = st.toggle(
                    knob.name, value=knob.default, key=f"flip_switch_{name}_{knob.name}", bind="query-params"
                )
            if on != knob.default:
                switches.append(f"{knob.name}={str(on).lower()}")
    return Pair(tuple(registry.proposals[n] for n in known), name, entry, tuple(switches))


def _spoken(name: str, unknown: bool) -> str:
    """A name in a list. unknown: there are no closed forms."""
    told = name.replace("_", " ")
    told = f"{told} (control world)" if name in OPENINGS and OPENINGS[name].control else told
    return f"{told}, no closed form" if unknown else told


def _choose() -> None:
    for name in [n for n in st.query_params if n in ("flip_at", "flip_x", "flip_y")]:
        del st.query_params[name]
    st.query_params["flip_proposal"] = "+".join(st.session_state["flip_proposals"])
    st.query_params["flip_world"] = st.session_state["flip_against"] or ""


def _unsolved(pair: Pair, forms: Forms, job: Detached, home: Path) -> None:
    if job.running:
        st.fragment(_waiting, run_every=TICK)(pair.whole, job, home)
        return
    tried = pair.whole in job.asked
    if tried:
        st.error(f"No closed forms came of it. Last line: {job.last_line() or 'none'}")
    else:
        empty(
            f"What decides between the reporters of <strong>{escape(pair.name)}</strong> under "
            f"<strong>{escape(pair.title)}</strong> will be here as a formula, with the border where the verdict "
            "changes. Solving takes a few seconds; the proposal's file runs in a child process."
        )
    if _allowed() and st.button("Solve it again" if tried else "Solve it", type="primary"):
        job.start(pair.command(home, {}), [pair.whole])
        if not forms:
            listing = command("elk_sandbox", home, "flip", "--json")
            Detached(home, "flip-pairs").start(listing, [pairs_key(registry())])
        st.rerun()


def _start(job: Detached, command: Sequence[str], key: str) -> None:
    if job.start(command, [key]):
        st.rerun()
    html("<p>Something else is being solved just now: try again in a moment.</p>")


def _allowed() -> bool:
    refused = refusal()
    if refused:
        st.warning(refused)
    return refused is None


def _waiting(key: str, job: Detached, home: Path) -> None:
    if kept(key, home) is not None or not job.running:
        st.rerun()
    html('<p><span class="chip running">solving</span> Closed forms are on their way.</p>')


def _shown(pair: Pair, whole: Mapping[str, Any], job: Detached, home: Path) -> None:
    surface = Surface(whole)
    objective, legend = escape(str(whole["objective"])), escape(str(whole["legend"]))
    html(f"<p><strong>{objective}</strong></p><p class='quiet'>{legend}</p>")
    if not surface.open:
        decided = surface.decide({})
        who = f"{escape(decided.bad)} against {escape(decided.honest)}"
        _verdict(decided.verdict, f"{who}: {number(decided.difference)} nats, whatever is set.")
        return
    names = _axes(surface, [str(n) for n in whole["usual"]])
    left, right = st.columns([7, 4], gap="large")
    with right:
        at = sliders(surface, _stock(pair, home))
        _decision(pair, surface, at, job, home)
    record = kept(pair.over(names, at), home)
    judged = [p["at"] for p in record["judge"]["points"]] if record and record["judge"]["agrees"] else []
    with left:
        if len(names) == 2:
            drawn, told = plane(surface, names[0], names[1], at, judged)
        else:
            drawn, told = line(surface, names[0], at)
        vega(drawn, told, moving=True)
        crosses = ", crosses are where the judge was asked and agrees" if judged and len(names) == 2 else ""
        html(f'<p class="quiet">{_legend()} The ring is the present setting{crosses}.</p>')
    _formulas(pair, names, at, record, surface, job, home)


def _stock(pair: Pair, home: Path) -> str | None:
    """The matrix's verdict on this pair with every knob as declared, if it is there."""
    if len(pair.proposals) > 1 or pair.entry is None or pair.switches:
        return None
    key = addresses().get((pair.title, pair.name))
    cell = cell_kept(home, key) if key else None
    return state(cell) if cell else None


def _legend() -> str:
    shown = []
    for verdict in VERDICTS:
        sign = f'<b style="{colours(verdict)}; padding: 0 0.45rem; border-radius: 0.2rem">{STATES[verdict].sign}</b>'
        shown.append(f'<span style="white-space: nowrap">{sign} {STATES[verdict].label}</span>')
    return " &ensp; ".join(shown) + "."


def _axes(surface: Surface, usual: Sequence[str]) -> list[str]:
    """Of which parameters the plane is; with one open parameter there is nothing to choose."""
    every = list(surface.open)
    if len(every) == 1:
        return every
    first = usual[0] if usual else every[0]
    second = usual[1] if len(usual) > 1 else next(n for n in every if n != first)
    columns = st.columns([2, 2, 3])
    with columns[0]:
        x = st.selectbox("Across", every, index=every.index(first), key="flip_x", bind="query-params")
    rest = [n for n in every if n != x]
    with columns[1]:
        index = rest.index(second) if second in rest else 0
        y = st.selectbox("Up", rest, index=index, key="flip_y", bind="query-params")
    return [x, y if y in rest else rest[0]]


def _verdict(verdict: str, told: str) -> None:
    html(f"<p>{stamp(verdict)}</p><p>{told}</p>")


def _decision(pair: Pair, surface: Surface, at: Mapping[str, float], job: Detached, home: Path) -> None:
    """The verdict at the sliders' values, and the judge's word on it."""
    decided = surface.decide(at)
    who = f"<code>{escape(decided.bad)}</code> against <code>{escape(decided.honest)}</code>"
    _verdict(decided.verdict, f"{who}: J(bad) - J(honest) = {number(decided.difference)} nats.")
    key = pair.over((), at)
    record = kept(key, home)
    if record is not None:
        (point,) = record["judge"]["points"]
        agrees = "the same" if record["judge"]["agrees"] else "<strong>and disagrees: trust the judge</strong>"
        html(f"<p>The judge, by enumeration: {number(point['judge'])} nats, {agrees}.</p>")
        return
    beyond = [p for n, p in surface.open.items() if p.judged is not None and at[n] > p.judged]
    if beyond:
        told = "; ".join(f"{p.name} up to {p.judged:g}" for p in beyond)
        html(f'<p class="quiet">The judge enumerates {escape(told)}: beyond, only the closed form speaks.</p>')
    elif job.running and key in job.asked:
        st.fragment(_waiting, run_every=TICK)(key, job, home)
    else:
        if key in job.asked and not job.running:
            st.error(f"The judge gave no answer. Last line: {job.last_line() or 'none'}")
        command = pair.command(home, at)
        if _allowed() and st.button("Ask the judge at these values"):
            _start(job, command, key)


def _formulas(
    pair: Pair, names: Sequence[str], at: Mapping[str, float], record: Mapping[str, Any] | None, surface: Surface,
    job: Detached, home: Path,
) -> None:  # fmt: skip
    html("<h2>As formulas</h2>")
    rest = {n: v for n, v in at.items() if n not in names}
    if record is not None:
        formulas(record, names, {n: surface.open[n].symbol for n in names})
        return
    key = pair.over(names, at)
    if job.running and key in job.asked:
        st.fragment(_waiting, run_every=TICK)(key, job, home)
        return
    if key in job.asked and not job.running:
        st.error(f"No formula came of it. Last line: {job.last_line() or 'none'}")
    told = ", ".join(f"{n} = {v:g}" for n, v in rest.items())
    fixed = f" with {escape(told)}" if told else ""
    html(f"<p class='quiet'>The border over {escape(' and '.join(names))}{fixed} has not been solved yet.</p>")
    command = pair.command(home, rest, names)
    if _allowed() and st.button("Solve for the border"):
        _start(job, command, key)


main()
