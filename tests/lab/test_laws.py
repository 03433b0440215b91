"""The laws: recovered exactly without noise, as numpy and scipy fit them, and with intervals that cover."""

from typing import get_args

import numpy as np
import pytest
from scipy import optimize

from rlhf_lab.laws import Gain, Law, fit, predict

TRUE: dict[Law, tuple[float, float]] = {"best-of-n": (0.5, 0.12), "rl": (0.35, 0.25)}
D = np.linspace(0, 4, 17)


def curve(law: Law, d: np.ndarray, a: float, b: float) -> np.ndarray:
    return d * (a - b * d) if law == "best-of-n" else d * (a - b * np.log(np.where(d > 0, d, 1)))


def without_noise(law: Law, a: float, b: float, error: float = 0.0) -> Gain:
    gain = curve(law, D, a, b)
    noise = error * np.random.default_rng(0).normal(size=(50, len(D)))
    return Gain(D, gain, np.broadcast_to(D, noise.shape), gain + noise)


def with_noise(law: Law, rng: np.random.Generator, noise: float = 1.0) -> Gain:
    """Each checkpoint has normal scores round the law, and so has the original model that they are recentred on."""
    completions, draws = 200, 300
    scores = curve(law, D, *TRUE[law])[:, None] + noise * rng.normal(size=(len(D), completions))
    again = rng.integers(completions, size=(len(D), draws, completions))
    drawn = np.take_along_axis(scores[:, None], again, axis=2).mean(axis=2).T
    mean = scores.mean(axis=1)
    return Gain(D, mean - mean[0], np.broadcast_to(D, drawn.shape), drawn - drawn[:, :1])


@pytest.mark.parametrize("law", get_args(Law))
def test_exact_points_give_the_law_and_its_peak(law: Law) -> None:
    a, b = TRUE[law]
    found = fit(law, without_noise(law, a, b))
    assert (found.a, found.b) == pytest.approx((a, b), abs=1e-12)
    assert found.r2 == pytest.approx(1)
    top = optimize.minimize_scalar(lambda d: -curve(law, np.array(d), a, b), bounds=(0.01, 10), method="bounded")
    assert found.peak.d == pytest.approx(top.x, abs=1e-5)
    assert found.peak.value == pytest.approx(-top.fun, abs=1e-9)
    assert found.peak.kl == pytest.approx(top.x**2, abs=1e-4)
    assert found.peak.words == f"peak at {found.peak.kl:.3g} nats"
    np.testing.assert_allclose(found(D), curve(law, D, a, b), atol=1e-12)


def test_the_closed_forms_of_the_peaks() -> None:
    (a, b), (c, e) = TRUE["best-of-n"], TRUE["rl"]
    assert fit("best-of-n", without_noise("best-of-n", a, b)).peak.d == pytest.approx(a / (2 * b))
    assert fit("best-of-n", without_noise("best-of-n", a, b)).peak.value == pytest.approx(a**2 / (4 * b))
    assert fit("rl", without_noise("rl", c, e)).peak.d == pytest.approx(np.exp(c / e - 1))
    assert fit("rl", without_noise("rl", c, e)).peak.value == pytest.approx(e * np.exp(c / e - 1))


@pytest.mark.parametrize("law", get_args(Law))
def test_least_squares_is_that_of_numpy_and_scipy(law: Law) -> None:
    rng = np.random.default_rng(1)
    gain = with_noise(law, rng)
    gain = Gain(gain.d, gain.gain, gain.d_draws, gain.gain_draws * rng.uniform(0.5, 2, len(D)))
    found = fit(law, gain)
    kept = D >= 0.5 if law == "rl" else D > 0
    d, y, error = D[kept], gain.gain[kept], gain.error[kept]
    columns = np.stack([d, -(d**2) if law == "best-of-n" else -d * np.log(d)], axis=1)
    solved = np.linalg.lstsq(columns / error[:, None], y / error)[0]
    fitted, _ = optimize.curve_fit(lambda x, a, b: curve(law, x, a, b), d, y, sigma=error)
    assert (found.a, found.b) == pytest.approx(tuple(solved), abs=1e-10)
    assert (found.a, found.b) == pytest.approx(tuple(fitted), abs=1e-5)
    assert (found.used, found.left_out) == (kept.sum(), (~kept).sum())
    one = Gain(D, gain.gain_draws[7], gain.d_draws, gain.gain_draws)
    assert found.draws[7] == pytest.approx((fit(law, one).a, fit(law, one).b), abs=1e-10)


def test_the_rl_law_leaves_out_what_is_near_the_original_model() -> None:
    gain = without_noise("rl", *TRUE["rl"], error=0.1)
    gain.gain[(D > 0) & (D < 0.5)] = 100.0
    assert fit("rl", gain).a == pytest.approx(TRUE["rl"][0], abs=1e-9)
    assert fit("rl", gain).left_out == 2


@pytest.mark.parametrize("law", get_args(Law))
@pytest.mark.slow
def test_intervals_cover(law: Law) -> None:
    """300 simulated experiments; the exact 95 % would be 285, and 270 is 4 standard deviations below."""
    rng, trials = np.random.default_rng(2), 300
    a, b = TRUE[law]
    truth = fit(law, without_noise(law, a, b))
    hits = {"a": 0, "b": 0, "peak": 0, "value": 0, "band": 0, "bias": 0}
    for _ in range(trials):
        gain = with_noise(law, rng)
        found, predicted = fit(law, gain), predict(law, gain, 9.0)
        low, high = found.band(np.array([2.5]))[:, 0]
        for name, (below, above), value in (
            ("a", found.a_interval, a), ("b", found.b_interval, b), ("peak", found.peak.d_interval, truth.peak.d),
            ("value", found.peak.value_interval, truth.peak.value), ("band", (low, high), truth(np.array([2.5]))[0]),
            ("bias", predicted.bias_interval, 0.0),
        ):  # fmt: skip
            hits[name] += below <= value <= above
    assert min(hits.values()) >= 270, hits
    assert max(hits.values()) < trials, hits


