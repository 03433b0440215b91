"""Figures: what is drawn lies where the numbers are, in colours that can be told apart, and is told in words."""

import io
import sys
from itertools import combinations

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from elk_sandbox.palette import PAPER, QUIET
from rlhf_lab.axes import draw_law, draw_peak, draw_points, draw_stop, legend, nats_above, set_reach
from rlhf_lab.best_of_n import frontier
from rlhf_lab.figures import (
    Picture,
    clip_picture,
    diversity_picture,
    factors_picture,
    gold_picture,
    kl_picture,
    reward_picture,
)
from rlhf_lab.growth import growth
from rlhf_lab.laws import Fit, Gain, fit
from rlhf_lab.looks import LOOKS
from rlhf_lab.overoptimization import Curve, gain_of_best_of_n, gain_of_run
from tests.lab.simulated import pool, run
from tests.test_pictures import contrast, rgb, seen_without_red_receptors

CURVE = run()
STOP = 8.0
STEPS = np.arange(40.0)


def law_of(scores: np.ndarray) -> Fit:
    return fit("rl", gain_of_run(CURVE, scores, np.random.default_rng(1), draws=200))


def gold() -> Picture:
    rng = np.random.default_rng(2)
    proxy = rng.normal(size=2000)
    best = pool()
    return gold_picture(
        CURVE, law_of(CURVE.gold), law_of(CURVE.proxy), STOP, best=best,
        best_gold=fit("best-of-n", gain_of_best_of_n(best)),
        best_proxy=fit("best-of-n", gain_of_best_of_n(best, "proxy")),
        optimal=frontier(proxy, 0.2 * proxy, np.linspace(0, 2, 9)),
    )  # fmt: skip


def reward() -> Picture:
    rng = np.random.default_rng(3)
    predicted = rng.random(400)
    label = (rng.random(400) < predicted).astype(float)
    return reward_picture(predicted, label, rng.normal(size=50), rng.normal(size=50), "gold")


def clip() -> Picture:
    return clip_picture(STEPS, 0.05 * np.exp(-STEPS), 0.03 * np.exp(-STEPS))


