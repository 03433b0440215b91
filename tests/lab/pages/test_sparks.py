"""Small plots: thinning loses no spike, and what is undefined draws nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elk_sandbox.palette import ACCENT
from rlhf_lab.pages import curves, region
from rlhf_lab.pages.sparks import small, thinned


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=2000), st.integers(10, 300))
def test_thinned_points_are_some_of_the_points_with_their_extremes(values: list[float], most: int) -> None:
    points = list(enumerate(values))
    kept = thinned(points, most)
    assert len(kept) <= max(most, 2) + 1
    assert set(kept) <= set(points)
    assert [step for step, _ in kept] == sorted(step for step, _ in kept)
    assert min(v for _, v in kept) == min(values) and max(v for _, v in kept) == max(values)


def test_a_plot_of_nothing_is_none_and_of_one_value_a_line() -> None:
    assert small("loss", [(0, math.nan)], ACCENT) is None
    one = small("loss", [(3, 2.0)], ACCENT)
    assert one is not None and one["line"] == "0.0,100.0 300,100.0" and one["last"] == "2"


@pytest.mark.parametrize(("high", "limit"), [(4.0, None), (6.0, 0.0), (20.0, 50.0)])
def test_a_limit_is_drawn_once_the_line_has_come_half_as_far(high: float, limit: float | None) -> None:
    plot = small("KL", [(0, 0.0), (5, high)], ACCENT, limit=10.0)
    assert plot is not None
    assert (plot["limit"] and plot["limit"]["at"]) == limit
    assert plot["told"] == f"KL: from 0 at step 0 to {high:g} at step 5"


@pytest.mark.parametrize(("high", "under"), [(10.18, True), (40.0, False)])
def test_a_limit_near_the_top_is_named_below_its_line_and_not_over_the_title(high: float, under: bool) -> None:
    plot = small("KL", [(0, 0.0), (5, high)], ACCENT, limit=10.0)
    assert plot is not None and plot["limit"]["under"] == under


def test_what_rounds_to_nought_has_no_sign() -> None:
    assert region._minus(-0.001) == "0.00" and region._minus(-0.01) == "\N{MINUS SIGN}0.01"


@pytest.mark.parametrize(("values", "domain"), [([0.0, -0.0, None], [-1, 1]), ([0.0, 2.0, None], None)])
def test_an_axis_of_zeros_has_a_scale(values: list[float | None], domain: list[int] | None) -> None:
    plotted = {"scores": {"gold": {"mean": values, "error": [0.0, 0.0, None]}}, "best": []}
    scale = curves._y("gold", plotted, [], ["gold"]).to_dict().get("scale")
    assert (scale and scale["domain"]) == domain