def test_a_curve_that_only_rises_has_no_peak() -> None:
    found = fit("rl", without_noise("rl", 0.3, -0.2, error=1e-3))
    assert np.isnan(found.peak.d) and np.isnan(found.peak.value) and np.isnan(found.peak.kl)
    assert found.peak.absent == 1
    assert found.peak.d_interval == (np.inf, np.inf)
    assert "no peak" in found.peak.words


def test_a_peak_beyond_the_points_is_called_so() -> None:
    found = fit("best-of-n", without_noise("best-of-n", 1.0, 0.1, error=1e-3))
    assert found.peak.d == pytest.approx(5)
    assert found.peak.beyond == 1 and found.peak.absent == 0
    assert found.peak.words == "no peak within the 16 nats fitted"


def test_an_uncertain_peak_has_an_open_interval() -> None:
    """b is 0 within its error: in about half of the draws the curve turns, in the others never."""
    found = fit("best-of-n", without_noise("best-of-n", 0.5, 0.0, error=0.2))
    assert 0.1 < found.peak.absent < 0.9
    assert found.peak.d_interval[1] == np.inf and np.isfinite(found.peak.d_interval[0])
    assert found.peak.beyond >= found.peak.absent


def test_a_curve_that_only_falls() -> None:
    found = fit("best-of-n", without_noise("best-of-n", -0.3, 0.1, error=1e-3))
    assert found.peak.d == 0 and found.peak.value == 0 and found.peak.words == "falls from the start"


def test_a_peak_below_all_points_and_one_of_a_law_that_misses_are_not_shown_as_peaks() -> None:
    low = fit("rl", without_noise("rl", -2.0, 2.0))  # at exp(-2) of d, where fitting begins at .5
    assert np.isnan(low.peak.d) and low.peak.words.startswith("falls from the first point fitted")
    gain = without_noise("rl", 0.3, 0.2)
    waves = np.where(np.arange(len(D)) % 2, 1.0, -1.0)
    found = fit("rl", Gain(gain.d, gain.gain + waves, gain.d_draws, gain.gain_draws + waves))
    assert found.r2 < 0.8 and found.peak.words.endswith("but the law misses the curve")


def test_too_few_points_fit_nothing() -> None:
    gain = without_noise("rl", 0.3, 0.2).where(D < 0.9)
    found = fit("rl", gain)
    assert np.isnan([found.a, found.b, found.peak.d, found.r2]).all()
    assert np.isnan(found.band(D)).all()
    assert (found.used, found.left_out, found.peak.words) == (2, 2, "no fit: 2 points, and 3 are needed")


def test_points_without_an_error_are_left_out_and_a_still_score_does_not_decide_alone() -> None:
    gain = without_noise("best-of-n", *TRUE["best-of-n"], error=0.1)
    gain.gain_draws[:, 3] = np.nan
    gain.gain[3] = 7.0
    assert fit("best-of-n", gain).a == pytest.approx(TRUE["best-of-n"][0], abs=1e-9)
    gain.gain[-1] = gain.gain_draws[:, -1] = 0.0  # all gibberish: every completion scores 0
    found = fit("best-of-n", gain)
    assert found(D[-1:])[0] != pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("law", get_args(Law))
def test_prediction_of_high_kl(law: Law) -> None:
    """The right law predicts without bias and better than a constant; a wrong one is found out."""
    gain = with_noise(law, np.random.default_rng(3), noise=0.2)
    found = predict(law, gain, 6.0)
    low, high = D**2 <= 6, D**2 > 6
    np.testing.assert_allclose(found.d, D[high])
    np.testing.assert_allclose(found.predicted, fit(law, gain.where(low))(D[high]))
    assert found.bias_interval[0] <= 0 <= found.bias_interval[1]
    assert found.rmse == pytest.approx(np.sqrt(np.mean((found.predicted - gain.gain[high]) ** 2)))
    used = low & (D >= 0.5 if law == "rl" else D > 0)
    constant = np.sqrt(np.mean((gain.gain[used].mean() - gain.gain[high]) ** 2))
    assert found.rmse_constant == pytest.approx(constant)
    assert found.ratio == pytest.approx(found.rmse / constant) and found.ratio < 0.5
    assert found.ratio_interval[1] < 1
    bent = Gain(gain.d, np.minimum(gain.gain, 0.2), gain.d_draws, np.minimum(gain.gain_draws, 0.2))
    wrong = predict(law, bent, 1.5)
    assert not wrong.bias_interval[0] <= 0 <= wrong.bias_interval[1]


def test_nothing_beyond_the_split_is_nan() -> None:
    found = predict("rl", without_noise("rl", 0.3, 0.2, error=0.1), 100.0)
    assert np.isnan([found.bias, found.rmse, found.ratio, *found.bias_interval]).all() and len(found.d) == 0
    assert np.isnan(predict("rl", without_noise("rl", 0.3, 0.2, error=0.1), 0.1).rmse)
