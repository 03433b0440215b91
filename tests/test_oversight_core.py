"""The audit identity and the laws of overseers, by closed forms and enumeration; witnesses where a law ends."""

from dataclasses import replace
from itertools import product
from math import comb, erf, exp, inf, isnan, log, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.oversight.core import (
    Dist,
    Overseer,
    Task,
    assist,
    audit,
    bounded,
    choose,
    demonstrations,
    imitate,
    judged,
    tilt,
    train,
    transcript,
    vote,
)

exact = settings(deadline=None, max_examples=60)


def near(x, tolerance=1e-12):
    return pytest.approx(x, rel=0, abs=tolerance)


def sigmoid(x):
    return 1 / (1 + exp(-x))


@st.composite
def tasks(draw, senses=True):
    """A task on situations 0..n-1 with up to 3 moves, and two labels of each situation to make views of."""
    n, m = draw(st.integers(2, 5)), draw(st.integers(2, 3))
    numbers = lambda low, high, size: draw(st.lists(st.integers(low, high), min_size=size, max_size=size))  # noqa: E731
    prior, deploy = (Dist.weighted(range(n), map(float, numbers(1, 6, n))) for _ in range(2))
    worth, sense = np.array(numbers(-4, 4, n * m)).reshape(n, m) / 4, numbers(0, 2, n)
    task = Task(prior, deploy, lambda z: range(m), lambda z, y: worth[z, y], sense.__getitem__ if senses else int)
    return task, numbers(0, 1, n), numbers(0, 1, n)


pressures = st.sampled_from([0.0, 0.3, 1.0, 7.0, inf])


def wrong(task, coarse):
    """An overseer whose view is poor and whose beliefs are those of deployment."""
    return bounded(coarse.__getitem__, task.deploy, task.truth)


# The audit


@exact
@given(tasks(), pressures, st.sampled_from(["prior", "deploy"]))
def test_regret_is_oversight_gap_plus_system_gap(drawn, pressure, on):
    task, coarse, _ = drawn
    overseer = wrong(task, coarse)
    found = audit(task, overseer, train(task, overseer, pressure=pressure), on)
    assert found.regret == near(found.oversight_gap + found.system_gap)
    assert found.gap == near(found.judged - found.true)
    assert min(found.regret, found.oversight_gap) >= -1e-12 and found.judged <= found.best_judged + 1e-12
    if pressure == inf and on == "prior":
        assert found.system_gap == near(0)


@exact
@given(tasks(), st.sampled_from(["prior", "deploy"]))
def test_the_best_policies_are_those_of_enumeration(drawn, on):
    task, coarse, _ = drawn
    overseer, dist = wrong(task, coarse), getattr(task, on)
    senses = sorted({task.sense(z) for z in dist.points})
    told = []  # (judged, true) of every deterministic policy on what is sensed
    for moves in product(task.moves(0), repeat=len(senses)):
        policy = dict(zip(senses, moves, strict=True))
        told.append([dist.expect(lambda z: f(z, policy[task.sense(z)])) for f in (overseer.judge, task.truth)])  # noqa: B023
    told = np.array(told)
    found = audit(task, overseer, lambda z: Dist.uniform(task.moves(z)), on)
    assert found.best_true == near(told[:, 1].max()) and found.best_judged == near(told[:, 0].max())
    assert found.best_true - found.oversight_gap == near(told[told[:, 0] >= told[:, 0].max() - 1e-9, 1].mean())
    assert found.true == near(told[:, 1].mean()) and found.judged == near(told[:, 0].mean())


def vault(see, believes, deploy):
    """(diamond, tampered): the camera shows the diamond if it is there or painted on; is it there? Prior: honest."""
    situations = list(product((0, 1), repeat=2))
    task = Task(
        prior=Dist.uniform([(0, 0), (1, 0)]),
        deploy=Dist.weighted(situations, [float(deploy(*z)) for z in situations]),
        moves=lambda z: ("no", "yes"),
        truth=lambda z, y: float((y == "yes") == bool(z[0])),
    )
    return task, bounded(see, Dist.weighted(situations, [float(believes(*z)) for z in situations]), task.truth)


