"""What can be read from a trained network: proposals and published methods on learned worlds.

A run's checkpoints are a curve. Nothing is trained here: the command line does it and keeps each result in the
workspace, and the page looks for those.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, get_args

import streamlit as st

from elk_sandbox.evidence.trained import SEEDS, Kind, Trained
from elk_sandbox.keys import source
from elk_sandbox.learned import shelf, sources
from elk_sandbox.learned.cells import Row, cell_key, kept, row_of
from elk_sandbox.learned.published import PUBLISHED
from elk_sandbox.learned.sources import Step
from elk_sandbox.learned.world import WorldError
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.address import chosen, remember, widget
from elk_sandbox.pages.files import registry
from elk_sandbox.pages.frame import TICK, begin, empty, html, place, vega
from elk_sandbox.pages.readings import MEASURES, curve, dots, table
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.detached import Detached, command
from elk_sandbox.runtime.registry import Registry, RegistryError
from elk_sandbox.terminal import InputError, duration

USUAL = ("human_labels", "operator_data", "logistic_operator", "ceiling", "viewer")
FEW = 6  # checkpoints that are shown at first: each is some ten seconds of work
BUSY = "networks running"


def main() -> None:
    begin(
        "What can be read from a network?",
        "Exact worlds are written; here the predictor is a network that was trained. Reporters are trained on its "
        "activations with a proposal's objective, and scored where the people who label are fooled.",
    )
    home = place()
    try:
        files, offered = registry(), sources.listed(home)
    except (RegistryError, InputError) as reason:
        st.error(str(reason))
        return
    for parameter, known in (("net_world", offered), ("net_measure", MEASURES)):
        if not chosen(parameter, known):  # a box without a choice would say so, above the results of the first
            st.session_state[f"{parameter} gone"] = st.query_params.get(parameter)
            st.query_params[parameter] = next(iter(known))
        instead = next(iter(known))
        if (gone := st.session_state.get(f"{parameter} gone")) and chosen(parameter, known) == [instead]:
            st.warning(f"{gone!r} is not offered here: what follows is of {instead!r}.")
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        world = st.selectbox(
            "Network", offered, key=widget("net_world", offered),
            on_change=remember, args=("net_world",), width=420, format_func=_place,
        )  # fmt: skip
        measure = st.segmented_control(
            "Measure", list(MEASURES), key=widget("net_measure", MEASURES), on_change=remember, args=("net_measure",),
            required=True, format_func=lambda m: MEASURES[m].label,
        )  # fmt: skip
    names = {**dict.fromkeys(files.proposals, "proposal"), **dict.fromkeys(PUBLISHED, "method")}
    st.query_params.setdefault("net_rows", ",".join(n for n in USUAL if n in names))
    picked = st.multiselect(
        "Proposals and published methods", list(names), key=widget("net_rows", names, several=True),
        on_change=remember, args=("net_rows",), format_func=_told,
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        trained = _trained()
    rows = [_row(files, name) for name in picked]
    watched = st.session_state.get(BUSY, False)
    st.fragment(_live, run_every=TICK if watched else None)(home, world, rows, str(measure), trained)


def _trained() -> Trained:
    """How many of what are trained on the network."""
    kind = st.segmented_control(
        "Reporters", get_args(Kind), default="mlp", key="net_reporter", bind="query-params", required=True,
        help="mlp: with one hidden layer; linear: logistic in the activations.",
    )  # fmt: skip
    seeds = st.number_input("Seeds", 1, 1000, SEEDS, key="net_seeds", bind="query-params", width=120)
    return Trained(int(seeds), kind or "mlp")


def _place(world: str) -> str:
    """A world's name for people."""
    name, comma, _ = world.removeprefix("run:").partition(",")
    if not world.startswith("run:"):
        return {"vault": "the filmed vault", "vault:quirky": "the filmed vault, with personas"}.get(
            world, world.replace("exact:", "exact world, as if learned: ")
        )
    return f"{name}, on what it writes itself" if comma else f"{name}, on speeches of the stage"


def _told(name: str) -> str:
    return f"{PUBLISHED[name]}" if name in PUBLISHED else name.replace("_", " ")


def _row(files: Registry, name: str) -> Row:
    if name in PUBLISHED:
        return {"method": name}
    entry = files.proposals[name]
    return {"proposal": source(entry, entry.settings())}


def _live(home: Path, world: str, rows: Sequence[Row], measure: str, trained: Trained) -> None:
    """The results; runs each second while some are on their way."""
    job = Detached(home, "learned")
    running = job.running  # before the results are looked for: what it leaves when it ends is seen
    try:
        steps = _thinned(_steps(world, home))
        worlds = [s.world for s in steps] or [world]
        digests = _digests(tuple(worlds), home)
        cells = kept(rows, digests, home, trained)
    except InputError as reason:
        st.error(str(reason))
        return
    missing = len(rows) * len(worlds) - len(cells)
    keys = [cell_key(row, digests[world], trained) for row in rows for world in worlds]
    _offer(home, job, rows, digests, trained, keys, missing, running=running)
    order = [row_of(row) for row in rows]
    if cells:
        if steps:
            charts, words = curve(steps, order, cells, measure)
            for chart in charts:
                vega(chart, words)
        else:
            vega(*dots(world, order, cells, measure))
        html(_certified(cells, worlds))
        _explained(measure)
        at = worlds[-1]
        if steps:
            there = [w for w in worlds if any((row, w) in cells for row in order)]
            at = st.select_slider("Checkpoint in the table", there, value=there[-1]) if len(there) > 1 else there[0]
        html(table(order, cells, at))
        _reasons(order, cells)
    if running != st.session_state.get(BUSY, False):
        st.session_state[BUSY] = running
        st.rerun()


