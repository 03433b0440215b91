"""Which world the vault shows: a standard one, made here, or a counterexample's case.

A standard world takes milliseconds. A counterexample is the user's code: its case is read from the workspace, and where
it is not there a command of the command line builds it in a child.
"""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox import worlds
from elk_sandbox.cells import case_path, kept_case
from elk_sandbox.keys import case_key, source
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, empty, html, place
from elk_sandbox.pages.vault_knobs import set_in, world_knobs
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.detached import Detached, command
from elk_sandbox.runtime.registry import Entry, Registry, RegistryError
from elk_sandbox.stage import Stage, of_case, of_world
from elk_sandbox.tellings import sentence

__all__ = ["chosen"]

FIRST = "screen"
CASE = "case of "
KEPT = ("vault_human", "vault_whole")  # parts of the address that another world leaves as they are


def chosen(registry: Registry) -> Stage | None:
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
    knobs = worlds.knobs(world)
    given = set_in(knobs)
    world_knobs(knobs)
    if given:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in given.items())
        html(f'<p class="quiet">With {escape(told)}.</p>')
    found = _standard(world, tuple(given.items()))
    if isinstance(found, str):
        st.error(f"There is no such world: {found}. Set its knobs otherwise.")
        return None
    return found


def _about(doc: str) -> None:
    """The first sentence of a docstring."""
    first = " ".join(doc.split("\n\n")[0].split())
    first = re.sub(r"W-[A-Z-]+", lambda m: m[0].removeprefix("W-").lower(), re.sub(r"^W-[A-Z-]+: ", "", first))
    first = sentence(first.replace("`", "").removesuffix(" [D]"))
    html(f'<p class="quiet">{escape(first)}</p>')


def _open() -> None:
    shown = str(st.session_state["vault_shown"])
    for name in [n for n in st.query_params if n.startswith("vault_")]:
        if name not in KEPT:
            del st.query_params[name]
    if shown.startswith(CASE):
        st.query_params["vault_case"] = shown.removeprefix(CASE)
    else:
        st.query_params["vault_world"] = shown


@st.cache_resource(show_spinner=False, max_entries=32)
def _standard(name: str, given: tuple[tuple[str, Any], ...]) -> Stage | str:
    """A world with these knobs, or why there is none."""
    try:
        return of_world(worlds.find(name)(**dict(given)))
    except (ValueError, ArithmeticError) as reason:
        return str(reason)


@st.cache_resource(show_spinner=False, max_entries=32)
def _staged(key: str, home: Path, stamp: int) -> Stage | str | None:
    """The stage of a case that is in the workspace, or why it has none; None if the workspace has no such case."""
    case = kept_case(key, home) if stamp else None
    if case is None:
        return None
    try:
        return of_case(case)
    except ValueError as reason:
        return str(reason)


def _stamp(key: str, home: Path) -> int:
    """When the case was written; 0 if it is not there."""
    try:
        return case_path(key, home).stat().st_mtime_ns
    except OSError:
        return 0


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
    stage = _staged(key, home, _stamp(key, home))
    if stage is None:
        _build(entry, settings, key, home)
        return None
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
        checking = command("elk_sandbox", home, "check", name)
        job.start([*checking, *(a for s in settings for a in ("--set", s))], [key])
        st.rerun()


def _waiting(name: str, job: Detached, key: str, home: Path) -> None:
    if _stamp(key, home) or not job.running:
        st.rerun()
    html(f'<p><span class="chip running">building</span> The case of {escape(name)} is being built.</p>')
