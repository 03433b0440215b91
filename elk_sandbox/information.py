"""What a reporter's answers tell about the predictor, in bits, exactly: mutual information and V-information.

Answers are P(yes), one array `answers[candidate, situation, question]` for all candidates at once, and
`weights[situation]` is the probability of each situation.

Mutual information asks what an unbounded reader can learn of the situation from *drawn* answers. V-information
(Xu et al., 2020, A theory of usable information under computational constraints) asks what one class of readers gets
from the *stated* probabilities about each target bit. It counts dependent bits once each, so it can exceed mutual
information, and for a weak reader it can be 0 where mutual information is not: W-FREE and W-PAD in reference/elk.md 3.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int8

Weights = Float[np.ndarray, " situation"]
Answers = Float[np.ndarray, "candidate situation question"]
_Vectors = Float[np.ndarray, "candidate vector question"]  # distinct vectors of answers
_Mass = Float[np.ndarray, "candidate vector bit"]

MOST_QUESTIONS = 20  # of mutual information, which sums over 2^questions patterns of answers
_BLOCK = 2**22  # entries of the largest temporary array
_CONSTANT = 1e-9  # answers that vary in some direction by less than this share of their variation are constant in it
_CONVERGED = 1e-9  # nats: half of the squared Newton decrement at which a logistic fit is done
_COVARIES = 1e-14  # covariances below it are rounding
_APART = 1e-6  # logits beyond it are no rounding
_STEPS = 300
_RIDGE = 1e-9  # keeps Newton steps defined; squared it is added to the Hessian and moves the path, not the optimum


def mutual_information(weights: Weights, answers: Answers) -> Float[np.ndarray, " candidate"]:
    """I(answers; situation) in bits, where the answers in a situation are independent draws with their P(yes).

    For answers of 0 and 1 this is the entropy of the pattern of answers. Time and memory grow with 2^questions.
    Raises ValueError for weights that are no distribution, answers outside [0, 1], or too many questions.
    """
    _check(weights, answers)
    candidates, situations, questions = answers.shape
    if questions > MOST_QUESTIONS:
        raise ValueError(f"{questions} questions have 2^{questions} patterns of answers, at most 2^{MOST_QUESTIONS}")
    half = questions // 2
    rows = max(1, min(situations, _BLOCK >> (questions - half)))
    block = max(1, _BLOCK // max(2**questions, rows << (questions - half)))
    result = np.empty(candidates)
    for start in range(0, candidates, block):
        part = answers[start : start + block]
        # P(pattern) = sum over situations of weight * P(first half of the pattern) * P(second half of it)
        pattern = np.zeros((len(part), 2**half, 2 ** (questions - half)))
        for row in range(0, situations, rows):
            some = slice(row, row + rows)
            first, second = _patterns(part[:, some, :half]), _patterns(part[:, some, half:])
            pattern += (weights[some, None] * first).swapaxes(1, 2) @ second
        within = (_plogp(part) + _plogp(1 - part)).sum(axis=2) @ weights
        result[start : start + block] = within - _plogp(pattern).sum(axis=(1, 2))
    return np.maximum(result, 0)


def v_information(
    weights: Weights,
    answers: Answers,
    targets: Int8[np.ndarray, "situation bit"],
    reader: Literal["table", "logistic"],
) -> Float[np.ndarray, " candidate"]:
    """Sum over target bits of H(bit) minus the least cross-entropy that the reader reaches from the answers, in bits.

    `table`: any function of the vector of answers; situations are told apart iff their vectors differ at all.
    `logistic`: logistic regression on the answers with intercept, not regularised: the infimum of its cross-entropy,
    which separable answers only approach (each Newton step divides the distance by about e, and the table's
    cross-entropy bounds it from below, so the value is never above the table's). Error below 1e-6 bits.
    Raises ValueError for bad weights, answers, targets or reader; ArithmeticError if a fit does not converge.
    """
    if reader not in ("table", "logistic"):
        raise ValueError(f"unknown reader {reader!r}: 'table' or 'logistic'")
    _check(weights, answers)
    if targets.ndim != 2 or len(targets) != len(weights):
        raise ValueError(f"targets of shape {targets.shape} do not fit weights of shape {weights.shape}")
    if not np.isin(targets, (0, 1)).all():
        raise ValueError("target bits are 0 or 1")
    possible = weights > 0
    weights, answers, targets = weights[possible], answers[:, possible], targets[possible]
    if reader == "logistic":
        tells = _covary(weights, answers, targets)
        if not tells.all():
            result = np.zeros(len(answers))
            if tells.any():
                result[tells] = v_information(weights, answers[tells], targets, reader)
            return result
    candidates, situations, questions = answers.shape
    entropy = -_plogp(weights @ targets) - _plogp(weights @ (1 - targets))
    result = np.empty(candidates)
    block = max(1, _BLOCK // (situations * (questions + 1) * (targets.shape[1] + 1)))
    for start in range(0, candidates, block):
        part = slice(start, start + block)
        vectors, zeros, ones = _distinct(weights, answers[part], targets)
        least = _untied(zeros, ones) / np.log(2)
        if reader == "logistic" and targets.size:
            least = np.maximum(least, _logistic(vectors, zeros, ones) / np.log(2))
        result[part] = np.maximum(entropy - least, 0).sum(axis=1)
    return result


def _covary(
    weights: Weights, answers: Answers, targets: Int8[np.ndarray, "situation bit"]
) -> Bool[np.ndarray, " candidate"]:
    """Whether some answer and some target covary; else the gradient of a logistic fit vanishes at the constant one,
    and as its loss is convex, that is the best: a one-time pad tells such a reader nothing, exactly.
    """
    centred = weights[:, None] * (targets - weights @ targets)
    covariance = np.einsum("csq,sb->cqb", answers, centred, optimize=True)
    return np.asarray((np.abs(covariance) > _COVARIES).any(axis=(1, 2)))


def _check(weights: Weights, answers: Answers) -> None:
    if answers.ndim != 3 or answers.shape[1] != len(weights):
        raise ValueError(f"answers of shape {answers.shape} do not fit weights of shape {weights.shape}")
    if not ((weights >= 0).all() and abs(weights.sum() - 1) < 1e-9):
        raise ValueError(f"weights are probabilities that sum to 1, got the sum {weights.sum()}")
    if not ((answers >= 0) & (answers <= 1)).all():
        raise ValueError("answers are probabilities in [0, 1]")


def _plogp(p: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    result: np.ndarray = p * np.log2(p, where=p > 0, out=np.zeros_like(p))
    return result


def _patterns(answers: Answers) -> Float[np.ndarray, "c s pattern"]:
    """P(pattern of drawn answers) in each situation."""
    patterns = np.ones((*answers.shape[:2], 1))
    for question in range(answers.shape[2]):
        yes = answers[:, :, question, None]
        patterns = np.concatenate([patterns * (1 - yes), patterns * yes], axis=2)
    return patterns


def _distinct(
    weights: Weights, answers: Answers, targets: Int8[np.ndarray, "situation bit"]
) -> tuple[_Vectors, _Mass, _Mass]:
    """Each candidate's distinct vectors of answers, with the mass on which a target bit is 0 and 1 there.

    Candidates with fewer vectors are filled up with repetitions of mass 0.
    """
    candidates, situations, questions = answers.shape
    row = np.arange(candidates)[:, None]
    values = np.unique(answers)
    code, size = np.zeros((candidates, situations), np.int64), 1
    for question in range(questions):
        code = code * values.size + np.searchsorted(values, answers[:, :, question])
        size *= values.size
        if size > 4 * situations:  # most of these vectors do not occur
            occurring, number = np.unique(code + row * size, return_inverse=True)
            code = number.reshape(code.shape) - np.searchsorted(occurring, row * size)
            size = int(code.max()) + 1
    occurs = np.zeros((candidates, size), bool)
    occurs[row, code] = True
    number = occurs.cumsum(axis=1) - 1
    code, size = np.take_along_axis(number, code, axis=1), int(number[:, -1].max()) + 1
    example = np.zeros((candidates, size), np.int64)
    example[row, code] = np.arange(situations)
    flat = (code + row * size).ravel()
    mass = np.empty((2, candidates, size, targets.shape[1]))
    for value in (0, 1):
        for bit in range(targets.shape[1]):
            share = np.tile(weights * (targets[:, bit] == value), candidates)
            mass[value, :, :, bit] = np.bincount(flat, share, candidates * size).reshape(candidates, size)
    return answers[row, example], mass[0], mass[1]


def _untied(zeros: _Mass, ones: _Mass) -> Float[np.ndarray, "candidate bit"]:
    """The cross-entropy in nats of the best reader who may say of each vector what it likes."""
    return np.asarray((_plogp(zeros + ones) - _plogp(zeros) - _plogp(ones)).sum(axis=1) * np.log(2))


def _logistic(vectors: _Vectors, zeros: _Mass, ones: _Mass) -> Float[np.ndarray, "candidate bit"]:
    """Infimum of the cross-entropy of a logistic regression on the vectors, in nats."""
    shapes = vectors.shape, zeros.shape
    return _logistic_of(*shapes, vectors.tobytes(), zeros.tobytes(), ones.tobytes())


@lru_cache(maxsize=256)  # what reporters keep of a state is often the same
def _logistic_of(
    shape: tuple[int, int, int], targets: tuple[int, int, int], *raw: bytes
) -> Float[np.ndarray, "candidate bit"]:
    vectors, zeros, ones = (np.frombuffer(r).reshape(s) for r, s in zip(raw, (shape, targets, targets), strict=True))
    mass = (zeros + ones)[:, :, :1]
    root = np.sqrt(mass)
    spread = root * (vectors - (mass * vectors).sum(axis=1, keepdims=True))
    directions, size, _ = np.linalg.svd(spread, full_matrices=False)
    varies = (size > _CONSTANT * size.max(axis=1, keepdims=True, initial=1e-3))[:, None]
    # Features of mean 0 and covariance 1: the fit is the same, and the Hessian starts as a multiple of the identity.
    features = np.divide(directions, root, where=varies & (root > 0), out=np.zeros_like(directions))
    features = np.concatenate([np.ones_like(mass), features], axis=2)
    # No more vectors than free parameters: such a reader is as good as any, and its fit need not be found.
    free = (mass > 0).sum(axis=(1, 2)) <= 1 + varies.sum(axis=(1, 2))
    result = np.where(free[:, None], _untied(zeros, ones), 0)
    candidate, bit = np.nonzero((ones.sum(axis=1) > 0) & (zeros.sum(axis=1) > 0) & ~free[:, None])
    result[candidate, bit] = _fitted(features[candidate], ones[candidate, :, bit], zeros[candidate, :, bit])
    result.setflags(write=False)
    return result


def _fitted(
    x: Float[np.ndarray, "fit vector feature"],
    yes: Float[np.ndarray, "fit vector"],
    no: Float[np.ndarray, "fit vector"],
) -> Float[np.ndarray, " fit"]:
    """The least loss of each fit, by damped Newton steps."""

    def loss_of(w: np.ndarray) -> np.ndarray:
        logit = (x @ w[:, :, None])[:, :, 0]
        total: np.ndarray = (yes * np.logaddexp(0, -logit) + no * np.logaddexp(0, logit)).sum(axis=1)
        return total

    result, fits = np.empty(len(x)), np.arange(len(x))  # `fits` and all arrays below are of those not yet done
    ridge = _RIDGE * np.eye(x.shape[2])
    w = np.zeros((len(x), x.shape[2]))
    w[:, 0] = np.log(yes.sum(axis=1) / no.sum(axis=1))
    loss, shrink = loss_of(w), np.ones(len(x))
    for steps in range(_STEPS):
        logit = (x @ w[:, :, None])[:, :, 0]
        # What is on its label's side everywhere is separated: as w grows the loss falls to nothing.
        if (apart := ((yes == 0) | (logit > _APART)).all(axis=1) & ((no == 0) | (logit < -_APART)).all(axis=1)).any():
            result[fits[apart]] = 0
            fits, x, yes, no, w, loss, shrink, logit = (a[~apart] for a in (fits, x, yes, no, w, loss, shrink, logit))
        if not fits.size:
            return result
        p, q = np.exp(-np.logaddexp(0, -logit)), np.exp(-np.logaddexp(0, logit))
        gradient = x.swapaxes(1, 2) @ (no * p - yes * q)[:, :, None]
        # Hessian = R'R by QR, since the Hessian itself would lose the directions of small margins to rounding.
        root_curvature = np.sqrt((yes + no) * p * q)[:, :, None]
        below = np.broadcast_to(ridge, (len(x), *ridge.shape))
        r = np.asarray(np.linalg.qr(np.concatenate([root_curvature * x, below], axis=1), mode="r"))
        scaled = np.linalg.solve(r.swapaxes(1, 2), -gradient)
        step, decrease = np.linalg.solve(r, scaled)[:, :, 0], (scaled**2).sum(axis=(1, 2))
        # Towards its own label a vector may go any distance; against it, to the decision boundary or a bit further.
        change = (x @ step[:, :, None])[:, :, 0]
        against = np.where(change < 0, yes, no) > 0
        room = np.maximum(4 * 1.05**steps, np.where(change < 0, logit, -logit))
        length = np.divide(room, np.abs(change), where=against & (change != 0), out=np.ones_like(room)).min(axis=1)
        length = np.minimum(1, length) * shrink
        moved = w + length[:, None] * step
        new = loss_of(moved)
        good = new <= loss - 0.1 * length * decrease + 1e-15  # the last term is for rounding
        w, loss = np.where(good[:, None], moved, w), np.where(good, new, loss)
        shrink = np.where(good, 1, shrink / 4)
        result[fits] = loss
        if not (left := decrease > 2 * _CONVERGED).all():
            fits, x, yes, no, w, loss, shrink = (a[left] for a in (fits, x, yes, no, w, loss, shrink))
    raise ArithmeticError(f"{fits.size} of {len(result)} logistic fits have not converged after {_STEPS} Newton steps")
