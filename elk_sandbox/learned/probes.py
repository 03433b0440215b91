"""Linear probes of activations: N seeds trained as one batch (torch), the seed is the first axis of all that is found.

A seed is a bootstrap resample of the training situations, given as weights, and where something is drawn at first, a
stream of its own: what comes of it does not depend on which other seeds are in the batch (up to rounding). All is
computed in float64 unless it says otherwise, and on activations that are centred and scaled, unit by unit, by what the
training situations say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.random import Generator
from torch import Tensor

__all__ = ["Probe", "Scale", "calibrated", "ccs", "difference", "logistic", "mahalanobis", "resample"]

PENALTY = 1e-3  # on half the squared weights, beside the mean loss in nats
RATE = 0.02  # of Adam, for contrast-consistent search
TRIED = 2000  # about as many situations say which of its first directions is best
ENOUGH = 1e-10  # of the gradient, in coordinates in which the curvature is about 1


@dataclass(frozen=True, eq=False)
class Probe:
    """Directions in the activations as they come, and what is added."""

    weights: Float[np.ndarray, "seed unit"]
    bias: Float[np.ndarray, " seed"]

    def __call__(self, activations: Float[np.ndarray, "situation unit"]) -> Float[np.ndarray, "seed situation"]:
        """The log odds of yes."""
        return np.asarray(self.weights @ activations.T.astype(np.float64) + self.bias[:, None])


@dataclass(frozen=True, eq=False)
class Scale:
    """Centres and scales units; one that never moves stays as it is."""

    mean: Float[np.ndarray, " unit"]
    spread: Float[np.ndarray, " unit"]

    @classmethod
    def of(cls, activations: Float[np.ndarray, "situation unit"]) -> "Scale":
        mean, spread = activations.mean(axis=0, dtype=np.float64), activations.std(axis=0, dtype=np.float64)
        return cls(mean, np.where(spread > 1e-6 * (1e-6 + np.abs(mean)), spread, 1.0))

    def __call__(self, activations: Float[np.ndarray, "situation unit"]) -> Float[np.ndarray, "situation unit"]:
        return np.asarray((activations - self.mean) / self.spread)

    def probe(self, weights: Float[np.ndarray, "seed unit"], bias: Float[np.ndarray, " seed"]) -> Probe:
        """Of what was found in scaled activations."""
        plain = weights / self.spread
        return Probe(plain, bias - plain @ self.mean)


def resample(
    streams: Sequence[Generator], strata: Int[np.ndarray, " situation"] | Bool[np.ndarray, " situation"]
) -> Float[np.ndarray, "seed situation"]:
    """How often each situation is in the bootstrap resample of each stream; each stratum keeps its size."""
    weights = np.zeros((len(streams), len(strata)))
    for row, stream in zip(weights, streams, strict=True):
        for stratum in np.unique(strata):
            (inside,) = np.nonzero(strata == stratum)
            row[inside] = np.bincount(stream.integers(len(inside), size=len(inside)), minlength=len(inside))
    return weights


def logistic(
    activations: Float[np.ndarray, "situation unit"],
    labels: Int[np.ndarray, " situation"],
    weights: Float[np.ndarray, "seed situation"],
    *,
    penalty: float = PENALTY,
) -> Probe:
    """Logistic regression on labels 0 and 1: least mean loss in nats, and half of `penalty` times the weights squared.

    Found to about 1e-8 at the usual penalty. The bias is free, so each seed needs both labels. Raises ValueError where
    one lacks them, ArithmeticError where float64 does not reach so far.
    """
    for label in (0, 1):
        if not (weights[:, labels == label].sum(axis=1) > 0).all():
            raise ValueError(f"a logistic probe needs both labels, and there is none of {label}")
    scale = Scale.of(activations)
    found = _logistic(
        torch.from_numpy(scale(activations)), torch.from_numpy(labels), torch.from_numpy(weights), penalty
    )
    return scale.probe(found[:-1].T.numpy(), found[-1].numpy())


def _logistic(
    x: Float[Tensor, "situation unit"], labels: Tensor, weights: Float[Tensor, "seed situation"], penalty: float
) -> Float[Tensor, "parameter seed"]:
    """All seeds at once by truncated Newton steps, from the optimum of the unresampled situations and in coordinates in
    which its curvature there is about 1: all resamples' curvatures are near to that, so a few products with the
    activations settle each of them. Curvature is in float32: that spoils no optimum, only the way to it.
    """
    a = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
    rough, y = a.float(), labels.to(x.dtype)[:, None]
    ridge = torch.diag(torch.cat([x.new_full((x.shape[1],), penalty), x.new_zeros(1)]))
    start, root = _newton(a, rough, y, ridge)
    white = torch.linalg.solve_triangular(root.float(), rough.T, upper=False).T.contiguous()
    inner = torch.linalg.solve_triangular(root, torch.linalg.solve_triangular(root, ridge, upper=False).T, upper=False)
    shares = (weights / weights.sum(dim=1, keepdim=True)).T.contiguous()
    at = start.expand(-1, shares.shape[1]).clone()
    z = a @ at
    for _ in range(200):
        p = torch.sigmoid(z)
        gradient = a.T @ (shares * (p - y)) + ridge @ at
        slope = torch.linalg.solve_triangular(root, gradient, upper=False)
        size = slope.norm(dim=0)
        active = size > ENOUGH
        if not bool(active.any()):
            break
        unit = torch.where(active, slope / size, 0.0).float()  # a seed that is done takes no further step
        goal = size.sqrt().clamp(1e-4, 0.1).float()
        found = _solved(white, (shares * p * (1 - p)).float(), inner.float(), unit, goal)
        step = torch.linalg.solve_triangular(root.T, found.double() * size, upper=True)
        at, z = _descend(z, a @ step, y, shares, ridge, at, step, gradient)
    else:
        raise ArithmeticError(f"a logistic probe does not settle; ask for a larger penalty than {penalty:g}")
    return at


def _loss(z: Tensor, y: Tensor, shares: Tensor, ridge: Tensor, at: Tensor) -> Float[Tensor, " seed"]:
    nats = torch.nn.functional.softplus((1 - 2 * y) * z, threshold=50)  # torch's own 20 makes a step of 2e-9 nats
    return (shares * nats).sum(dim=0) + 0.5 * (at * (ridge @ at)).sum(dim=0)


def _newton(a: Tensor, rough: Tensor, y: Tensor, ridge: Tensor) -> tuple[Tensor, Tensor]:
    """Newton's method on all situations alike, up to a thousandth of a nat: the optimum, a root of its curvature."""
    shares, at = torch.full_like(y, 1 / len(y)), a.new_zeros(a.shape[1], 1)
    z = a @ at
    for _ in range(100):
        p = torch.sigmoid(z)
        gradient = a.T @ (shares * (p - y)) + ridge @ at
        curvature = (rough.T @ (rough * (shares * p * (1 - p)).float())).double()
        root = _root(curvature + ridge)
        step = torch.cholesky_solve(gradient, root)
        if float((gradient * step).sum()) < 1e-3:
            break
        at, z = _descend(z, a @ step, y, shares, ridge, at, step, gradient)
    return at, root