def camera(z):
    return z[0] or z[1]


def camera_and_bit(z):
    return camera(z), z[1]


def half_of_the_empty(d, t):
    return [[1, 1], [2, 0]][d][t]


def a_quarter(d, t):
    return [3, 1][t]


def never(d, t):
    return 1 - t


def always(d, t):
    return 1


@pytest.mark.parametrize(
    ("see", "believes", "deploy", "believed", "true"),
    [
        (camera, never, half_of_the_empty, 1.0, 0.75),
        (camera_and_bit, always, half_of_the_empty, 0.875, 0.875),
        (camera, never, a_quarter, 1.0, 0.875),
        (camera_and_bit, a_quarter, a_quarter, 0.875, 0.875),
    ],
)
def test_the_vault(see, believes, deploy, believed, true):
    task, overseer = vault(see, believes, deploy)
    simulator = train(replace(task, sense=see), overseer)  # what it learns is a function of what she sees
    taught, used = (audit(task, overseer, simulator, on) for on in ("prior", "deploy"))
    assert (taught.true, taught.judged, taught.regret) == (1, 1, 0)
    assert (used.judged, used.true, used.oversight_gap, used.system_gap) == (believed, true, 1 - true, 0)


def test_a_direct_translator_is_better_than_the_overseer_asks_for():
    task, overseer = vault(camera, never, half_of_the_empty)
    found = audit(task, overseer, train(replace(task, sense=lambda z: z[0]), overseer))
    assert (found.true, found.judged, found.oversight_gap, found.system_gap) == (1, 0.75, 0.25, -0.25)


def test_what_the_prior_does_not_show_is_left_to_the_base_policy():
    task, overseer = vault(camera, never, half_of_the_empty)
    assert train(task, overseer)((0, 1))["yes"] == 0.5
    assert train(task, overseer, base=lambda sensed, moves: Dist.point("no"))((0, 1))["no"] == 1


@pytest.mark.parametrize("aligned", [True, False], ids=["aligned", "not_aligned"])
@pytest.mark.parametrize("capable", [True, False], ids=["capable", "not_capable"])
def test_capability_and_alignment_fail_each_by_itself(capable, aligned):
    task, overseer = vault(camera if not aligned else lambda z: z, never if not aligned else always, half_of_the_empty)
    task = replace(task, prior=task.deploy)
    found = audit(task, overseer, train(task, overseer, pressure=inf if capable else 0.5))
    assert (found.oversight_gap == 0) is aligned
    assert (found.system_gap == 0) is capable and (found.judged == found.best_judged) is capable


def test_a_worth_that_is_undefined_makes_the_audit_nan_only_where_it_matters():
    task = Task(Dist.point(0), Dist.point(0), lambda z: "ab", lambda z, y: {"a": 1.0, "b": float("nan")}[y])
    found = audit(task, Overseer(lambda z, y: float(y == "a")), lambda z: Dist.point("a"))
    assert (found.true, found.judged) == (1, 1) and isnan(found.best_true) and isnan(found.regret)
    found = audit(TASK, Overseer(lambda z, y: float("nan")), lambda z: Dist.point("a"))
    assert (found.true, found.regret) == (0, 0) and isnan(found.judged) and isnan(found.system_gap)


# Law 1: full view and value = truth leave no oversight gap


@exact
@given(tasks(), st.sampled_from(["prior", "deploy"]))
def test_full_view_has_no_oversight_gap(drawn, on):
    task, _, _ = drawn
    overseer = bounded(lambda z: z, task.prior, task.truth)
    assert audit(task, overseer, train(task, overseer), on).oversight_gap == near(0)


# Laws 2 and 3: calibrated, one view for all moves


@exact
@given(tasks(senses=False))
def test_calibrated_overseers_gain_by_a_finer_view(drawn):
    task, coarse, more = drawn
    overseer = bounded(coarse.__getitem__, task.prior, task.truth)
    finer = assist(overseer, transcript(more.__getitem__))
    before, after = (audit(task, o, train(task, o), "prior") for o in (overseer, finer))
    assert after.true >= before.true - 1e-12 and after.oversight_gap <= before.oversight_gap + 1e-12


