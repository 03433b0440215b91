"""The vault: an exact world to play with. What happens, what is seen, what is believed, and what reporters answer.

A standard world is made here, which takes milliseconds. A counterexample is the user's code: its case is read from the
workspace, and where it is not there a command of the command line builds it in a child.
"""

import re
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from elk_sandbox import beliefs, worlds
from elk_sandbox.cells import case_key, kept_case, source
from elk_sandbox.markup import number
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, begin, empty, html, place
from elk_sandbox.pages.graph import net
from elk_sandbox.pages.scene import outside, room
from elk_sandbox.pages.svg import picture
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError
from elk_sandbox.stage import Stage, of_case, of_world
from elk_sandbox.tellings import alike, answers, happening

LOOK = """
[data-testid="stCheckbox"] p { white-space: normal; overflow: visible; }
.elk h2 { margin-top: 0.9rem; }
.elk td.wrap { white-space: normal; min-width: 6rem; }
.elk .verdict { display: inline-block; padding: 0 0.4rem; margin-left: 0.25rem; border-radius: 0.2rem; }
.elk .verdict.right { background: var(--elk-survives-fill); color: var(--elk-survives-ink); }
.elk .verdict.wrong { background: var(--elk-strict-fill); color: var(--elk-strict-ink); }
"""
FIRST = "screen"
CASE = "case of "
PEOPLE = {"viewer": "viewer", "operator": "operator", "assisted": "AI-assisted human", "hstar": "best human net"}


def main() -> None:
    begin(
        "Vault",
        f"Set what happens. See what the camera shows, what a human concludes, what the {word('predictor')} knows, and "
        f"what each {word('reporter')} answers.",
    )
    st.html(f"<style>{LOOK}</style>")
    try:
        registry = Registry.default()
    except RegistryError as reason:
        st.error(str(reason))
        return
    stage = _chosen(registry)
    if stage is not None:
        _play(stage)


def _chosen(registry: Registry) -> Stage | None:
    """What the address names: a standard world, or a counterexample's case if it has been built."""
    case, world = st.query_params.get("vault_case"), st.query_params.get("vault_world", FIRST)
    options = [*worlds.STANDARD, *(CASE + n for n in registry.counterexamples)]
    now = CASE + case if case else world
    st.session_state["vault_shown"] = now if now in options else None
    st.selectbox(
        "World: a standard one, or a counterexample's case",
        options,
        key="vault_shown",
        format_func=lambda n: n.replace("_", " "),
        on_change=_open,
        placeholder="Choose a world",
        width=420,
    )
    if case:
        return _case(registry, case)
    if world not in worlds.STANDARD:
        empty(f"There is no world called <code>{escape(world)}</code>. Choose one from the list.")
        return None
    _about(worlds.STANDARD[world].__doc__ or "")
    return _standard(world)


def _about(doc: str) -> None:
    """The first sentence of a docstring."""
    first = " ".join(doc.split("\n\n")[0].split())
    first = re.sub(r"W-[A-Z-]+", lambda m: m[0].removeprefix("W-").lower(), re.sub(r"^W-[A-Z-]+: ", "", first))
    first = _sentence(first.replace("`", "").removesuffix(" [D]"))
    html(f'<p class="quiet">{escape(first)}</p>')


def _open() -> None:
    shown = str(st.session_state["vault_shown"])
    for name in [n for n in st.query_params if n.startswith("vault_")]:
        if name not in ("vault_human", "vault_whole"):  # bound to their widgets
            del st.query_params[name]
    if shown.startswith(CASE):
        st.query_params["vault_case"] = shown.removeprefix(CASE)
    else:
        st.query_params["vault_world"] = shown


@st.cache_resource(show_spinner=False, max_entries=32)
def _standard(name: str) -> Stage:
    return of_world(worlds.find(name)())


@st.cache_resource(show_spinner=False, max_entries=32)
def _staged(key: str, home: Path) -> Stage | str:
    """The stage of a case that is in the workspace, or why it has none."""
    case = kept_case(key, home)
    assert case is not None  # looked for before
    try:
        return of_case(case)
    except ValueError as reason:
        return str(reason)