@st.cache_data(show_spinner=False, ttl=30, max_entries=16)
def _digests(worlds: tuple[str, ...], home: Path) -> dict[str, str]:
    """Kept for a while: the files of twenty checkpoints are asked for each second."""
    return {name: sources.digest(name, home) for name in worlds}


def _steps(world: str, home: Path) -> Sequence[Step]:
    """Of a sequence; none of a single world."""
    try:
        return sources.along(world, home)
    except WorldError:  # it is one world, or none, which its digest says
        return ()


def _thinned(steps: Sequence[Step]) -> Sequence[Step]:
    """Some of many checkpoints, the first and the last too; the address may ask for all."""
    if len(steps) <= FEW:
        return steps
    shown = st.segmented_control(
        "Checkpoints", (f"{FEW} of {len(steps)}", "all"), default=f"{FEW} of {len(steps)}", key="net_checkpoints",
        bind="query-params", required=True,
    )  # fmt: skip
    if shown == "all":
        return steps
    return [steps[round(k * (len(steps) - 1) / (FEW - 1))] for k in range(FEW)]


def _offer(
    home: Path, job: Detached, rows: Sequence[Row], worlds: Mapping[str, str], trained: Trained, keys: Sequence[str],
    missing: int, *, running: bool,
) -> None:  # fmt: skip
    """Where the results stand, and the button that has the missing ones made. worlds: with their digests."""
    every = len(rows) * len(worlds)
    if running:
        st.progress((every - missing) / every, text=f"{every - missing} of {every} results are there")
        html(_doing(job))
        if st.button("Stop"):
            job.stop()
            st.rerun()
        return
    if not missing:
        return
    if why := refusal():
        st.warning(why)
        return
    if job.asked == set(keys):  # another version of this program would have asked for others
        last = job.last_line() or "its log is empty"
        st.error(f"{missing} of {every} results are missing. Last line of {job.log.name}: {last}")
    elif missing == every and every:
        first = (
            "the network is trained first, about two minutes, and two more when a proposal asks for several; then "
            * any(w.startswith("vault") and not shelf.place(home, w, digest).is_dir() for w, digest in worlds.items())
        )
        many = f"{trained.seeds} seed{'s' * (trained.seeds != 1)}"
        empty(
            f"None of these results is there yet. At a click {first}{many} of each proposal are trained on the "
            "activations, some seconds each, and scored on situations that nobody labelled; all of it is kept."
        )
    if st.button(f"Get {missing} results", type="primary"):
        proposals = ",".join(row_of(r) for r in rows if "proposal" in r)
        methods = ",".join(row_of(r) for r in rows if "method" in r)
        asked = ["matrix", "--worlds", ",".join(worlds), "--proposals", proposals, "--methods", methods]
        asked += ["--seeds", str(trained.seeds), "--reporter", trained.reporter]
        job.start(command("elk_sandbox", home, *asked), keys)
        st.rerun()


def _doing(job: Detached) -> str:
    """What the command says that it does, and signs that it lives."""
    now, since, spoke = time.time(), job.since, job.spoke
    long = "" if since is None else f" for {duration(max(0.0, now - since))}"
    said = job.last_line()
    if not said or spoke is None:
        return f'<p><span class="chip running">running</span>{long}; it has said nothing yet</p>'
    ago = duration(max(0.0, now - spoke))
    return f'<p><span class="chip running">running</span>{long}; {ago} ago it said: {escape(said)}</p>'


def _certified(cells: Mapping[tuple[str, str], Mapping[str, Any]], worlds: Sequence[str]) -> str:
    found = {w: c["certificate"] for (_, w), c in cells.items()}
    known = [w for w in worlds if w in found]
    good = sum(bool(found[w]["certified"]) for w in known)
    if len(known) == 1:
        return f"<p>{'Certified' if good else '<strong>Uncertified</strong>'}: {escape(found[known[0]]['words'])}</p>"
    return (
        f"<p>The predictor is certified to know at {good} of {len(known)} checkpoints: there marks are filled. At a "
        "hollow mark where the certificate's own probe is low too, the network may not hold the answer, and a low "
        "score says nothing of the reporter; where only the raw input does as well as the network, the answer is "
        "there, and it counts. The dashed line is what the certificate asks of its probe.</p>"
        f"<p class='quiet'>{escape(found[known[-1]]['words'])}</p>"
    )


def _explained(measure: str) -> None:
    told = MEASURES[measure].told
    html(f'<p class="quiet">{told} A {word("reporter")} is one seed; bands and bars are intervals of 95 %.</p>')


def _reasons(order: Sequence[str], cells: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for (row, world), cell in cells.items():
        if cell["reason"]:
            found.setdefault((row, str(cell["reason"])), []).append(world)
    every = {world for _, world in cells}
    items = [
        f"<li>{escape(_told(row))}: {escape(reason)}{_where(worlds, every)}</li>"
        for row, reason in sorted(found, key=lambda each: order.index(each[0]))
        for worlds in [found[row, reason]]
    ]
    if items:
        html(f'<ul class="quiet">{"".join(items)}</ul>')


def _where(worlds: Sequence[str], every: Collection[str]) -> str:
    """Nothing where it is so everywhere."""
    return "" if len(worlds) == len(every) else f" ({escape(', '.join(worlds))})"


main()