@exact
@given(tasks(senses=False), pressures)
def test_calibrated_overseers_judge_truly_on_average(drawn, pressure):
    task, coarse, _ = drawn
    overseer = bounded(coarse.__getitem__, task.prior, task.truth)
    assert audit(task, overseer, train(task, overseer, pressure=pressure), "prior").gap == near(0)


@exact
@given(tasks())
def test_situations_that_look_alike_are_judged_alike(drawn):
    task, coarse, more = drawn
    overseer = assist(wrong(task, coarse), transcript(more.__getitem__))
    for z, w in product(task.prior.points, repeat=2):
        if (coarse[z], more[z]) == (coarse[w], more[w]):
            assert judged(overseer, z, task.moves(z)).tolist() == judged(overseer, w, task.moves(w)).tolist()


def test_with_wrong_beliefs_a_finer_view_can_hurt():
    """(fact, sign): the sign says the contrary of the fact, and she trusts it."""
    real = Dist([(1, 0), (0, 1)], [0.6, 0.4])
    task = Task(real, real, lambda z: (0, 1), lambda z, y: float(y == z[0]))
    blind = bounded(lambda z: None, Dist([(1, 1), (0, 0)], [0.6, 0.4]), task.truth)
    shown = assist(blind, transcript(lambda z: z[1]))
    assert [audit(task, o, train(task, o)).true for o in (blind, shown)] == [0.6, 0.0]


def test_a_view_for_each_move_flatters_though_calibrated_and_a_finer_one_can_hurt():
    """Looking at answer 1 tells whether answer 0 is right, but she judges each by itself: the optimiser's curse."""
    real = Dist.uniform([0, 1])
    task = Task(real, real, lambda z: (0, 1), lambda z, y: z - 0.1 * y)
    blind = bounded(lambda z, y: None, real, task.truth, per_move=True)
    looks = assist(blind, transcript(lambda z, y: y and z, per_move=True))
    before, after = (audit(task, o, train(task, o)) for o in (blind, looks))
    assert (before.judged, before.true) == (0.5, 0.5)
    assert (after.judged, after.true) == (near(0.7), near(0.45))


def test_a_finer_view_helps_only_a_system_that_senses_what_she_sees():
    """Blind, she judges by the average situation; the system, blinder, is not helped by what she sees of one."""
    real = Dist.uniform([0, 1])
    task = Task(real, real, lambda z: "ab", lambda z, y: float(y == "ab"[z]), sense=lambda z: None)
    for see in (lambda z: None, lambda z: z):
        overseer = bounded(see, real, task.truth)
        found = audit(task, overseer, train(task, overseer))
        assert (found.true, found.best_true, found.regret) == (0.5, 0.5, 0)


# Law 4: choice


@exact
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0, 20), st.floats(0, 1))
def test_a_choice_of_two_is_a_sigmoid(a, b, beta, slip):
    p = choose(Overseer(lambda z, y: y, beta, slip), None, (a, b))[a] if a != b else 0.5
    assert p == near((1 - slip) * sigmoid(beta * (a - b)) + slip / 2)


def test_choice_reproduces_its_reference_numbers():
    assert choose(Overseer(lambda z, y: y, 1.0, 0.1), None, (1.0, 0.0))[1.0] == near(0.7079527, 5e-8)
    for steps, p in ((1, 0.5498), (5, 0.7311), (25, 0.99331)):
        assert choose(Overseer(lambda z, y: y, 1.0), None, (0.2 * steps, 0.0))[0.2 * steps] == near(p, 5e-5)


def test_choice_by_grounding_ties_and_duplicates():
    overseer = Overseer(lambda z, y: float(y), beta=inf)
    assert choose(overseer, None, (2, 3, 3 + 1e-13, 1)).probs.tolist() == [0.5, 0.5]
    mixed = {"even": Dist.uniform([0, 4]), "sure": Dist.point(1)}
    assert choose(replace(overseer, beta=1.0), None, ("even", "sure"), mixed.get)["even"] == near(sigmoid(1))
    twice = choose(replace(overseer, beta=0.0), None, (1, 1, 0))
    assert twice[1] == near(2 / 3)  # an irrelevant duplicate changes what a choice says
    assert choose(Overseer(lambda z, y: y, slip=1.0), None, (0, 1)).probs.tolist() == [0.5, 0.5]


