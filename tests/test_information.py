"""What answers tell about the predictor, against enumeration, scikit-learn, and W-FREE and W-PAD of the reference."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn.linear_model import LogisticRegression

from elk_sandbox import information
from elk_sandbox.information import mutual_information, v_information

READERS = ("table", "logistic")


def entropy(masses):
    return -sum(p * np.log2(p) for p in masses if p > 0)


@st.composite
def situations(draw, values=(0.0, 0.1, 0.9, 1.0), candidates=3):
    """Weights (some of them 0), answers of several candidates, and target bits."""
    count = draw(st.integers(1, 9))
    questions, bits = draw(st.integers(0, 4)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.dirichlet(np.ones(count)) * (rng.random(count) < 0.8)
    assume(weights.sum() > 0)
    answers = rng.choice(values, (candidates, count, questions))
    return weights / weights.sum(), answers, rng.integers(0, 2, (count, bits), dtype=np.int8)


@st.composite
def certain_situations(draw):
    return draw(situations(values=(0.0, 1.0)))


def mutual_information_by_enumeration(weights, answers):
    questions = answers.shape[1]
    joint = {
        (i, pattern): w * np.prod([a if yes else 1 - a for a, yes in zip(answers[i], pattern, strict=True)])
        for i, w in enumerate(weights)
        for pattern in product((0, 1), repeat=questions)
    }
    of_pattern = {
        pattern: sum(joint[i, pattern] for i in range(len(weights))) for pattern in product((0, 1), repeat=questions)
    }
    return entropy(weights) + entropy(of_pattern.values()) - entropy(joint.values())


def table_information_by_enumeration(weights, answers, targets):
    total = 0.0
    for bit in targets.T:
        joint, vector, marginal = {}, {}, {}
        for w, row, value in zip(weights, map(tuple, answers), bit, strict=True):
            joint[row, value] = joint.get((row, value), 0) + w
            vector[row] = vector.get(row, 0) + w
            marginal[value] = marginal.get(value, 0) + w
        total += entropy(marginal.values()) + entropy(vector.values()) - entropy(joint.values())
    return total


def logistic_cross_entropy(weights, answers, bit):
    """The infimum in bits. A linear programme finds the situations that can be driven to certainty while the others
    stay on the separating plane; they cost nothing, and the rest has a finite optimum, scikit-learn's."""
    x = np.column_stack([np.ones(len(answers)), answers])[weights > 0]
    w, y = weights[weights > 0], bit[weights > 0]
    signed = np.where(y == 1, 1, -1)[:, None] * x
    d, n = x.shape[1], len(x)
    # maximise the sum of s, 0 <= s <= 1, such that each signed margin is at least s
    found = linprog(
        np.r_[np.zeros(d), -np.ones(n)],
        A_ub=np.column_stack([-signed, np.eye(n)]),
        b_ub=np.zeros(n),
        bounds=[(None, None)] * d + [(0, 1)] * n,
    )
    rest = found.x[d:] < 0.5
    if not rest.any():
        return 0.0
    w, y, x = w[rest], y[rest], x[rest][:, 1:]
    if y.min() == y.max() or not x.shape[1]:
        return w.sum() * entropy([w[y == 1].sum() / w.sum(), w[y == 0].sum() / w.sum()])
    fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    fit.fit(x, y, sample_weight=w * len(w) / w.sum())
    p = fit.predict_proba(x)[np.arange(len(y)), y]
    return float(-(w * np.log2(p)).sum())


