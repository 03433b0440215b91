"""Pictures hold what they should: pixels of the right colour in the right place, and sums that add up."""

import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path as Curve

from elk_sandbox import palette, worlds
from elk_sandbox.layered import layout
from elk_sandbox.palette import STATES, Colour, state
from elk_sandbox.pictures import matrix_png
from elk_sandbox.world_picture import groups, world_figure, world_png
from tests import sample

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def cells() -> list[dict[str, Any]]:
    return list(sample.cells().values())


def rgb(colour: str) -> tuple[int, int, int]:
    return tuple(bytes.fromhex(colour[1:]))  # type: ignore[return-value]


def area(picture: Path, colour: Colour) -> int:
    """In pixels."""
    pixels = np.rint(image.imread(picture)[..., :3] * 255).astype(int)
    return int((pixels == rgb(colour.light)).all(axis=2).sum())


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(colour))]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def seen_without_red_receptors(colour: str) -> np.ndarray:
    """Protanopia after Vienot, Brettel and Mollon (1999), in linear RGB."""
    linear = np.array([(v / 255) ** 2.2 for v in rgb(colour)])
    return np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]) @ linear


def test_the_cells_show_what_the_picture_tests_need(cells: list[dict[str, Any]]) -> None:
    assert {state(c) for c in cells} >= {"strict", "good"}
    assert any(c["contested"] for c in cells)


def test_signs_differ_and_are_legible() -> None:
    assert len({s.sign for s in STATES.values()}) == len(STATES)
    for shown in STATES.values():
        assert contrast(shown.fill.light, shown.ink.light) >= 4.5
        assert contrast(shown.fill.dark, shown.ink.dark) >= 4.5
    for text in (palette.INK, palette.QUIET, palette.ACCENT):
        assert contrast(text.light, palette.PAPER.light) >= 4.5
        assert contrast(text.dark, palette.PAPER.dark) >= 4.5


def test_killed_and_survives_differ_for_the_colour_blind() -> None:
    for killed in ("strict", "tie"):
        for survives in ("survives", "good"):
            for ground in ("light", "dark"):
                a, b = (seen_without_red_receptors(getattr(STATES[k].fill, ground)) for k in (killed, survives))
                assert np.abs(a - b).max() > 0.1, (killed, survives, ground)


def test_the_app_has_the_colours_of_the_palette() -> None:
    theme = tomllib.loads((REPOSITORY / ".streamlit/config.toml").read_text())["theme"]
    for ground in ("light", "dark"):
        assert theme[ground]["backgroundColor"] == getattr(palette.PAPER, ground)
        assert theme[ground]["textColor"] == getattr(palette.INK, ground)
        assert theme[ground]["primaryColor"] == getattr(palette.ACCENT, ground)
        assert theme[ground]["borderColor"] == getattr(palette.LINE, ground)


def test_a_matrix_has_a_cell_for_each_verdict(cells: list[dict[str, Any]], tmp_path: Path) -> None:
    """The area of a colour beyond that of its swatch in the legend is that of its cells, and of half cells."""
    counted = dict.fromkeys(STATES, 0.0)
    for cell in cells:
        counted[state(cell)] += 0.5 if cell["contested"] else 1
        if cell["contested"]:
            counted[state(cell["contested"])] += 0.5
    matrix_png(cells, tmp_path / "deep" / "matrix.png")
    shown = {name: area(tmp_path / "deep/matrix.png", s.fill) for name, s in STATES.items()}
    swatch = shown["error"]
    one = (shown["strict"] - swatch) / counted["strict"]
    assert one > 3 * swatch > 0
    for name, many in counted.items():
        assert (shown[name] - swatch) / one == pytest.approx(many, abs=0.25), name