# Law 5: finite pressure


@exact
@given(
    st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2), st.integers(1, 5)), min_size=2, max_size=5),
    st.floats(0.1, 3),
)
def test_pressure_moves_means_by_covariance_and_kl_by_variance(rows, pressure):
    worth, f, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    moves = range(len(rows))
    task = Task(Dist.point(0), Dist.point(0), lambda z: moves, lambda z, y: 0.0)
    base = Dist.weighted(moves, weights)

    def policy(strength):
        system = train(task, Overseer(lambda z, y: worth[y]), pressure=strength, base=lambda sensed, moves: base)
        return np.array([system(0)[y] for y in moves])

    def kl(p):
        return float(p @ np.log(p / base.probs))

    def slope(g, h=1e-3):  # five points: error of order h^4
        return (8 * (g(pressure + h) - g(pressure - h)) - g(pressure + 2 * h) + g(pressure - 2 * h)) / (12 * h)

    p = policy(pressure)
    variance = p @ worth**2 - (p @ worth) ** 2
    assert slope(lambda s: policy(s) @ f) == near(p @ (f * worth) - (p @ f) * (p @ worth), 1e-9)
    assert slope(lambda s: kl(policy(s))) == near(pressure * variance, 1e-9)
    assert kl(p) == near(pressure * (p @ worth) - log(base.probs @ np.exp(pressure * worth)), 1e-12)
    for other in (np.full(len(rows), 1 / len(rows)), base.probs, policy(2 * pressure)):
        assert p @ worth - kl(p) / pressure >= other @ worth - kl(other) / pressure - 1e-12


def test_infinite_pressure_is_the_limit_of_finite_pressure():
    scores, base = np.array([1.0, 3.0, 3.0, 9.0]), np.array([0.5, 0.1, 0.4, 0.0])
    assert tilt(scores, base, inf) == near(np.array([0, 0.2, 0.8, 0]))
    assert tilt(scores, base, inf) == near(tilt(scores, base, 50.0))


def test_imitation_copies_her_choices_and_one_situation_is_a_tilt_at_her_rationality():
    task = Task(Dist.point(0), Dist.point(0), lambda z: (0, 1, 2), lambda z, y: 0.0)
    overseer = Overseer(lambda z, y: y / 2, beta=3.0)
    copied = train(task, overseer, demonstrations, 1.0, imitate)(0)
    assert copied.probs == near(train(task, overseer, pressure=3.0)(0).probs)
    assert copied.probs == near(choose(overseer, 0, (0, 1, 2)).probs)


def test_what_is_sensed_alike_is_learnt_from_the_weighted_mean():
    task = Task(Dist([0, 1], [0.3, 0.7]), Dist.point(0), lambda z: "ab", lambda z, y: 0.0, sense=lambda z: None)
    overseer = Overseer(lambda z, y: [[3.0, 0.0], [0.0, 1.0]][z]["ab".index(y)])
    assert train(task, overseer)(0)["a"] == 1  # 0.9 against 0.7
    assert train(task, overseer, pressure=2.0)(1)["a"] == near(sigmoid(2 * (0.9 - 0.7)))
    assert train(task, overseer, demonstrations, 1.0, imitate)(1)["a"] == near(0.3)


# Law 6: assistance


@exact
@given(tasks(), st.integers(1, 40))
def test_one_vote_and_an_empty_transcript_change_nothing(drawn, k):
    task, coarse, more = drawn
    overseer = bounded(coarse.__getitem__, task.deploy, lambda z, y: (task.truth(z, y) + 1) / 2, beta=2.0, slip=0.1)
    pairs = list(product(task.prior.points, task.moves(0)))
    assert assist(overseer) is overseer and transcript()(overseer) is overseer
    for same in (vote(1), transcript(lambda z: "nothing")):
        other = assist(overseer, same)
        assert [other.judge(z, y) for z, y in pairs] == near([overseer.judge(z, y) for z, y in pairs])
        assert (other.beta, other.slip) == (2.0, 0.1)
    no_information = assist(overseer, vote(k, flip=0.5))
    assert [no_information.judge(z, y) for z, y in pairs] == near([0.5] * len(pairs))
    show, ask = transcript(more.__getitem__), vote(k, flip=0.2)
    swapped = assist(overseer, ask, show), assist(overseer, show, ask)
    assert [swapped[0].judge(z, y) for z, y in pairs] == [swapped[1].judge(z, y) for z, y in pairs]