def _root(curvature: Float[Tensor, "parameter parameter"]) -> Float[Tensor, "parameter parameter"]:
    """Its Cholesky root, lifted as far as needed where units are so alike that float32 does not tell them apart."""
    lift = 1e-5 * curvature.diagonal().mean() * torch.eye(len(curvature), dtype=curvature.dtype)
    root, failed = torch.linalg.cholesky_ex(curvature + lift)
    while int(failed):
        lift *= 10
        root, failed = torch.linalg.cholesky_ex(curvature + lift)
    return torch.as_tensor(root)


def _descend(
    z: Tensor, moved: Tensor, y: Tensor, shares: Tensor, ridge: Tensor, at: Tensor, step: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Go against the step, half as far until the loss falls enough (Armijo), each seed for itself."""
    before, slope = _loss(z, y, shares, ridge, at), (gradient * step).sum(dim=0)
    length = torch.ones_like(slope)
    for _ in range(40):
        after = _loss(z - length * moved, y, shares, ridge, at - length * step)
        short = after > before - 1e-4 * length * slope + 1e-14 * (1 + before.abs())
        if not bool(short.any()):
            break
        length = torch.where(short, length / 2, length)
    return at - length * step, z - length * moved


def _solved(white: Tensor, bend: Tensor, ridge: Tensor, right: Tensor, goal: Tensor) -> Tensor:
    """The curvature's inverse times the right-hand side, up to a residual of that norm."""
    step, left, along = torch.zeros_like(right), right.clone(), right.clone()
    square = (left**2).sum(dim=0)
    for _ in range(2 * len(right)):
        active = square.sqrt() > goal
        if not bool(active.any()):
            break
        turned = white.T @ (bend * (white @ along)) + ridge @ along
        far = torch.where(active, square / (along * turned).sum(dim=0), 0.0)
        step, left = step + far * along, left - far * turned
        fresh = torch.where(active, (left**2).sum(dim=0), square)
        along = torch.where(active, left + fresh / square * along, along)
        square = fresh
    return step


def difference(
    activations: Float[np.ndarray, "situation unit"],
    labels: Int[np.ndarray, " situation"],
    weights: Float[np.ndarray, "seed situation"],
) -> Probe:
    """Difference in means of the labels 1 and 0, with log odds on the way between them (`calibrated`)."""
    scale = Scale.of(activations)
    x = scale(activations)
    yes, no = weights * (labels == 1), weights * (labels == 0)
    direction = yes @ x / yes.sum(axis=1, keepdims=True) - no @ x / no.sum(axis=1, keepdims=True)
    return scale.probe(*calibrated(direction, x, labels, weights))


def calibrated(
    directions: Float[np.ndarray, "seed unit"],
    x: Float[np.ndarray, "situation unit"],
    labels: Int[np.ndarray, " situation"],
    weights: Float[np.ndarray, "seed situation"],
) -> tuple[Float[np.ndarray, "seed unit"], Float[np.ndarray, " seed"]]:
    """Each direction as long as a logistic regression on its one number makes it, and the bias that goes with it."""
    along = x @ directions.T
    one = [logistic(a[:, None], labels, w[None]) for a, w in zip(along.T, weights, strict=True)]
    length = np.array([p.weights[0, 0] for p in one])
    return directions * length[:, None], np.array([p.bias[0] for p in one])


def ccs(
    yes: Float[np.ndarray, "situation unit"],
    no: Float[np.ndarray, "situation unit"],
    weights: Float[np.ndarray, "seed situation"],
    streams: Sequence[Generator],
    *,
    tries: int = 4,
    steps: int = 400,
) -> tuple[Probe, Probe, Float[np.ndarray, " seed"]]:
    """Contrast-consistent search (Burns et al. 2022) by Adam: probes of the two activations, and the loss.

    The loss is the mean of (p(yes) - (1 - p(no)))^2 + min(p(yes), p(no))^2, yes and no each centred and scaled by
    itself. Of several first directions the one goes on that is lowest after a fifth of the steps, on a part of the
    situations. Which side means yes is not found by it. In float32.
    """
    scales = Scale.of(yes), Scale.of(no)
    x = [torch.from_numpy(scale(a)).float() for scale, a in zip(scales, (yes, no), strict=True)]
    first = np.stack([stream.normal(size=(tries, yes.shape[1])) for stream in streams])
    w = torch.from_numpy(first / np.linalg.norm(first, axis=-1, keepdims=True)).float().flatten(0, 1).T
    shares = torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)).float().T
    few = slice(None, None, max(1, len(yes) // TRIED))
    some = shares[few].repeat_interleave(tries, dim=1)
    w, b, losses = _contrasted([a[few] for a in x], some / some.sum(dim=0), w, w.new_zeros(w.shape[1]), steps // 5)
    best = torch.arange(len(streams)) * tries + losses.view(len(streams), tries).argmin(dim=1)
    w, b, losses = _contrasted(x, shares, w[:, best], b[best], steps - steps // 5)
    found = [scale.probe(w.T.double().numpy(), b.double().numpy()) for scale in scales]
    return found[0], found[1], losses.double().numpy()


def _contrasted(
    x: Sequence[Tensor], shares: Tensor, w: Tensor, b: Tensor, steps: int
) -> tuple[Tensor, Tensor, Float[Tensor, " candidate"]]:
    """Adam (Kingma and Ba 2015) by the gradient in closed form; directions, biases, and the loss of where they end."""
    at = torch.cat([w, b[None]])
    first, second, slope = torch.zeros_like(at), torch.zeros_like(at), torch.empty_like(at)
    for step in range(1, steps + 1):
        p, q = (torch.sigmoid(torch.addmm(at[-1], a, at[:-1])) for a in x)
        both, slope = 2 * (p + q - 1), slope.zero_()
        for a, mine, other in ((x[0], p, q), (x[1], q, p)):
            pull = (both + 2 * mine * (mine < other)) * (mine * (1 - mine) * shares)
            slope[:-1].addmm_(a.T, pull)
            slope[-1] += pull.sum(dim=0)
        first.lerp_(slope, 0.1)
        second.lerp_(slope**2, 0.001)
        at -= RATE * first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
    p, q = (torch.sigmoid(torch.addmm(at[-1], a, at[:-1])) for a in x)
    return at[:-1], at[-1], (shares * contrast_loss(p, q)).sum(dim=0)


def contrast_loss(p: Float[Tensor, "*batch"], q: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Of P(yes) with yes appended, and with no: consistent, and confident."""
    return (p - (1 - q)) ** 2 + torch.minimum(p, q) ** 2


def mahalanobis(
    activations: Float[np.ndarray, "situation unit"],
    trusted: Bool[np.ndarray, " situation"],
    weights: Float[np.ndarray, "seed trusted"],
) -> Float[np.ndarray, "seed situation"]:
    """Distances from the trusted situations, in standard deviations: of their mean and covariance in each resample.

    The covariance is shrunk towards a multiple of the identity as far as Ledoit and Wolf (2004) say for all of them.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    scale = Scale.of(activations[trusted])
    x = torch.from_numpy(scale(activations))
    inside = x[torch.from_numpy(trusted)]
    shrunk, eye = float(ledoit_wolf_shrinkage(inside.numpy())), torch.eye(x.shape[1], dtype=x.dtype)
    rows = []
    for w in torch.from_numpy(weights / weights.sum(axis=1, keepdims=True)):
        mean = w @ inside
        spread = (inside - mean).T @ ((inside - mean) * w[:, None])
        spread = (1 - shrunk) * spread + (shrunk * spread.trace() / len(spread) + 1e-9) * eye
        root = torch.linalg.cholesky(spread)
        rows.append(torch.linalg.solve_triangular(root, (x - mean).T, upper=False).norm(dim=0))
    return torch.stack(rows).numpy()