def _case(registry: Registry, name: str) -> Stage | None:
    home = place()
    settings = [s for s in st.query_params.get("vault_set", "").split(";") if s]
    try:
        entry = registry.find("counterexample", name) if name in registry.counterexamples else None
        if entry is None:
            empty(f"There is no counterexample called <code>{escape(name)}</code>. Choose one from the list.")
            return None
        key = case_key(source(entry, entry.settings(settings)), None)
    except RegistryError as reason:
        st.error(str(reason))
        return None
    if kept_case(key, home) is None:
        _build(entry, settings, key, home)
        return None
    stage = _staged(key, home)
    if isinstance(stage, str):
        st.error(f"The case of {name} cannot be walked about in: {stage}")
        return None
    told = f"The case of the {word('counterexample')} <strong>{escape(name)}</strong>"
    told += f", with {escape(', '.join(settings))}" if settings else ""
    bad = ", ".join(f"<code>{escape(n)}</code>" for n, p in stage.cast.items() if p.role == "named bad")
    _about(entry.doc)
    html(f'<p class="quiet">{told}. Bad reporters that it names: {bad}.</p>')
    return stage


def _build(entry: Entry, settings: Sequence[str], key: str, home: Path) -> None:
    job = Detached(home, "vault")
    if job.running:
        st.fragment(_waiting, run_every=TICK)(entry.name, job, key, home)
        return
    if key in job.asked:
        st.error(f"The case of {entry.name} could not be built. Last line: {job.last_line() or 'none'}")
    else:
        told = "A counterexample is code: its world is built by running the file in a child process, which takes a "
        empty(f"The case of <strong>{escape(entry.name)}</strong> has not been built yet. {told}second or two.")
    refused = refusal()
    if refused:
        st.warning(refused)
        return
    if st.button("Build it again" if key in job.asked else "Build this case", type="primary"):
        name = str(entry.path.absolute()) + f":{entry.name}"
        command = [sys.executable, "-m", "elk_sandbox", "check", name, "--workspace", str(home)]
        job.start([*command, *(a for s in settings for a in ("--set", s))], [key])
        st.rerun()


def _waiting(name: str, job: Detached, key: str, home: Path) -> None:
    if kept_case(key, home) is not None or not job.running:
        st.rerun()
    html(f'<p><span class="chip running">building</span> The case of {escape(name)} is being built.</p>')


def _play(stage: Stage) -> None:
    at = stage.find(st.query_params.get("vault_at", ""))
    if at is None:
        at = stage.start
    rival = st.query_params.get("vault_against", "")
    if rival not in stage.rivals:
        rival = stage.rivals[0] if stage.rivals else ""
    left, right = st.columns([11, 7], gap="large")
    with left:
        _look(stage, at)
    with right:
        _controls(stage, at)
        _walk(stage, at, rival)
    _answers(stage, at)
    _nets(stage, at)


def _go(at: int, stage: Stage, gave_way: Sequence[str] = ()) -> None:
    st.query_params["vault_at"] = stage.code(at)
    st.session_state["vault_gave_way"] = tuple(gave_way)


def _turn(stage: Stage, at: int, node: str, value: int) -> None:
    _go(*_nearest(stage, at, node, value))


def _nearest(stage: Stage, at: int, node: str, value: int) -> tuple[int, Stage, tuple[str, ...]]:
    found, gave_way = stage.turned(at, node, value)
    return found, stage, gave_way


def _level(stage: Stage) -> str:
    found = st.session_state.get("vault_human") or st.query_params.get("vault_human", "viewer")
    return found if found in stage.world.beliefs else "viewer"


def _look(stage: Stage, at: int) -> None:
    level = _level(stage)
    picked = picture([room(stage, at), outside(stage, at, level)], "vault_scene", enlarged=1.35)
    if picked in {c.node for c in stage.choices}:
        _turn(stage, at, picked, 1 - stage.value(at, picked))
        st.rerun()
    told = happening(stage.world, at)
    lines = [("What happens", told.happens), ("What can be seen", told.seen)]
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape('; '.join(found)) or 'nothing that there are words for'}</dd>"
        for name, found in lines
    )
    chance = f"<dt>Probability</dt><dd>{number(float(stage.world.weights[at]))}{_where(stage, at)}</dd>"
    html(f"<dl>{rows}{chance}</dl>")


def _where(stage: Stage, at: int) -> str:
    inside = [p for p, w in stage.world.data.items() if w[at] > 0]
    if not inside:
        return ", outside all data that humans label"
    by = ", ".join(PEOPLE.get(p, p) for p in inside)
    return f", in the data of: {escape(by)}"