PICTURES = {
    "gold": (gold, {"gold", "proxy", "second", "best_of_n", "frontier"}),
    "factors": (lambda: factors_picture(CURVE, STOP), {"gold", "sentiment", "well_formed"}),
    "diversity": (lambda: diversity_picture(CURVE, STOP), {"entropy", "distinct", "duplicates", "overlap"}),
    "kl": (lambda: kl_picture(STEPS, (0.1 * STEPS) ** 2, growth(STEPS, (0.1 * STEPS) ** 2), STOP), {"kl"}),
    "reward": (reward, {"proxy"}),
    "clip": (clip, {"outside", "binding"}),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_its_colours_and_no_others(name: str) -> None:
    make, meanings = PICTURES[name]
    picture = make()
    assert picture.name == name and picture.png.startswith(b"\x89PNG")
    pixels = np.rint(image.imread(io.BytesIO(picture.png))[..., :3] * 255).astype(int)
    assert pixels.shape[1] == 1280 and 500 < pixels.shape[0] < 1300
    assert tuple(pixels[0, 0]) == rgb(PAPER.light)
    drawn = {m: look for m, look in LOOKS.items() if look.colour != QUIET}  # which words on the picture have, too
    areas = {meaning: (pixels == rgb(look.colour.light)).all(axis=2).sum() for meaning, look in drawn.items()}
    shared = {LOOKS[meaning].colour for meaning in meanings}
    for meaning, area in areas.items():
        assert (area > 100) == (LOOKS[meaning].colour in shared), (meaning, area)
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_the_words_hold_the_numbers() -> None:
    told, mean = gold(), CURVE.gold.mean(axis=1)
    top = int(mean.argmax())
    assert f"{mean[top] - mean[0]:.2g} at {CURVE.nats[top]:.2g}" in told.alt
    assert f"{mean[-1] - mean[0]:.2g} at {CURVE.nats[-1]:.2g} nats" in told.alt
    assert law_of(CURVE.gold).peak.words in told.alt
    assert "R squared 1.000" in PICTURES["kl"][0]().alt
    assert f"{CURVE.well_formed.mean(axis=1)[-1]:.2g} at" in factors_picture(CURVE, STOP).alt  # type: ignore[union-attr]


def test_what_is_not_there_is_not_drawn() -> None:
    bare = Curve("bare", CURVE.steps, CURVE.kl, CURVE.proxy, CURVE.gold, entropy=CURVE.entropy)
    assert "distinct" not in diversity_picture(bare, STOP).alt
    with pytest.raises(ValueError, match="gold of bare is not made of two factors"):
        factors_picture(bare, STOP)
    with pytest.raises(ValueError, match="no diversity of bare"):
        diversity_picture(Curve("bare", CURVE.steps, CURVE.kl, CURVE.proxy, CURVE.gold), STOP)
    without = gold_picture(bare, law_of(CURVE.gold), law_of(CURVE.proxy), STOP)
    assert without.png and "second reward model" not in without.caption
    assert "The second reward model, as the proxy, is in standard deviations" in gold().caption


def test_a_fit_that_failed_is_left_out() -> None:
    """Two points fit no law, scores without variance have no rank: the pictures are made all the same."""
    short = CURVE.until(0.3)
    none = fit("rl", gain_of_run(short, short.gold, np.random.default_rng(0), draws=10))
    assert "no fit" in gold_picture(short, none, none, STOP).alt
    assert "nan" in reward_picture(np.full(5, 0.5), np.ones(5), np.ones(5), np.ones(5), "gold").alt


def test_colours_are_legible_and_told_apart() -> None:
    for look in LOOKS.values():
        assert contrast(look.colour.light, PAPER.light) >= 3 and contrast(look.colour.dark, PAPER.dark) >= 3
    for _, meanings in PICTURES.values():
        for one, other in combinations(meanings, 2):
            a, b = LOOKS[one], LOOKS[other]
            apart = np.abs(seen_without_red_receptors(a.colour.light) - seen_without_red_receptors(b.colour.light))
            assert a.mark != b.mark or apart.max() > 0.1, (one, other)


def axes() -> tuple[Figure, object]:
    figure = Figure()
    return figure, figure.subplots()


def fitted(a: float, b: float, noise: float) -> Fit:
    d = np.linspace(0, 4, 9)
    gain = d * (a - b * d)
    draws = gain + noise * np.random.default_rng(0).normal(size=(100, 9))
    return fit("best-of-n", Gain(d, gain, np.broadcast_to(d, draws.shape), draws))


def test_points_carry_bars_of_two_errors() -> None:
    _, drawn = axes()
    draw_points(drawn, "gold", np.array([1.0, 2.0]), np.array([0.5, 0.7]), np.array([0.1, 0.2]))  # type: ignore[arg-type]
    bars = drawn.collections[0].get_segments()  # type: ignore[attr-defined]
    np.testing.assert_allclose(bars, [[[1, 0.3], [1, 0.7]], [[2, 0.3], [2, 1.1]]])


def test_a_law_is_drawn_as_its_fit_and_band() -> None:
    _, drawn = axes()
    found = fitted(0.8, 0.2, 0.05)
    draw_law(drawn, "gold", found, 4.0)  # type: ignore[arg-type]
    x, y = drawn.lines[0].get_data()  # type: ignore[attr-defined]
    np.testing.assert_allclose(y, found(x))
    outline = drawn.collections[0].get_paths()[0].vertices  # type: ignore[attr-defined]
    low, high = found.band(np.array([x[-1]]))[:, 0]
    assert {low, high} <= set(outline[np.isclose(outline[:, 0], x[-1]), 1])


def test_the_peak_is_where_the_fit_has_it_and_its_bar_ends_with_the_axes() -> None:
    _, drawn = axes()
    drawn.set_xlim(0, 4)  # type: ignore[attr-defined]
    found = fitted(0.8, 0.2, 0.05)
    draw_peak(drawn, found)  # type: ignore[arg-type]
    bar, star = drawn.lines  # type: ignore[attr-defined]
    assert star.get_xydata()[0] == pytest.approx((found.peak.d, found.peak.value))
    assert tuple(bar.get_xdata()) == pytest.approx(found.peak.d_interval)
    _, open_ended = axes()
    open_ended.set_xlim(0, 4)  # type: ignore[attr-defined]
    draw_peak(open_ended, fitted(0.8, 0.12, 0.4))  # type: ignore[arg-type]
    assert open_ended.lines[0].get_xdata()[1] == 4  # type: ignore[attr-defined]
    assert "∞" in open_ended.texts[0].get_text()  # type: ignore[attr-defined]
    _, empty = axes()
    draw_peak(empty, fitted(0.8, -0.1, 0.01))  # type: ignore[arg-type]
    assert not empty.lines and not empty.texts  # type: ignore[attr-defined]


def test_nats_stand_above_their_square_roots() -> None:
    figure, drawn = axes()
    assert set_reach(drawn, np.array([0.0, 1.0]), 6.0) > np.sqrt(6)  # type: ignore[arg-type]
    assert set_reach(drawn, np.array([0.0, 5.0]), 6.0) == pytest.approx(5.2)  # type: ignore[arg-type]
    draw_stop(drawn, 6.0, True)  # type: ignore[arg-type]
    assert drawn.texts[0].get_text() == " 6 nats"  # type: ignore[attr-defined]
    nats_above(drawn)  # type: ignore[arg-type]
    figure.draw_without_rendering()
    above = drawn.child_axes[0]  # type: ignore[attr-defined]
    ticks = {label.get_text(): label.get_window_extent() for label in above.get_xticklabels()}
    stop = drawn.transData.transform((drawn.lines[0].get_xdata()[0], 0))[0]  # type: ignore[attr-defined]
    assert (ticks["6"].x0 + ticks["6"].x1) / 2 == pytest.approx(stop, abs=1)
    assert {"0", "25"} <= set(ticks) and "30" not in ticks


def test_the_legend_names_each_meaning_once() -> None:
    figure = Figure()
    panels = figure.subplots(2)
    for drawn in panels:
        for name in ("second", "gold"):
            draw_points(drawn, name, np.ones(1), np.ones(1), None)
    legend(figure, list(panels))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["gold", "second reward model"]
