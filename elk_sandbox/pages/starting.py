"""Where a text on the workbench comes from: a template, a file, or a draft."""

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from elk_sandbox import blindfold, drafts, literature
from elk_sandbox.checks import find_any
from elk_sandbox.declare import Kind, RegistryError
from elk_sandbox.drafts import Draft
from elk_sandbox.pages.desk import FOLDER, note, take
from elk_sandbox.pages.frame import html
from elk_sandbox.runtime.registry import SHIPPED, Entry, Registry, UnknownName

__all__ = ["blind", "free_name", "from_address", "of_file", "shelf", "welcome", "whole"]

BASELINE = ("human_labels", "human_simulator")


def blind() -> bool:
    """Whether no outcome is to be told of what somebody wants to find out alone."""
    return bool(st.query_params.get("workbench_blind"))


def whole(registry: Registry, entry: Entry) -> Entry:
    """The file whose text was cut for the blind, so that its verdict is found as the file's own; else the entry."""
    known = (registry.proposals if entry.kind == "proposal" else registry.counterexamples).get(entry.name)
    if known is None or known.text == entry.text or blindfold.entries([known])[0].text != entry.text:
        return entry
    return known


def from_address(registry: Registry, home: Path) -> None:
    """Open the file that the address names (`workbench_file`), if it does."""
    name = st.query_params.get("workbench_file")
    if not name:
        return
    against = st.query_params.get("workbench_against")
    try:
        if not name.isidentifier():  # a path would be read wherever it leads
            raise UnknownName(f"{name!r} is no name of a proposal or a counterexample")
        take(_opened(home, find_any(registry, name)[0]), against)
    except RegistryError as reason:
        st.query_params.pop("workbench_file")
        note(f"The address names a file that is not there: {reason}.")


def of_file(registry: Registry, home: Path, name: str) -> Draft | None:
    """A draft of the file of this name, if there is one."""
    try:
        return _opened(home, find_any(registry, name)[0]) if name.isidentifier() else None
    except (RegistryError, OSError):
        return None


def welcome(registry: Registry, home: Path) -> None:
    """The empty workbench: what there is of one's own, one button for the newcomer, and all other beginnings below."""
    kept = _kept(home)
    entries = (*registry.proposals.values(), *registry.counterexamples.values())
    own = [e for e in entries if drafts.mine(str(e.path), FOLDER)]
    first = "Nothing lies here yet."
    if kept or own:
        counts = {"draft": len(kept), "file": len(own)}
        there = [f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items() if n]
        first = f"Nothing is open; you have {' and '.join(there)}."
    html(
        f'<div class="empty"><p>{first} A proposal is one small Python file; you change it, press '
        "Ctrl+Enter, and learn at once whether a world is known in which it selects a dishonest reporter.</p></div>"
    )
    if kept:
        _resume(home, kept, "start")
    if own:
        st.selectbox(
            "Open a file of yours", [(e.kind, e.name) for e in own], index=None, placeholder=f"{len(own)} in {FOLDER}",
            format_func=_titled, key="workbench_own_file", on_change=_picked,
            args=(registry, home, "workbench_own_file"),
        )  # fmt: skip
    st.button(
        "Begin with the baseline",
        type="secondary" if kept or own else "primary",
        on_click=_baseline,
        args=(registry, home),
    )
    st.subheader("Or begin elsewhere", anchor=False)
    shelf(registry, home, "start", resume=False)


