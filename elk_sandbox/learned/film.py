"""Episodes of the vault as film strips: honest ones, and each trick where it fools the viewer. matplotlib draws."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from elk_sandbox.learned.vault import Knobs, episodes_of
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.palette import ACCENT, INK, LINE, PAPER, QUIET
from elk_sandbox.pictures import DPI, save
from elk_sandbox.worlds import vault

__all__ = ["film_png", "picked"]

SIDE, GAP, LEFT, ROW = 1.1, 0.12, 2.9, 1.25  # inches of a frame, between two, before the first, and from row to row
TOP, BOTTOM = 0.6, 0.5
DARK, GREY, SHOWN = (0.11, 0.125, 0.14), (0.55, 0.58, 0.62), (1.0, 0.8, 0.25)
WALL, UNLIT = (0.9, 0.91, 0.93), (0.75, 0.77, 0.8)
REVEAL = "#b8402a"
LEGEND = (
    "Left: first camera. Middle: lamps of scale and wire. Right: second camera, dark until it comes on. "
    "Blue: what people judge. Red: the reveal."
)


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
    from matplotlib.patches import Rectangle

    if "knobs" not in world.about or not world.name.startswith("vault"):
        raise WorldError(f"{world.name} has no picture: only the vault is filmed")
    episodes = episodes_of(Knobs(**world.about["knobs"]))
    chosen = picked(episodes)
    step = SIDE * vault.WIDTH / vault.HEIGHT + GAP
    wide, high = LEFT + vault.FRAMES * step + 0.2, TOP + ROW * len(chosen) + BOTTOM
    figure = Figure(figsize=(wide, high), dpi=DPI, facecolor=PAPER.light)
    axes = figure.add_axes((0, 0, 1, 1))  # in inches
    axes.axis("off")
    for t in range(vault.FRAMES):
        words, ink = (f"{t}, judged", ACCENT.light) if t == vault.JUDGED else (str(t), QUIET.light)
        axes.text(LEFT + t * step + (step - GAP) / 2, high - TOP + 0.15, words, ha="center", fontsize=9, color=ink)
    for row, (n, words) in enumerate(chosen):
        y = high - TOP - ROW * (row + 1) + (ROW - SIDE)
        axes.text(0.2, y + SIDE / 2, words, fontsize=10, color=INK.light, va="center")
        for t, frame in enumerate(episodes.frames[n]):
            x = LEFT + t * step
            axes.imshow(_coloured(frame), extent=(x, x + step - GAP, y, y + SIDE), interpolation="nearest")
            edge, width = (LINE.light, 0.8)
            if t in (vault.JUDGED, episodes.story.revealed[n]):
                edge, width = (ACCENT.light if t == vault.JUDGED else REVEAL), 3
            axes.add_patch(Rectangle((x, y), step - GAP, SIDE, fill=False, edgecolor=edge, linewidth=width))
    axes.text(0.2, 0.2, LEGEND, fontsize=9, color=QUIET.light)
    axes.set(xlim=(0, wide), ylim=(0, high), aspect="auto")
    save(figure, path)


def _coloured(frame: UInt8[np.ndarray, "height width"]) -> np.ndarray:
    """Robber and screen grey, diamond and lamps yellow, the lamps' column lighter than the cameras' pictures."""
    colours = np.empty((*frame.shape, 3))
    colours[:] = DARK
    colours[:, vault.COLUMNS] = WALL
    colours[frame == 1] = GREY
    colours[vault.FLOOR :][frame[vault.FLOOR :] == 1] = SHOWN
    for row, column in vault.LAMPS.values():
        colours[row, column] = SHOWN if frame[row, column] else UNLIT
    return colours