def test_a_disagreement_is_framed(cells: list[dict[str, Any]], tmp_path: Path) -> None:
    marked = [{**c, "agrees": False} if c["literature"] else c for c in cells]
    matrix_png(cells, tmp_path / "agree.png")
    matrix_png(marked, tmp_path / "disagree.png")
    assert area(tmp_path / "disagree.png", palette.INK) > 1.2 * area(tmp_path / "agree.png", palette.INK)


def test_no_cells_are_no_matrix(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one cell"):
        matrix_png([], tmp_path / "matrix.png")


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_groups_of_situations_add_up(name: str) -> None:
    world = worlds.find(name)()
    for q in range(len(world.questions)):
        found = groups(world, q)
        assert sum(g[3] for g in found) == pytest.approx(1)
        assert sum(g[4] for g in found) == len(world.weights)
        fooled = (world.beliefs["viewer"][:, q] > 0.5) & (world.truth[:, q] == 0)
        assert sum(g[3] for g in found if g[1:3] == ("yes", "no")) == pytest.approx(world.weights[fooled].sum())


def test_groups_of_the_screen_are_the_papers() -> None:
    found = {g[:3]: g[3] for g in groups(worlds.screen(), 0)}
    assert found == pytest.approx(
        {
            ("viewer's data", "yes", "yes"): 0.45,
            ("viewer's data", "no", "no"): 0.45,
            ("outside all data", "yes", "yes"): 0.01,
            ("outside all data", "yes", "no"): 0.09,
        }
    )


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_a_layout_points_down_and_nothing_overlaps(name: str) -> None:
    world = worlds.find(name)()
    place, bends = layout(world)
    assert set(place) == set(world.nodes)
    points = [*place.values(), *(p for inner in bends.values() for p in inner)]
    for a, b in world.edges:
        heights = [place[a][1], *(y for _, y in bends[a, b]), place[b][1]]
        assert np.diff(heights).tolist() == [-1] * (len(heights) - 1)
    by_layer: dict[float, list[float]] = {}
    for x, y in points:
        by_layer.setdefault(y, []).append(x)
    for xs in by_layer.values():
        assert np.diff(sorted(xs)).min(initial=1) > 0.5


@pytest.mark.parametrize("name", worlds.STANDARD)
def test_a_worlds_words_are_legible_and_no_line_crosses_them(name: str) -> None:
    figure = world_figure(worlds.find(name)(), name)
    renderer = FigureCanvasAgg(figure).get_renderer()
    (axes,) = figure.axes
    edges = [p for p in axes.patches if isinstance(p, FancyArrowPatch)]
    nodes = {t.get_text(): t.get_window_extent(renderer) for t in axes.texts}
    texts = [(t.get_text(), t.get_window_extent(renderer)) for t in (*axes.texts, *figure.texts)]
    assert edges and nodes
    lines = [
        line for e in edges for line in e.get_transform().transform_path(e.get_path()).to_polygons(None, 0, 0, False)
    ]
    for words, box in nodes.items():
        assert not any(Curve(line).intersects_bbox(box, filled=False) for line in lines), words
    for (words, box), (others, beside) in combinations(texts, 2):
        assert not box.overlaps(beside), (words, others)
    width = figure.get_figwidth() * figure.dpi
    for text in (*axes.texts, *figure.texts):
        pixels = text.get_fontsize() / 72 * figure.dpi * min(1, 1280 / width)
        assert pixels >= 11, text.get_text()


def test_a_world_is_drawn_with_its_kinds(tmp_path: Path) -> None:
    """A filled square for each pixel of the world, beside the small one of the legend."""
    pixel, areas = Colour("#fbe3d0", ""), {}
    for name, pixels in (("screen", 1), ("two_cue", 2), ("tricks", 4)):
        world_png(worlds.find(name)(), name, tmp_path / f"{name}.png")
        areas[pixels] = area(tmp_path / f"{name}.png", pixel)
    one = areas[2] - areas[1]
    assert one > 200
    assert areas[4] - areas[2] == pytest.approx(2 * one, rel=0.1)
    assert areas[1] < 2 * one