@exact
@given(st.floats(0, 1), st.integers(1, 30))
def test_a_majority_is_counted(p, k):
    ballots = [comb(k, j) * p**j * (1 - p) ** (k - j) * (0.5 if 2 * j == k else float(2 * j > k)) for j in range(k + 1)]
    assert vote(k)(Overseer(lambda z, y: p)).judge(0, 0) == near(sum(ballots))
    assert vote(2 * k)(Overseer(lambda z, y: p)).judge(0, 0) == near(
        vote(2 * k - 1)(Overseer(lambda z, y: p)).judge(0, 0)
    )


def test_raters_of_accuracy_three_fifths():
    right = Overseer(lambda z, y: float(y == z))
    for k, p in ((1, 0.6), (3, 0.648), (5, 0.68256), (9, 0.733432), (25, 0.846232)):
        rated = assist(right, vote(k, flip=0.4))
        assert (rated.judge(1, 1), rated.judge(1, 0)) == (near(p, 5e-7), near(1 - p, 5e-7))
    assert choose(replace(right, slip=1.0), 1, (0, 1))[1] == 0.5  # a slip of 1 errs in half of binary choices
    assert choose(replace(right, slip=0.5), 1, (0, 1))[1] == 0.75


# Toys


@exact
@given(st.integers(51, 99), st.integers(0, 100))
def test_sycophancy_and_a_critic(percent, caught_percent):
    """(fact, labeller's belief, whether the critic catches an error): she rates the answer that she believes."""
    c, h = percent / 100, caught_percent / 100
    cases = list(product((0, 1), (0, 1), (False, True)))
    real = Dist(cases, [(c if t == b else 1 - c) * (h if caught else 1 - h) / 2 for t, b, caught in cases])
    task = Task(real, real, lambda z: (0, 1), lambda z, y: float(y == z[0]))
    sure = bounded(lambda z: z[1], Dist([(0, 0, False), (1, 1, False)], [0.5, 0.5]), task.truth)
    agrees = train(task, sure)
    found = audit(task, sure, agrees)
    assert real.expect(lambda z: agrees(z)[z[1]]) == near(1)
    assert (found.judged, found.true, found.oversight_gap, found.system_gap) == (near(1), near(c), near(1 - c), near(0))
    fallible = bounded(lambda z: z[1], real, task.truth)
    helped = assist(fallible, transcript(lambda z: z[2] and z[0] != z[1]))
    assert audit(task, helped, train(task, helped)).true == near(1 - (1 - c) * (1 - h))


def off_switch(worths, beta=inf, slip=0.0):
    """Act, switch off, or wait for a human who sees U and lets the robot act or not; the robot does not see U."""
    human = Overseer(lambda u, y: u if y == "act" else 0.0, beta, slip)
    on = {u: choose(human, u, ("act", "off"))["act"] for u in worths.points}
    truth = lambda u, y: {"act": u, "off": 0.0, "wait": u * on[u]}[y]  # noqa: E731
    task = Task(worths, worths, lambda u: ("act", "off", "wait"), truth, sense=lambda u: None)
    found = {y: worths.expect(lambda u: truth(u, y)) for y in ("act", "off", "wait")}  # noqa: B023
    best = audit(task, replace(human, judge=truth), lambda u: Dist.point("wait"))
    assert (best.true, best.best_true) == (near(found["wait"]), near(max(found.values())))
    return found