def shelf(registry: Registry, home: Path, place: str, *, resume: bool = True) -> None:
    """All beginnings: templates, files, drafts (if `resume`). place: a word of its own for each place on the page."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.selectbox(
            "Start from a file", _files(registry), index=None, placeholder="Shipped ones and yours",
            format_func=_titled, key=f"workbench_{place}_file",
            on_change=_picked, args=(registry, home, f"workbench_{place}_file"),
        )  # fmt: skip
        if resume and (kept := _kept(home)):
            _resume(home, kept, place)
    with right:
        kind = st.segmented_control(
            "Start from the template of a", ["proposal", "counterexample"], default="proposal",
            key=f"workbench_{place}_kind",
        ) or "proposal"  # fmt: skip
        key = f"workbench_{place}_name_{kind}"
        st.text_input("Its name", free_name(registry, f"my_{kind}"), key=key)
        st.button("Begin", key=f"workbench_{place}_new", on_click=_templated, args=(home, kind, key))


def _kept(home: Path) -> list[Draft]:
    """The drafts that hold what no file of one's own does, the latest first."""
    return [d for d in drafts.drafts(home) if d.changed or drafts.mine(d.origin, FOLDER) is None]


def _resume(home: Path, kept: list[Draft], place: str) -> None:
    names = {d.name: d for d in kept}
    st.selectbox(
        "Go on with a draft", list(names), index=None, placeholder=f"{len(names)} in the workspace",
        format_func=lambda name: f"{name}, {names[name].kind}", key=f"workbench_{place}_draft",
        on_change=_resumed, args=(home, f"workbench_{place}_draft"),
    )  # fmt: skip


def _titled(at: tuple[str, str]) -> str:
    kind, name = at
    return f"{name.replace('_', ' ')}, {kind}"


def free_name(registry: Registry, wanted: str) -> str:
    """A name that no file has yet: the one wanted, or it with a number."""
    taken: Mapping[str, Entry] = {**registry.proposals, **registry.counterexamples}
    name, k = wanted, 2
    while name in taken or (FOLDER / f"{name}.py").exists() or (FOLDER / "counterexamples" / f"{name}.py").exists():
        name, k = f"{wanted}_{k}", k + 1
    return name


def _files(registry: Registry) -> list[tuple[str, str]]:
    """Kind and name, one's own first."""
    known = (*literature.STRATEGIES, *literature.COUNTEREXAMPLES)
    found = [(e.kind, e.name) for kind in (registry.proposals, registry.counterexamples) for e in kind.values()]
    return sorted(found, key=lambda at: at[1] in known)


def _baseline(registry: Registry, home: Path) -> None:
    entry = registry.proposals.get(BASELINE[0]) or next(iter(registry.proposals.values()), None)
    if entry:
        _open(home, entry, BASELINE[1])


def _picked(registry: Registry, home: Path, key: str) -> None:
    if at := st.session_state[key]:
        kind, name = at
        _open(home, (registry.proposals if kind == "proposal" else registry.counterexamples)[name])


def _resumed(home: Path, key: str) -> None:
    if name := st.session_state[key]:
        _taking(lambda: drafts.load(home, name))


def _templated(home: Path, kind: Kind, field: str) -> None:
    """field: the key of the name's field, which the click itself may have brought up to date."""
    name = str(st.session_state[field])

    def begun() -> Draft:
        place = SHIPPED if kind == "proposal" else SHIPPED / "counterexamples"
        text = (place / "_template.py").read_text(encoding="utf-8")
        if not name.isidentifier():
            raise RegistryError(f"{name!r} is no name for a function: letters, digits and _, not first a digit")
        return drafts.begin(home, name, kind, text.replace("my_" + kind, name))

    _taking(begun)


def _opened(home: Path, entry: Entry) -> Draft:
    """A draft of a file; for the blind, of what tells no outcome, unless the file is their own."""
    cut = blind() and drafts.mine(str(entry.path), FOLDER) is None
    return drafts.opened(home, blindfold.entries([entry])[0] if cut else entry)


def _open(home: Path, entry: Entry, against: str | None = None) -> None:
    _taking(lambda: _opened(home, entry), against)


def _taking(begin: Callable[[], Draft], against: str | None = None) -> None:
    try:
        take(begin(), against)
    except (RegistryError, OSError) as reason:
        note(str(reason))