def _controls(stage: Stage, at: int) -> None:
    told = [c for c in stage.choices if c.words]
    bits = [c for c in stage.choices if not c.words]
    html("<h2>Set what happens</h2>")
    for choice in told:
        assert choice.words is not None
        key = f"vault_do_{choice.node}"
        st.session_state[key] = bool(stage.value(at, choice.node))
        st.toggle(_sentence(choice.words[1]), key=key, on_change=_toggled, args=(stage, at, choice.node))
    if bits:
        st.session_state["vault_bits"] = [c.node for c in bits if stage.value(at, c.node)]
        st.pills(
            "Bits of the predictor that are 1" if not stage.world.of_kind("action") else "Bits that are 1",
            [c.node for c in bits],
            selection_mode="multi",
            key="vault_bits",
            on_change=_bits,
            args=(stage, at),
        )
    gave_way = st.session_state.pop("vault_gave_way", ())
    if gave_way:
        words = [
            stage.world.words[n][stage.value(at, n)] if n in stage.world.words else f"{n} is {stage.value(at, n)}"
            for n in gave_way
        ]
        html(f'<p class="quiet">With that it came that {escape("; ".join(words))}.</p>')


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _toggled(stage: Stage, at: int, node: str) -> None:
    _turn(stage, at, node, int(st.session_state[f"vault_do_{node}"]))


def _bits(stage: Stage, at: int) -> None:
    wanted = set(st.session_state["vault_bits"])
    for choice in stage.choices:
        if not choice.words and (choice.node in wanted) != bool(stage.value(at, choice.node)):
            _turn(stage, at, choice.node, int(choice.node in wanted))
            return


def _walk(stage: Stage, at: int, rival: str) -> None:
    if not rival:
        html('<p class="quiet">No dishonest reporter is known here.</p>')
        return
    apart = stage.partings(stage.translator, rival).tolist()
    html("<h2>Where they part</h2>")
    if len(stage.rivals) > 1:
        st.session_state["vault_rival"] = rival
        st.selectbox(
            f"{stage.translator.replace('_', ' ')} and",
            stage.rivals,
            key="vault_rival",
            format_func=lambda n: n.replace("_", " "),
            on_change=_against,
        )
    if not apart:
        html('<p class="quiet">They answer alike in every situation.</p>')
        return
    mass = float(stage.world.weights[apart].sum())
    here = apart.index(at) if at in apart else None
    many = f"{len(apart)} situation{'s' * (len(apart) != 1)}, probability {mass:.3g} in all"
    if here is None:
        html(f'<p class="quiet">Here they agree. They part in {many}.</p>')
        st.button("Walk to where they part", type="primary", on_click=_go, args=(apart[0], stage))
        return
    html(f"<p>Here they part: {here + 1} of {many}.</p>")
    with st.container(horizontal=True):
        st.button("Previous", disabled=here == 0, on_click=_go, args=(apart[max(here - 1, 0)], stage))
        last = here + 1 == len(apart)
        st.button("Next", disabled=last, on_click=_go, args=(apart[min(here + 1, len(apart) - 1)], stage))
        st.button("Back to the likeliest", on_click=_go, args=(stage.start, stage))


def _against() -> None:
    st.query_params["vault_against"] = st.session_state["vault_rival"]


def _answers(stage: Stage, at: int) -> None:
    html(f"<h2>What each of them answers</h2>{answers(stage, at)}")


def _people(levels: Sequence[str]) -> str:
    """One of several who see and believe alike."""
    first, rest = PEOPLE.get(levels[0], levels[0]), len(levels) - 1
    return f"{first} and {rest} more alike" if rest else first


def _nets(stage: Stage, at: int) -> None:
    world = stage.world
    actual = {n: stage.value(at, n) for n in world.nodes}
    left, right = st.columns(2, gap="large")
    with left:
        html(
            "<h2>What the predictor knows</h2><p class='quiet'>A node is filled as far as it is likely to be 1. "
            "Squares are pixels; dashed ones are no nodes of the predictor.</p>"
        )
        behind = any(k == "hidden" and n not in world.words for n, k in zip(world.nodes, world.kinds, strict=True))
        whole = behind and st.toggle("With all that lies behind them", key="vault_whole", bind="query-params")
        held = beliefs.predictor(world, at, whole=whole)
        picture([net(held, world.words, {}, "The predictor's net")], "vault_predictor", enlarged=1.25)
    with right:
        html("<h2>What a human makes of it</h2>")
        groups = {found[0]: found for found in alike(world)}
        if len(groups) > 1:
            st.pills(
                "Human", list(groups), default="viewer", required=True, key="vault_human", bind="query-params",
                format_func=lambda n: _people(groups[n]), label_visibility="collapsed",
            )  # fmt: skip
        level = _level(stage)
        own = beliefs.human(world, level, at)
        picture([net(own, world.words, actual, f"The net of the {level}")], "vault_net", enlarged=1.25)
        sees = ", ".join(f"<code>{escape(n)}</code>" for n in world.sees[level]) or "nothing"
        html(
            f'<p class="quiet">Sees {sees}. What is expected of the rest is what it is in the data that this human '
            "labels; a node that never varies there is not in the net. Marked ≠: in truth it is otherwise.</p>"
        )


main()
