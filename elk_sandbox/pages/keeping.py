"""The line above the editor: what the draft is of, and saving it, always without writing over what is not its own."""

from pathlib import Path

import streamlit as st

from elk_sandbox import drafts, literature
from elk_sandbox.declare import RegistryError
from elk_sandbox.drafts import Draft
from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.desk import FOLDER, caught_up, lay_down, note, renew, take
from elk_sandbox.pages.frame import html
from elk_sandbox.pages.starting import free_name, shelf
from elk_sandbox.runtime.registry import Registry

__all__ = ["bar", "standing"]

TAKEN = "workbench taken"  # the draft whose file was changed on the disk when it was to be saved


def standing(draft: Draft) -> str:
    """In one plain sentence, how the draft and its file stand to each other."""
    own = drafts.mine(draft.origin, FOLDER)
    if own:
        where = own.relative_to(FOLDER.resolve().parent)
        return f"Draft with changes of {where}, kept in the workspace." if draft.changed else f"As saved in {where}."
    if draft.origin and _shipped(draft):
        of = f"the shipped {Path(draft.origin).stem}"
        return f"Your changes of {of}, kept as a draft." if draft.changed else f"The text of {of}."
    return "A draft, kept in the workspace; no file of yours yet."


def bar(registry: Registry, home: Path, draft: Draft, declared: str | None) -> None:
    """Save, go back, open another. declared: the function that the text declares, if it can be read."""
    own, refused = drafts.mine(draft.origin, FOLDER), refusal()
    with st.container(horizontal=True, vertical_alignment="center"):
        if own:
            st.button("Save", on_click=_save, args=(home,), disabled=bool(refused) or not draft.changed, help=refused)
        if refused:  # the inside of a disabled popover is alive
            st.button("Save as", disabled=True, help=refused)
        else:
            with st.popover("Save as"):
                _copy(registry, home, draft, declared)
        if draft.changed and draft.base:
            back = "Back to the last saved" if own else "Back to the beginning"
            st.button(back, on_click=_undo, args=(home,))
        if draft.undone is not None:
            st.button("Bring my changes back", on_click=_redo, args=(home,))
        with st.popover("Open another"):
            shelf(registry, home, "open")
            st.divider()
            st.button("Close this draft", on_click=lay_down)
            if draft.changed or not own:
                st.button("Discard this draft", on_click=_discard, args=(home,))
            if own:
                told = f"{own.name} goes, from the matrix too; its text stays as a draft."
                st.button(
                    "Remove its file", on_click=_withdraw, args=(home,), disabled=bool(refused), help=refused or told
                )
    if st.session_state.get(TAKEN) == draft.name and own and draft.changed:
        st.warning(
            f"{own.name} was changed on the disk since it was opened here, so it was not saved over. Save this text "
            "under another name, or say which of the two is to stay."
        )
        with st.container(horizontal=True):
            st.button("Keep mine, overwrite the file", on_click=_save, args=(home, True))
            st.button("Take the file, mine can be brought back", on_click=_follow, args=(home,))


def _copy(registry: Registry, home: Path, draft: Draft, declared: str | None) -> None:
    if draft.origin and _shipped(draft):
        html('<p class="quiet">A shipped file stays as it is: yours goes beside it, under a name of its own.</p>')
    wanted = declared or draft.name
    published = (*literature.STRATEGIES, *literature.COUNTEREXAMPLES)
    key = f"workbench_save_{draft.name}"
    usual = free_name(registry, f"my_{wanted}" if wanted in published else wanted)
    st.text_input("Name of the file and of its function", usual, key=key)
    st.button("Save as my own", type="primary", on_click=_save_as, args=(home, key))


def _shipped(draft: Draft) -> bool:
    return bool(draft.origin) and drafts.mine(draft.origin, FOLDER) is None


def _refused(done: str = "saved") -> bool:
    """Whether this server saves nothing, which is then told; a disabled button is no protection."""
    if reason := refusal():
        note(f"It was not {done}: {reason}")
    return reason is not None


def _save(home: Path, over: bool = False) -> None:
    draft = caught_up(home)
    if _refused():
        return
    try:
        saved = drafts.save(home, draft, FOLDER, over=over)
    except drafts.Taken:
        st.session_state[TAKEN] = draft.name
        return
    except (RegistryError, OSError) as reason:
        note(f"It was not saved: {reason}")
        return
    st.session_state.pop(TAKEN, None)
    note(f"Saved in {saved.origin}.")
    if saved.text != draft.text:
        renew(saved)


def _save_as(home: Path, field: str) -> None:
    """field: the key of the name's field; a click may bring what was typed there, which no page was drawn with yet."""
    draft, against, name = caught_up(home), st.query_params.get("workbench_against"), st.session_state[field]
    if _refused():
        return
    try:
        saved = drafts.save(home, draft, FOLDER, name)
    except FileExistsError:
        note(f"It was not saved: there is a file {name}.py by now. Choose another name.")
        return
    except (RegistryError, OSError) as reason:
        note(f"It was not saved: {reason}")
        return
    take(saved, against)
    note(f"Saved in {saved.origin}. It is a {saved.kind} of yours now, in the matrix too.")


def _undo(home: Path) -> None:
    draft = caught_up(home)
    _put(home, draft, text=draft.base, undone=draft.text)


def _redo(home: Path) -> None:
    draft = caught_up(home)
    _put(home, draft, text=draft.undone, undone=None)


def _follow(home: Path) -> None:
    draft = caught_up(home)
    if _refused():
        return
    st.session_state.pop(TAKEN, None)
    text = drafts.on_disk(draft, FOLDER)
    if text is not None:
        _put(home, draft, text=text, base=text, undone=draft.text)


def _put(home: Path, draft: Draft, **changes: object) -> None:
    try:
        renew(drafts.put(home, draft, **changes))
    except drafts.Overtaken:
        note("The draft was changed in another tab, and is shown as it is now.")


def _withdraw(home: Path) -> None:
    draft = caught_up(home)
    if _refused("removed"):
        return
    try:
        left = drafts.withdraw(home, draft, FOLDER)
    except (RegistryError, OSError) as reason:
        note(f"It was not removed: {reason}")
        return
    note(f"{Path(str(draft.origin)).name} was removed. Its text is this draft; discard that too, or save it again.")
    renew(left)


def _discard(home: Path) -> None:
    try:
        drafts.discard(home, caught_up(home))
    except drafts.Overtaken:
        note("The draft was changed in another tab, so it was not discarded.")
        return
    except (RegistryError, OSError) as reason:
        note(f"It was not discarded: {reason}")
        return
    lay_down()
