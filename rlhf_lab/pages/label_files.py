"""Labels as files, to and from the browser."""

import tempfile
from pathlib import Path
from typing import Literal

import streamlit as st

from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError
from rlhf_lab.label_files import import_labels, labels_text
from rlhf_lab.pages.label_state import raters_of

__all__ = ["exchange"]


def exchange(store: Store, pool: str, who: str) -> None:
    """Controls that give the labels of a pool as a file, and take a file of labels for one rater."""
    out, into = st.columns(2, gap="large")
    with out:
        st.subheader("Export", anchor=False)
        whose = st.selectbox("Whose labels", ["all raters", *raters_of(store, pool)], key=f"label_whose:{pool}")
        every = st.toggle("Undone ones too", key="label_events", help="Every event in the order of time.")
        row = st.columns(2)
        for column, suffix in zip(row, ("csv", "jsonl"), strict=True):
            name = f"{pool}{'' if whose == 'all raters' else '-' + whose}.{suffix}"
            column.download_button(  # what is labelled by then, though this part of the page is not drawn again
                suffix.upper(), _writer(store, pool, suffix, whose, every), file_name=name, on_click="ignore",
                key=f"label_{suffix}", width="stretch",
            )  # fmt: skip
    with into:
        st.subheader("Import", anchor=False)
        if not who:
            st.caption("Say above whose labels they are.")
            return
        given = st.file_uploader(
            "A file of labels", type=["csv", "jsonl"], key="label_file",
            help="Columns: label (-1, 0, 1 or negative, neutral, positive), and id or text. A file is taken whole or "
            "not at all.",
        )  # fmt: skip
        told = st.session_state.pop("label_imported", None)
        if given is not None and st.button(f"Import as labels of {who}", type="primary", key="label_import"):
            try:
                told = _import(store, pool, given.name, given.getvalue(), who)
            except InputError as reason:
                st.error(str(reason))
            else:
                st.session_state["label_imported"] = told
                st.session_state.pop("sittings", None)  # the queue is another now
                st.rerun()
        if told:
            st.success(told)


def _writer(store: Store, pool: str, suffix: str, whose: str, every: bool) -> "_Write":
    return _Write(store, pool, suffix, None if whose == "all raters" else whose, "events" if every else "current")


class _Write:
    """The file's content, made when it is asked for."""

    def __init__(
        self, store: Store, pool: str, suffix: str, rater: str | None, what: Literal["current", "events"]
    ) -> None:
        self.given = store, pool, Path(f"labels.{suffix}")
        self.rater, self.what = rater, what

    def __call__(self) -> bytes:
        return labels_text(*self.given, rater=self.rater, what=self.what)[0].encode()


def _import(store: Store, pool: str, name: str, content: bytes, who: str) -> str:
    """Raises InputError that speaks of the file by the name that the user gave it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"labels{Path(name).suffix}")
        path.write_bytes(content)
        try:
            found = import_labels(store, pool, path, who)
        except InputError as reason:
            raise InputError(str(reason).replace(str(path), name)) from reason
    return f"{name}: {found.new} labels are new, {found.changed} changed, {found.unchanged} as before."
