"""Probes of many seeds at once against scikit-learn on the same weights, closed forms and enumeration."""

from itertools import product

import numpy as np
import pytest
import torch
from scipy.special import expit
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from elk_sandbox.learned.probes import (
    PENALTY,
    RATE,
    Probe,
    Scale,
    _contrasted,
    ccs,
    contrast_loss,
    difference,
    logistic,
    mahalanobis,
    resample,
)

CASES = {  # situations, units, how far apart, how alike units are
    "plain": (600, 10, 1.0, 0.0),
    "separable": (400, 20, 8.0, 0.0),
    "wide": (80, 120, 1.0, 0.0),
    "wide and far apart": (80, 120, 60.0, 0.0),
    "all but the same": (300, 100, 1.0, 1 - 1e-8),
    "alike": (500, 30, 1.0, 0.999),
    "far from zero": (300, 5, 1.0, 0.5),
}


def draw(name: str) -> tuple[np.ndarray, np.ndarray]:
    count, units, apart, alike = CASES[name]
    rng = np.random.default_rng(len(name))
    labels = (rng.random(count) < 0.3).astype(np.int64)
    x = alike**0.5 * rng.normal(size=(count, 1)) + (1 - alike) ** 0.5 * rng.normal(size=(count, units))
    x += apart * labels[:, None] * rng.normal(size=units) / units**0.5
    return (x * np.exp(rng.normal(size=units)) + (50 if name == "far from zero" else 0)).astype(np.float32), labels


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("penalty", [PENALTY, 1e-8, 1.0])
def test_logistic_is_scikit_learns(name: str, penalty: float) -> None:
    x, labels = draw(name)
    weights = resample(np.random.default_rng(1).spawn(3), labels)
    found, scale = logistic(x, labels, weights, penalty=penalty), Scale.of(x)
    for k, w in enumerate(weights):
        model = LogisticRegression(C=1 / (penalty * w.sum()), solver="newton-cholesky", tol=1e-12, max_iter=1000)
        model.fit(scale(x), labels, sample_weight=w)
        expected = scale.probe(model.coef_, model.intercept_)
        assert np.abs(found.weights[k] - expected.weights[0]).max() < 1e-4
        assert np.abs(expit(found(x)[k]) - expit(expected(x)[0])).max() < (1e-7 if penalty >= PENALTY else 1e-5)


def test_a_seed_is_the_same_in_any_company() -> None:
    x, labels = draw("plain")
    weights = resample(np.random.default_rng(1).spawn(6), labels)
    assert np.array_equal(weights[:2], resample(np.random.default_rng(1).spawn(2), labels))
    contrast = x, -x + 0.1 * x**2
    together, alone = [], []
    for fit in (logistic, difference):
        together.append(fit(x, labels, weights)(x)[[4]])
        alone.append(fit(x, labels, weights[[4]])(x))
    streams = np.random.default_rng(1).spawn(6)
    together.append(ccs(*contrast, weights, streams)[0](x)[[4]])
    alone.append(ccs(*contrast, weights[[4]], [np.random.default_rng(1).spawn(6)[4]])[0](x))
    for one, other, rounding in zip(together, alone, (1e-7, 1e-7, 1e-3), strict=True):  # the last is in float32
        assert np.abs(one - other).max() < rounding
    again = ccs(*contrast, weights, np.random.default_rng(1).spawn(6))[0](x)[[4]]
    assert np.array_equal(again, together[-1])


def test_resamples_keep_the_size_of_each_stratum_and_are_drawn_evenly() -> None:
    strata = np.arange(500) % 5 == 0
    weights = resample(np.random.default_rng(0).spawn(400), strata)
    assert (weights[:, strata].sum(axis=1) == 100).all() and (weights[:, ~strata].sum(axis=1) == 400).all()
    assert abs(weights.mean(axis=0) - 1).max() < 5 / 400**0.5
    assert (weights == 0).mean() == pytest.approx(np.exp(-1), abs=0.01)


@pytest.mark.parametrize("label", [0, 1])
def test_one_label_is_not_enough(label: int) -> None:
    x, labels = draw("plain")
    with pytest.raises(ValueError, match=f"needs both labels, and there is none of {1 - label}"):
        logistic(x, np.full_like(labels, label), np.ones((2, len(x))))
    weights = np.ones((2, len(x)))
    weights[1, labels != label] = 0  # one seed's resample lacks it
    with pytest.raises(ValueError, match="needs both labels"):
        logistic(x, labels, weights)


def test_difference_in_means_of_the_rows_that_were_drawn() -> None:
    x, labels = draw("far from zero")
    weights = resample(np.random.default_rng(1).spawn(2), labels)
    found, scale = difference(x, labels, weights), Scale.of(x)
    for k, w in enumerate(weights.astype(int)):
        rows, named = np.repeat(scale(x), w, axis=0), np.repeat(labels, w)
        direction = rows[named == 1].mean(axis=0) - rows[named == 0].mean(axis=0)
        scaled = found.weights[k] * scale.spread
        assert scaled @ direction == pytest.approx(np.linalg.norm(scaled) * np.linalg.norm(direction), rel=1e-9)
        model = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit((rows @ direction)[:, None], named)
        assert expit(found(x)[k]) == pytest.approx(model.predict_proba((scale(x) @ direction)[:, None])[:, 1], abs=0.01)


