"""Episodes of the vault as film strips: honest ones, and each trick where it fools the viewer. matplotlib draws."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from elk_sandbox.learned.vault import Knobs, episodes_of
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.palette import ACCENT, INK, PAPER, QUIET
from elk_sandbox.pictures import DPI, save
from elk_sandbox.worlds import vault

__all__ = ["film_png", "picked"]

SIDE, GAP, LEFT, ROW = 1.1, 0.12, 2.9, 1.25  # inches of a frame, between two, before the first, and from row to row
TOP, BOTTOM = 0.75, 0.5
DARK, GREY, SHOWN = (0.11, 0.125, 0.14), (0.55, 0.58, 0.62), (1.0, 0.8, 0.25)


def picked(episodes: vault.Episodes) -> list[tuple[int, str]]:
    """An honest episode of either truth and one of each trick that fools the viewer, all with a reveal; and words."""
    story, looks = episodes.story, vault.viewer(episodes.frames) > 0.5
    shown, found = story.revealed < vault.FRAMES - 1, []
    for k, kind in enumerate(vault.KINDS):
        for truth in (1, 0) if kind == "honest" else (0,):
            fits = (story.kind == k) & (story.truth == truth) & (looks == (kind != "honest" or truth == 1)) & shown
            if fits.any():
                n = int(np.flatnonzero(fits)[0])
                found.append((n, f"{kind}\nthe diamond is {'there' if truth else 'stolen'}"))
    return found


def film_png(world: LearnedWorld, path: Path) -> None:
    """Draw episodes of a vault. Raises WorldError for another world, OSError."""
    from matplotlib.figure import Figure

    if "knobs" not in world.about or not world.name.startswith("vault"):
        raise WorldError(f"{world.name} has no picture: only the vault is filmed")
    episodes = episodes_of(Knobs(**world.about["knobs"]))
    chosen = picked(episodes)
    aspect = vault.WIDTH / vault.HEIGHT
    wide = LEFT + vault.FRAMES * (SIDE * aspect + GAP) + 0.2
    high = TOP + ROW * len(chosen) + BOTTOM
    figure = Figure(figsize=(wide, high), dpi=DPI, facecolor=PAPER.light)
    for row, (n, words) in enumerate(chosen):
        y = high - TOP - ROW * (row + 1) + (ROW - SIDE)
        figure.text(0.2 / wide, (y + SIDE / 2) / high, words, fontsize=10, color=INK.light, va="center")
        revealed = int(episodes.story.revealed[n])
        for t in range(vault.FRAMES):
            x = LEFT + t * (SIDE * aspect + GAP)
            axes = figure.add_axes((x / wide, y / high, SIDE * aspect / wide, SIDE / high))
            axes.imshow(_coloured(episodes.frames[n, t]), interpolation="nearest", aspect="auto")
            axes.set(xticks=[], yticks=[])
            edge = ACCENT.light if t == vault.JUDGED else "#b8402a" if t == revealed else "#c9ced4"
            for spine in axes.spines.values():
                spine.set(color=edge, linewidth=3 if edge != "#c9ced4" else 0.6)
            if not row:
                _head(figure, (x + SIDE * aspect / 2) / wide, (high - TOP + 0.12) / high, t)
    figure.text(
        0.2 / wide, 0.2 / high,
        "Left half: first camera. Middle: lamps of scale and wire. Right half: second camera, dark until it comes on. "
        "Blue frame: what people judge. Red frame: the reveal.",
        fontsize=9, color=QUIET.light,
    )  # fmt: skip
    save(figure, path)


def _head(figure: Any, x: float, y: float, t: int) -> None:
    words = f"{t}, judged" if t == vault.JUDGED else str(t)
    figure.text(x, y, words, ha="center", fontsize=9, color=ACCENT.light if t == vault.JUDGED else QUIET.light)


def _coloured(frame: UInt8[np.ndarray, "height width"]) -> np.ndarray:
    """Robber and screen grey, diamond and lamps yellow, the lamps' column lighter than the cameras' pictures."""
    colours = np.empty((*frame.shape, 3))
    colours[:] = DARK
    colours[:, vault.COLUMNS] = (0.9, 0.91, 0.93)
    colours[frame == 1] = GREY
    colours[vault.FLOOR :][frame[vault.FLOOR :] == 1] = SHOWN
    for row, column in vault.LAMPS.values():
        colours[row, column] = SHOWN if frame[row, column] else (0.75, 0.77, 0.8)
    return colours
