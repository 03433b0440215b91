"""The workbench: write a proposal or a counterexample, have it judged, break it, revise it.

What is typed is kept as a draft at once. Judging is the command line's `judge`, in a process of its own; its verdict is
found by the hash of text, knobs and opponent, so that it is there again whenever the same question is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox import drafts
from elk_sandbox.blindfold import silenced
from elk_sandbox.declare import Kind, RegistryError
from elk_sandbox.drafts import Draft
from elk_sandbox.keys import kept
from elk_sandbox.pages import desk, files
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.address import chosen, remember, widget
from elk_sandbox.pages.breaking import breaking, facing, forget
from elk_sandbox.pages.editor import Fault, code_editor
from elk_sandbox.pages.frame import begin, folded, html, place
from elk_sandbox.pages.keeping import bar, standing
from elk_sandbox.pages.knobs import controls, set_knobs
from elk_sandbox.pages.offered import measures
from elk_sandbox.pages.outcome import details, verdict
from elk_sandbox.pages.starting import blind, from_address, of_file, welcome, whole
from elk_sandbox.pages.words import word
from elk_sandbox.palette import STATES, state
from elk_sandbox.runtime.registry import Entry, Registry, suggest
from elk_sandbox.runtime.source import read_text
from elk_sandbox.trial import Trial, fault_line, renamed, trial

TICK = 0.5  # seconds between two looks at a trial
AGAINST = "workbench_against"
FIRST: Mapping[Kind, str] = {"proposal": "human_simulator", "counterexample": "human_labels"}
LOOK = """
.elk .older { opacity: 0.75; border-left: 3px solid var(--elk-line); padding-left: 0.9rem; }
.elk ul.faults { list-style: none; margin: 0; padding: 0; }
.elk ul.faults li { padding: 0.35rem 0.75rem; margin: 0 0 0.35rem; border-left: 3px solid var(--elk-strict-fill); }
.elk .note { border-left: 3px solid var(--elk-accent); padding: 0.35rem 0.75rem; overflow-wrap: anywhere; }
.elk .note p { margin: 0; }
.elk ul.strip { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.3rem 0.9rem; }
.elk ul.strip li { margin: 0; font-size: 0.875rem; white-space: nowrap; }
.elk ul.strip b { display: inline-block; width: 1.4rem; margin-right: 0.4rem; border-radius: 0.2rem;
  text-align: center; }