@settings(deadline=None, max_examples=50)
@given(situations() | certain_situations())
def test_mutual_information_by_enumeration(case):
    weights, answers, _ = case
    expected = [mutual_information_by_enumeration(weights, each) for each in answers]
    np.testing.assert_allclose(mutual_information(weights, answers), expected, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(situations() | certain_situations())
def test_table_information_by_enumeration(case):
    weights, answers, targets = case
    expected = [table_information_by_enumeration(weights, each, targets) for each in answers]
    np.testing.assert_allclose(v_information(weights, answers, targets, "table"), expected, atol=1e-12)


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")  # repeated questions, in scikit-learn's solver
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@settings(deadline=None, max_examples=40)
@given(situations() | certain_situations())
def test_logistic_information_against_an_independent_infimum(case):
    weights, answers, targets = case
    expected = [
        sum(
            entropy([weights @ bit, weights @ (1 - bit)]) - logistic_cross_entropy(weights, each, bit)
            for bit in targets.T
        )
        for each in answers
    ]
    np.testing.assert_allclose(v_information(weights, answers, targets, "logistic"), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_logistic_information_of_overlapping_data_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    answers = rng.random((4, 300, 3))
    targets = (rng.random((300, 2)) < 1 / (1 + np.exp(2 - 4 * answers[0, :, :2]))).astype(np.int8)
    weights = rng.dirichlet(np.ones(300))
    expected = np.zeros(4)
    for i, each in enumerate(answers):
        for bit in targets.T:
            fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(each, bit, sample_weight=weights * 300)
            p = fit.predict_proba(each)[np.arange(300), bit]
            expected[i] += entropy([weights @ bit, weights @ (1 - bit)]) + weights @ np.log2(p)
    assert expected[0] > 0.1
    np.testing.assert_allclose(v_information(weights, answers, targets, "logistic"), expected, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(situations() | certain_situations())
def test_bounds(case):
    weights, answers, targets = case
    table, logistic = (v_information(weights, answers, targets, reader) for reader in READERS)
    bits = sum(entropy([weights @ bit, weights @ (1 - bit)]) for bit in targets.T)
    assert (logistic >= 0).all() and (logistic <= table).all() and (table <= bits + 1e-12).all()
    mutual = mutual_information(weights, answers)
    assert (mutual >= 0).all() and (mutual <= min(answers.shape[2], entropy(weights)) + 1e-12).all()


@settings(deadline=None, max_examples=50)
@given(certain_situations())
def test_of_certain_answers_no_single_bit_is_known_better_than_the_situation(case):
    weights, answers, targets = case
    mutual = mutual_information(weights, answers)
    for bit in range(targets.shape[1]):
        assert (v_information(weights, answers, targets[:, [bit]], "table") <= mutual + 1e-12).all()


@settings(deadline=None, max_examples=50)
@given(situations(), st.randoms(use_true_random=False))
def test_order_of_candidates_situations_and_questions_does_not_matter(case, random):
    weights, answers, targets = case
    candidates, rows, questions = (np.array(random.sample(range(size), size), dtype=np.int64) for size in answers.shape)
    shuffled = answers[candidates][:, rows][:, :, questions]
    np.testing.assert_allclose(
        mutual_information(weights[rows], shuffled), mutual_information(weights, answers)[candidates], atol=1e-12
    )
    for reader in READERS:
        np.testing.assert_allclose(
            v_information(weights[rows], shuffled, targets[rows], reader),
            v_information(weights, answers, targets, reader)[candidates],
            atol=1e-9,
        )


@settings(deadline=None, max_examples=50)
@given(certain_situations())
def test_saying_everything_twice_or_negated_changes_nothing(case):
    weights, answers, targets = case
    for other in (np.concatenate([answers, answers], axis=2), 1 - answers):
        np.testing.assert_allclose(mutual_information(weights, other), mutual_information(weights, answers), atol=1e-12)
        for reader in READERS:
            np.testing.assert_allclose(
                v_information(weights, other, targets, reader),
                v_information(weights, answers, targets, reader),
                atol=1e-9,
            )


@settings(deadline=None, max_examples=50)
@given(situations())
def test_blocks_do_not_matter(case):
    weights, answers, targets = case
    whole = [mutual_information(weights, answers), *(v_information(weights, answers, targets, r) for r in READERS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(information, "_BLOCK", 8)
        parts = [mutual_information(weights, answers), *(v_information(weights, answers, targets, r) for r in READERS)]
    np.testing.assert_allclose(parts, whole, atol=1e-9)


def test_separable_answers_are_worth_the_whole_bit():
    answers = np.array([[[0.5], [0.5001], [0.5002], [0.5003]]])
    weights, targets = np.array([0.1, 0.2, 0.3, 0.4]), np.array([[0], [0], [1], [1]], np.int8)
    assert v_information(weights, answers, targets, "logistic") == pytest.approx(entropy([0.3, 0.7]), abs=1e-6)


def test_partly_separable_answers():
    """The answer 1 decides the bit, the answers 0 leave it open: only approached, and equal to the table's."""
    answers = np.array([[[1.0], [0.0], [0.0]]])
    weights, targets = np.array([0.5, 0.3, 0.2]), np.array([[1], [1], [0]], np.int8)
    expected = entropy([0.8, 0.2]) - 0.5 * entropy([0.6, 0.4])
    assert v_information(weights, answers, targets, "logistic") == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("evenness", [1, 0.3, 0.05])
def test_more_questions_than_situations(evenness):
    """Random vectors of answers are then affinely independent and decide all bits, however uneven the weights."""
    rng = np.random.default_rng(3)
    answers, targets = rng.random((20, 8, 10)), rng.integers(0, 2, (8, 6), dtype=np.int8)
    weights = rng.dirichlet(np.full(8, evenness))
    for reader in READERS:
        expected = sum(entropy([weights @ bit, weights @ (1 - bit)]) for bit in targets.T)
        np.testing.assert_allclose(v_information(weights, answers, targets, reader), expected, atol=1e-6)


def test_soft_answers_are_drawn_in_one_and_read_in_the_other():
    answers = np.array([[[0.5], [0.6]]])
    weights, targets = np.array([0.5, 0.5]), np.array([[0], [1]], np.int8)
    assert mutual_information(weights, answers) == pytest.approx(entropy([0.55, 0.45]) - (1 + entropy([0.6, 0.4])) / 2)
    assert v_information(weights, answers, targets, "table") == pytest.approx(1)


FREE = list(product((0, 1), repeat=4))  # t, d, n1, n2
FREE_WEIGHTS = np.array([((0.1 if d else 0.9) * 0.1 if t else 0.45) / 4 for t, d, _, _ in FREE])
CODES = {
    "direct translator": (lambda t, d, a, b: (d, t, 0, 0, 0), 1.416, 1.464),
    "human simulator": (lambda t, d, a, b: (d | t, 0, 0, 0, 0), 0.993, 0.735),
    "n1, n2, t and d": (lambda t, d, a, b: (d | t, 0, a, b, t & d), 3.065, 2.762),
    "n1, n2, t": (lambda t, d, a, b: (d | t, 0, a, b, t), 3.369, None),
    "t, d, n1": (lambda t, d, a, b: (d | t, 0, t, d, a), 2.416, None),
}


def test_free():
    answers = np.array([[code(*z) for z in FREE] for code, _, _ in CODES.values()], float)
    mutual = mutual_information(FREE_WEIGHTS, answers)
    np.testing.assert_allclose(mutual, [row[1] for row in CODES.values()], atol=5e-4)
    for reader in READERS:
        value = v_information(FREE_WEIGHTS, answers, np.array(FREE, np.int8), reader)
        np.testing.assert_allclose(value[:3], [row[2] for row in list(CODES.values())[:3]], atol=6e-4)


def test_free_blanked_where_wordings_differ():
    """F1..F3 as three wordings: where they differ all five answers are blank, and 0.808 bits are left."""
    agree = np.array([a == b == (t & d) for t, d, a, b in FREE])
    answers = np.array([[(d | t, 0, a, b, t & d) for t, d, a, b in FREE]], float)
    answers[:, ~agree] = 0.5
    assert FREE_WEIGHTS[~agree].sum() == pytest.approx(0.75)
    for reader in READERS:
        value = v_information(FREE_WEIGHTS, answers, np.array(FREE, np.int8), reader)
        assert value == pytest.approx(0.808, abs=5e-4)


@pytest.mark.parametrize(("p", "nats"), [(0.5, np.log(2)), (0.55, 0.6881)])
def test_pad(p, nats):
    """c sent as (c xor n, n): a table reads all of it, a logistic reader nothing."""
    state = list(product((0, 1), repeat=2))  # c, n
    weights = np.array([(p if c else 1 - p) / 2 for c, _ in state])
    answers = np.array([[(c ^ n, n) for c, n in state]], float)
    targets = np.array([[c] for c, _ in state], np.int8)
    whole = entropy([p, 1 - p])
    assert whole * np.log(2) == pytest.approx(nats, abs=5e-5)
    assert v_information(weights, answers, targets, "table") == pytest.approx(whole)
    assert v_information(weights, answers, targets, "logistic") == pytest.approx(0, abs=1e-12)


def test_nothing_asked_or_nobody_asking():
    answers = np.ones((2, 16, 3))
    targets = np.array(FREE, np.int8)
    for reader in READERS:
        assert v_information(FREE_WEIGHTS, answers[:0], targets, reader).shape == (0,)
        for nothing, bits in ((answers[:, :, :0], targets), (answers, targets[:, :0]), (answers, targets)):
            np.testing.assert_allclose(v_information(FREE_WEIGHTS, nothing, bits, reader), [0, 0], atol=1e-12)
    assert mutual_information(FREE_WEIGHTS, answers[:0]).shape == (0,)
    np.testing.assert_allclose(mutual_information(FREE_WEIGHTS, answers[:, :, :0]), [0, 0], atol=1e-12)


def test_bad_input_is_refused():
    weights, answers, targets = np.array([0.5, 0.5]), np.zeros((1, 2, 1)), np.array([[0], [1]], np.int8)
    with pytest.raises(ValueError, match="sum to 1"):
        mutual_information(weights / 2, answers)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        mutual_information(weights, answers + 1.5)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        v_information(weights, answers * np.nan, targets, "table")
    with pytest.raises(ValueError, match=r"2\^21 patterns"):
        mutual_information(weights, np.zeros((1, 2, 21)))
    with pytest.raises(ValueError, match="0 or 1"):
        v_information(weights, answers, targets - 1, "table")