def test_distances_are_scikit_learns() -> None:
    x, labels = draw("alike")
    trusted = labels == 0
    weights = np.ones((1, int(trusted.sum())))
    model = LedoitWolf().fit(Scale.of(x[trusted])(x[trusted]))
    expected = np.sqrt(model.mahalanobis(Scale.of(x[trusted])(x)))
    assert mahalanobis(x, trusted, weights)[0] == pytest.approx(expected, rel=1e-4)


def test_a_unit_that_never_moves_is_left_alone() -> None:
    x, labels = draw("plain")
    still = np.concatenate([x, np.full((len(x), 1), 7.3, np.float32)], axis=1)
    found = logistic(still, labels, np.ones((1, len(x))))
    plain = logistic(x, labels, np.ones((1, len(x))))
    assert found(still) == pytest.approx(plain(x), abs=1e-6)


# CCS cannot tell truth, look and any other bit apart: all directions of a cube are enumerated.
CORNERS = np.array(list(product((-1, 1), repeat=3)), np.float32)  # truth, look, a distractor


def toy_loss(direction: np.ndarray) -> float:
    """Of a very steep probe, appended yes and no at opposite corners."""
    odds = torch.from_numpy(60.0 * (CORNERS @ direction))
    return float(contrast_loss(torch.sigmoid(odds), torch.sigmoid(-odds)).mean())


def test_directions_without_contrast_loss_are_mostly_not_the_truth() -> None:
    directions = [np.array(w, np.float32) for w in product((-1, 0, 1), repeat=3) if any(w)]
    free = [w for w in directions if toy_loss(w) < 1e-12]
    assert len(directions) == 26 and len(free) == 6 + 8  # each bit and each majority, both signs
    translator, simulator = np.eye(3, dtype=np.float32)[:2]
    assert toy_loss(translator) < 1e-12 and toy_loss(simulator) < 1e-12
    true = [w for w in free if abs(np.where(CORNERS @ w > 0, 1, -1) @ CORNERS[:, 0]) == len(CORNERS)]
    assert len(true) == 2
    halves = [w for w in directions if np.abs(w).sum() == 2]  # undecided at half of the corners: 1/4 there
    assert len(halves) == 12 and all(toy_loss(w) == pytest.approx(1 / 8, abs=1e-6) for w in halves)


def test_ccs_ends_at_each_of_them() -> None:
    corners = np.tile(CORNERS, (4, 1))
    probe, other, losses = ccs(corners, -corners, np.ones((40, 32)), np.random.default_rng(2).spawn(40), tries=1)
    assert np.median(losses) < 0.01
    assert np.allclose(probe(corners), -other(-corners) + 2 * probe.bias[:, None])
    answers = np.where(probe(CORNERS) > 0, 1, -1)
    agreed = np.abs(answers @ CORNERS)  # [seed, bit]; all 8 corners, where a seed has found that bit
    assert 0 < (agreed[:, 0] == 8).sum() < 40 and not (agreed == 8).any(axis=1).all()  # truth is one of several


@pytest.mark.slow
def test_ccs_goes_downhill_as_torch_does() -> None:
    rng = np.random.default_rng(3)
    yes, no = (torch.from_numpy(rng.normal(size=(40, 5))) for _ in range(2))
    shares, w, b = torch.from_numpy(rng.dirichlet(np.ones(40), size=3).T), torch.randn(5, 3).double(), torch.zeros(3)
    w, b = w.requires_grad_(), b.double().requires_grad_()
    found = _contrasted((yes, no), shares, w.detach(), b.detach(), 30)
    adam = torch.optim.Adam([w, b], lr=RATE)
    for _ in range(31):
        adam.zero_grad()
        loss = (shares * contrast_loss(torch.sigmoid(yes @ w + b), torch.sigmoid(no @ w + b))).sum(dim=0)
        before = w.detach().clone(), b.detach().clone(), loss.detach()
        loss.sum().backward()
        adam.step()
    for one, other in zip(found, before, strict=True):
        assert torch.allclose(one, other, atol=1e-9)


def test_ccs_finds_the_most_salient() -> None:
    rng = np.random.default_rng(0)
    corners = CORNERS[rng.integers(8, size=500)] * np.array([4, 0.2, 0.2], np.float32)
    noise = rng.normal(size=(2, 500, 3)).astype(np.float32)
    probe, _, losses = ccs(corners + noise[0], -corners + noise[1], np.ones((10, 500)), rng.spawn(10))
    right = ((probe(corners + noise[0]) > 0) == (corners[:, 0] > 0)).mean(axis=1)
    assert (np.maximum(right, 1 - right) > 0.99).all() and (losses < 0.05).all()


def test_a_probe_is_linear() -> None:
    probe = Probe(np.array([[1.0, 2.0]]), np.array([3.0]))
    assert probe(np.array([[1, 1], [0, -1]], np.float32)).tolist() == [[6.0, 1.0]]
