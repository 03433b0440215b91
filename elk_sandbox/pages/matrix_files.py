"""The matrix as files: a table at once, and a picture that the command line draws in a process of its own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from elk_sandbox.matrix import as_csv
from elk_sandbox.pages.access import refusal
from elk_sandbox.runtime.detached import Detached, command

__all__ = ["Picture", "downloads"]


@dataclass(frozen=True)
class Picture:
    """A picture of these cells, named by their content."""

    home: Path
    proposals: Sequence[str]
    counterexamples: Sequence[str]
    keys: Sequence[str]

    @property
    def path(self) -> Path:
        order = [*self.proposals, "", *self.counterexamples, "", *self.keys]
        return self.home / "pictures" / f"matrix-{hashlib.sha256(' '.join(order).encode()).hexdigest()[:20]}.png"

    @property
    def job(self) -> Detached:
        return Detached(self.path.parent, self.path.stem)

    def start(self) -> bool:
        """Have it drawn; False if that is on its way. Raises OSError."""
        names = ["--proposals", ",".join(self.proposals), "--counterexamples", ",".join(self.counterexamples)]
        drawing = command("elk_sandbox", self.home, "matrix", *names, "--png", str(self.path))
        return self.job.start([*drawing, "--json"], [str(self.path)])


def downloads(picture: Picture, cells: Sequence[Mapping[str, Any]], *, whole: bool) -> None:
    """Buttons for both. whole: every cell that is shown is judged, so that the picture can be drawn."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "CSV", lambda: as_csv(cells), file_name="matrix.csv", mime="text/csv", on_click="ignore",
            help="A line for each cell that is shown and judged.",
        )  # fmt: skip
        drawing, asked = picture.job.running, picture.job.asked
        if picture.path.exists():
            st.download_button(
                "PNG", picture.path.read_bytes(), file_name="matrix.png", mime="image/png", on_click="ignore"
            )
        elif drawing:
            st.button("PNG: being drawn", disabled=True, key="matrix_png")
        else:
            why = refusal() or (None if whole else "Every cell that is shown is to be judged first.")
            st.button("Draw a PNG", disabled=bool(why), help=why, on_click=_draw, args=(picture,), key="matrix_png")
            if asked and whole:
                st.error(f"It was not drawn. The last that was said: {picture.job.last_line()}")


def _draw(picture: Picture) -> None:
    try:
        picture.start()
    except OSError as reason:
        st.session_state["matrix picture"] = str(reason)