def test_the_off_switch():
    assert off_switch(Dist.uniform([i + 0.5 for i in range(-40, 60)])) == {"act": near(10), "off": 0, "wait": near(18)}
    for mean, sd, delta in ((0, 1, 0.398942), (0.5, 1, 0.197797), (1, 1, 0.083315)):
        x = np.linspace(mean - 9 * sd, mean + 9 * sd, 901)
        normal = Dist.weighted(x.tolist(), np.exp(-(((x - mean) / sd) ** 2) / 2))
        closed = sd * exp(-((mean / sd) ** 2) / 2) / sqrt(2 * pi) - mean * (1 - erf(mean / sd / sqrt(2))) / 2
        found = off_switch(normal)
        assert found["wait"] - max(found["act"], 0) == near(closed, 2e-5)
        assert closed == near(delta, 5e-7)
        if mean:  # a Boltzmann human: deferring gains exactly while 2 b |mean| < sd^2
            edge = off_switch(normal, beta=2 * mean / sd**2)
            assert edge["wait"] == near(edge["act"], 1e-9)
    for b, delta in ((0.5, 0.104860), (2.0, -0.104154)):
        x = np.linspace(-8.5, 9.5, 901)
        found = off_switch(Dist.weighted(x.tolist(), np.exp(-((x - 0.5) ** 2) / 2)), beta=1 / b)
        assert found["wait"] - found["act"] == near(delta, 1e-6)


# Distributions and errors


def test_dist_merges_drops_and_is_read_only():
    d = Dist(["a", "b", "a", "c"], [0.25, 0.5, 0.25, 0.0])
    assert d.points == ("a", "b") and d.probs.tolist() == [0.5, 0.5] and d["c"] == 0
    assert d.expect({"a": 2.0, "b": 4.0}.__getitem__) == 3
    with pytest.raises(ValueError, match="read-only"):
        d.probs[0] = 1
    with pytest.raises(AttributeError):
        d.points = ()


TASK = Task(Dist.point(0), Dist.point(0), lambda z: "ab", lambda z, y: 0.0)
FLAT = Overseer(lambda z, y: 0.0)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Dist([0], [0.5, 0.5]), "1 points"),
        (lambda: Dist([0, 1], [1.5, -0.5]), "not \\[ 1.5 -0.5\\]"),
        (lambda: Dist([0], [float("nan")]), "sum nan"),
        (lambda: Dist.uniform([]), "0 points"),
        (lambda: Dist.weighted([0, 1], [-1.0, -1.0]), "sum -1"),
        (lambda: Overseer(lambda z, y: 0.0, beta=-1.0), "beta"),
        (lambda: Overseer(lambda z, y: 0.0, slip=1.5), "slip"),
        (
            lambda: bounded(lambda z: z, Dist.point(0), lambda z, y: 0.0).judge("tampered", 0),
            "view 'tampered' impossible",
        ),
        (lambda: choose(FLAT, 0, ()), "cannot tilt"),
        (lambda: choose(Overseer(lambda z, y: y), 0, (0.0, inf)), "inf"),
        (lambda: vote(0), "k must be"),
        (lambda: vote(3)(Overseer(lambda z, y: 2.0)).judge(0, 0), "not 2.0"),
        (lambda: transcript(lambda z: z)(FLAT), "cannot be shown"),
        (lambda: train(TASK, FLAT, pressure=-1.0), "pressure -1"),
        (lambda: train(TASK, FLAT, demonstrations, 2.0, imitate), "pressure 1"),
        (lambda: train(TASK, FLAT, lambda o, z, moves: np.zeros(3)), "shape \\(3,\\)"),
        (lambda: train(replace(TASK, moves=lambda z: "aa"), FLAT), "'a', 'a'"),
        (lambda: train(replace(TASK, moves=lambda z: ""), FLAT), "moves \\(\\)"),
        (
            lambda: train(Task(Dist.uniform([0, 1]), TASK.deploy, lambda z: "abc"[z:], TASK.truth, lambda z: 0), FLAT),
            "where it is alike",
        ),
        (lambda: audit(TASK, FLAT, lambda z: Dist.point("c")), "makes moves \\('c',\\)"),
    ],
)
def test_wrong_input_is_named(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_an_audit_is_on_the_prior_or_in_deployment():
    with pytest.raises((ValueError, TypeError), match="'prior'"):  # TypeError: jaxtyping's, where it checks calls
        audit(TASK, FLAT, lambda z: Dist.point("a"), "test")