.elk ul.strip .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.elk table.near th { white-space: normal; }
"""


@dataclass(frozen=True)
class _Look:
    """Where the trial stands that the page is about."""

    against: str
    running: bool
    cell: Mapping[str, Any] | None  # the verdict
    earlier: Mapping[str, Any] | None  # the last one that was asked for, where this text has none
    older: bool  # that one's text is another in more than the name
    vault: bool  # its case can be walked about


def main() -> None:
    begin(
        "Workbench",
        f"Write a {word('proposal')} that selects an {word('honest')} reporter, or a {word('counterexample')} "
        "that shows where one does not.",
    )
    st.html(f"<style>{LOOK}</style>")
    home = place()
    try:
        registry = files.registry()
    except RegistryError as reason:
        st.error(str(reason))
        return
    from_address(registry, home)
    running = st.session_state.setdefault("workbench running", False)
    st.fragment(_bench, run_every=TICK if running else None)(registry, home)


def _bench(registry: Registry, home: Path) -> None:
    """All of it; runs at every pause in typing, and twice a second while something is judged."""
    fresh = desk.NOTED not in st.session_state  # the server has not seen this tab before
    st.session_state[desk.NOTED] = True
    draft = desk.on_desk(home, partial(of_file, registry, home))
    if draft is None:
        forget()
        _notes()
        welcome(registry, home)
        _watch(False)
        return
    path = home / "drafts" / f"{draft.name}.py"
    entries, broken = read_text(path, draft.text)
    entry = next((e for e in entries if e.kind == draft.kind), entries[0] if entries else None)
    entry = whole(registry, entry) if entry else None
    if entry is None:
        forget()
    kind = entry.kind if entry else draft.kind
    opponents = _opponents(registry, home, draft, kind)
    against = _against(opponents, entry, kind)
    settings = set_knobs(entry.knobs) if entry else []
    asked = _trial(home, entry, opponents.get(against), settings) if entry else None
    if desk.submitted():
        _judge(home, draft, asked)
    running = bool(asked and asked.job.running)  # before the verdict is looked for: what is left when it ends is seen
    cell = asked.cell() if asked else None
    earlier = kept(home, draft.judged) if draft.judged and cell is None else None
    if blind():
        cell, earlier = (silenced([each])[0] if each else None for each in (cell, earlier))
    same = asked and earlier and draft.judged and renamed(asked, kind, earlier[kind], draft.judged)
    older = bool(earlier and not same)
    look = _Look(against, running, cell, earlier, older, _walkable(registry, cell or earlier, entry))
    faults = [Fault(b.line, b.message) for b in broken]
    if at := fault_line(cell, kind):
        faults.append(Fault(*at))
    html(f"<h2>{escape(draft.name)} <span>{kind}. {escape(standing(draft))}</span></h2>")
    bar(registry, home, draft, entry.name if entry else None)
    left, right = st.columns([8, 5], gap="large")
    with left:
        plain = bool(st.query_params.get("workbench_plain"))
        event = code_editor(draft.text, desk.editor_key(), faults, plain=plain)
        if faults:
            lines = "".join(f"<li><strong>Line {f.line}.</strong> {escape(f.told)}</li>" for f in faults)
            html(f'<ul class="faults">{lines}</ul>')
        _plain(plain)
    if desk.hear(home, event, stale=fresh):
        st.rerun()
    with right:
        with st.container():
            _notes()
        _beside(home, entry, asked, opponents, look)
    with st.container():  # what comes and goes has a place of its own: what lies below keeps its own too
        if shown := cell or earlier:
            stock = not settings and not against.startswith("draft:")
            listed = bool(cell and entry and stock and _listed(registry, entry))
            details(shown, older=look.older, vault=look.vault, listed=listed)
    with st.container():
        below = (breaking if kind == "proposal" else facing)(registry, home, entry, settings) if entry else False
    if kind == "proposal":
        folded("What a view offers", "workbench_view", measures)
    _watch(running or below)


def _notes() -> None:
    """What happened to the draft, read out to who cannot see it."""
    told = "".join(f"<p>{escape(note)}</p>" for note in desk.notes())
    if told:
        html(f'<div class="note" role="status">{told}</div>')


def _beside(home: Path, entry: Entry | None, asked: Trial | None, opponents: Mapping[str, Entry], look: _Look) -> None:
    """Opponent, knobs, the button and the verdict."""
    _choose(home, entry, opponents, look.against)
    if entry and entry.knobs:
        columns = st.columns(2)
        for column, knobs in zip(columns, (entry.knobs[::2], entry.knobs[1::2]), strict=True):
            with column:
                controls(knobs, entry.knobs)
    refused = refusal()
    sure = look.cell is not None and look.cell["verdict"] not in ("error", "invalid")
    if refused:
        st.warning(refused)
    else:  # always a button and a line, so that nothing moves while it is judged
        unable = asked is None or look.running or sure
        st.button("Judge", type="primary", disabled=unable, on_click=desk.submit)
        if look.running:
            told = f'<span class="chip running">judging</span> against {escape(_words(look.against))}'
        elif asked is None:
            told = "The text cannot be read yet: see the line that is marked."
        else:
            told = "Judged as it stands." if sure else "or Ctrl+Enter in the text; it takes about two seconds"
        html(f'<p class="quiet">{told}</p>')
    if asked and not look.running and asked.failed:
        st.error(f"It was not judged. The last that was said: {asked.failed}")
    if shown := look.cell or look.earlier:
        since = "; only the name has changed since" if entry and shown[entry.kind] != entry.name else ""
        verdict(shown, ", before your last change" if look.older else since, older=look.older, vault=look.vault)


def _judge(home: Path, draft: Draft, asked: Trial | None) -> None:
    if asked is None or refusal():
        return
    cell = asked.cell()
    try:
        drafts.put(home, draft, judged=asked.key)
        if cell is None or cell["verdict"] in ("error", "invalid"):
            asked.start()
    except drafts.Overtaken:
        return  # what is on the desk is looked at again first
    except (OSError, RegistryError) as reason:
        desk.note(f"It was not judged: {reason}")


def _trial(home: Path, entry: Entry, opponent: Entry | None, settings: Sequence[str]) -> Trial | None:
    if opponent is None:
        return None
    both = (entry, opponent) if entry.kind == "proposal" else (opponent, entry)
    return trial(home, *both, settings)


def _opponents(registry: Registry, home: Path, draft: Draft, kind: Kind) -> dict[str, Entry]:
    """Files of the other kind by name, and drafts of it as draft:NAME."""
    other: Kind = "counterexample" if kind == "proposal" else "proposal"
    found = dict(registry.counterexamples if kind == "proposal" else registry.proposals)
    for each in drafts.drafts(home):
        if each.kind == other and (each.changed or drafts.mine(each.origin, desk.FOLDER) is None):
            entries, _ = read_text(home / "drafts" / f"{each.name}.py", each.text)
            found |= {f"draft:{each.name}": e for e in entries[:1] if e.kind == other}
    return found


def _against(opponents: Mapping[str, Entry], entry: Entry | None, kind: Kind) -> str:
    """The opponent in the address; else the one that a counterexample is against, else the simplest."""
    given = chosen(AGAINST, opponents)
    if given and st.query_params.get(AGAINST) != given[0]:
        st.query_params[AGAINST] = given[0]  # an older address held the label
    breaks = entry.meta.get("breaks") if entry and not blind() else None
    meant = list(breaks) if isinstance(breaks, dict) else []
    for name in (*given[:1], *meant, *(f"draft:{m}" for m in meant), FIRST[kind], *opponents):
        if name in opponents:
            return str(name)
    return ""


def _choose(home: Path, entry: Entry | None, opponents: Mapping[str, Entry], against: str) -> None:
    """The opponent, each with the sign of its verdict on this text where there is one."""
    settings = set_knobs(entry.knobs) if entry else []

    def shown(name: str) -> str:
        asked = _trial(home, entry, opponents[name], settings) if entry else None
        cell = asked.cell() if asked else None
        return f"{STATES[state(cell)].sign}  {_words(name)}" if cell else _words(name)

    key = widget(AGAINST, opponents)
    st.session_state[key] = against or None  # the address may name none
    st.selectbox(
        "Against", list(opponents), format_func=shown, key=key, on_change=remember, args=(AGAINST, tuple(opponents))
    )
    named = st.query_params.get(AGAINST, "")
    if named and named not in opponents:
        told = f"The address names {escape(repr(named))}, and nothing of that name is here{suggest(named, opponents)}."
        html(f'<p class="unknown"><strong>{told}</strong></p>')


def _words(name: str) -> str:
    """An opponent as it is told."""
    return name.removeprefix("draft:").replace("_", " ") + ", a draft" * name.startswith("draft:")


def _plain(plain: bool) -> None:
    st.session_state["workbench plain"] = plain
    st.toggle(
        "Plain text box", key="workbench plain", on_change=_plainly,
        help="For screen readers and small screens; Ctrl+Enter keeps the text, and the button judges it.",
    )  # fmt: skip


def _plainly() -> None:
    if st.session_state["workbench plain"]:
        st.query_params["workbench_plain"] = "1"
    else:
        st.query_params.pop("workbench_plain", None)


def _listed(registry: Registry, entry: Entry) -> bool:
    """Whether the matrix shows exactly this text."""
    found = (registry.proposals if entry.kind == "proposal" else registry.counterexamples).get(entry.name)
    return found is not None and found.text == entry.text


def _walkable(registry: Registry, cell: Mapping[str, Any] | None, entry: Entry | None) -> bool:
    """Whether the vault finds the case of this cell: a file declares it, as it is."""
    if cell is None or cell["counterexample"] not in registry.counterexamples:
        return False
    return entry is None or entry.kind == "proposal" or _listed(registry, entry)


def _watch(busy: bool) -> None:
    """Begin to look twice a second, or cease."""
    if busy != st.session_state["workbench running"]:
        st.session_state["workbench running"] = busy
        st.rerun()


main()
