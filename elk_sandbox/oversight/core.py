"""Tasks, overseers, and the gap between what was judged and what is true: finite, exact, float64.

Z is a latent situation, Y a move (what the system does or says); both hashable. By definition `argmax judge` is what
the overseer would like to hear, `argmax truth` the direct translator.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from math import comb, inf
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float

T = TypeVar("T")
Z = TypeVar("Z")
Y = TypeVar("Y")
TIE = 1e-12  # worths this close, relative to the larger of 1 and the best, are equally good


@dataclass(frozen=True, eq=False, init=False)
class Dist(Generic[T]):
    """A finite distribution, equal points merged. Raises ValueError unless probs >= 0 sum to 1 within 1e-9."""

    points: tuple[T, ...]
    probs: Float[np.ndarray, "point"]
    _of: dict[T, float] = field(repr=False)

    def __init__(self, points: Iterable[T], probs: Iterable[float]) -> None:
        given, p = tuple(points), np.fromiter(probs, np.float64)
        if p.shape != (len(given),) or not (p >= 0).all() or not abs(p.sum() - 1) <= 1e-9:
            raise ValueError(f"{len(given)} points need as many probabilities >= 0 with sum 1, not {p}, sum {p.sum()}")
        place: dict[T, int] = {}
        mass = np.bincount([place.setdefault(x, len(place)) for x in given], p) / p.sum()
        kept = {x: m for x, m in zip(place, mass.tolist(), strict=True) if m > 0}
        self.__dict__.update(points=tuple(kept), probs=mass[mass > 0], _of=kept)  # frozen only from here on
        self.probs.flags.writeable = False

    @classmethod
    def point(cls, x: T) -> "Dist[T]":
        return cls((x,), (1.0,))

    @classmethod
    def uniform(cls, points: Sequence[T]) -> "Dist[T]":
        return cls(points, np.full(len(points), 1 / max(1, len(points))))

    @classmethod
    def weighted(cls, points: Iterable[T], weights: Iterable[float]) -> "Dist[T]":
        """Probabilities in proportion to the weights, of which one must be positive."""
        w = np.fromiter(weights, np.float64)
        return cls(points, w / (abs(w.sum()) or 1.0))

    def __getitem__(self, x: T) -> float:
        """The probability of x; 0 if it is no point."""
        return self._of.get(x, 0.0)

    def expect(self, f: Callable[[T], float]) -> float:
        """E[f], with one call of f for each point."""
        return float(self.probs @ np.fromiter(map(f, self.points), np.float64))


Scores: TypeAlias = Float[np.ndarray, "move"]
Judge: TypeAlias = Callable[[Z, Y], float]
System: TypeAlias = Callable[[Z], Dist[Y]]
See: TypeAlias = Callable[..., Hashable]


@dataclass(frozen=True)
class Task(Generic[Z, Y]):
    """What is to be done, and the only place where truth lives: `train` never reads it."""

    prior: Dist[Z]  # situations in training
    deploy: Dist[Z]  # situations after it
    moves: Callable[[Z], Sequence[Y]]
    truth: Judge[Z, Y]  # true worth; nan where it is undefined
    sense: Callable[[Z], Hashable] = field(default=lambda z: z)  # all that the system can condition on


@dataclass(frozen=True)
class Overseer(Generic[Z, Y]):
    """A judge, who may use z only through her view. Raises ValueError unless beta >= 0 and 0 <= slip <= 1."""

    judge: Judge[Z, Y]  # believed worth
    beta: float = inf  # Boltzmann rationality, per unit of worth
    slip: float = 0.0  # share of her choices made uniformly at random (half of these are right, if there are two)
    # Herself when also shown see(z) or, with the flag, see(z, y); None: she cannot be shown anything.
    show: Callable[[See, bool], "Overseer[Z, Y]"] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (self.beta >= 0 and 0 <= self.slip <= 1):
            raise ValueError(f"beta must be at least 0 and slip in [0, 1], not {self.beta} and {self.slip}")


Protocol: TypeAlias = Callable[[Overseer[Z, Y]], Overseer[Z, Y]]
Feedback: TypeAlias = Callable[[Overseer[Z, Y], Z, Sequence[Y]], Scores]
Learner: TypeAlias = Callable[[Scores, Scores, float], Scores]


def bounded(
    see: See, believes: Dist[Z], value: Judge[Z, Y], *, per_move: bool = False, beta: float = inf, slip: float = 0.0
) -> Overseer[Z, Y]:
    """A Bayesian, right or wrong: judge(z, y) = E_believes[value(z', y) | view of z' = view of z].

    The view is see(z), common to all moves, or with `per_move` see(z, y), as of a labeller who looks at each answer by
    itself; the laws on refinement and calibration hold only for the first. A view of believed probability 0 has no
    posterior: judging there raises ValueError naming the view.
    """

    @cache
    def believed(*y: Y) -> dict[Hashable, Dist[Z]]:
        groups: dict[Hashable, list[Z]] = {}
        for z in believes.points:
            groups.setdefault(see(z, *y), []).append(z)
        return {view: Dist.weighted(zs, [believes[z] for z in zs]) for view, zs in groups.items()}

    @cache
    def worth(view: Hashable, y: Y) -> float:
        posterior = believed(*(y,) * per_move).get(view)
        if posterior is None:
            raise ValueError(f"the overseer believed the view {view!r} impossible: widen her beliefs")
        return posterior.expect(lambda z: value(z, y))

    def show(more: See, each: bool) -> Overseer[Z, Y]:
        def both(z: Z, *y: Y) -> Hashable:
            return see(z, *y * per_move), more(z, *y * each)

        return bounded(both, believes, value, per_move=per_move or each, beta=beta, slip=slip)

    return Overseer(lambda z, y: worth(see(z, *(y,) * per_move), y), beta, slip, show)


def choose(
    overseer: Overseer[Z, Y], z: Z, choices: Sequence[T], ground: Callable[[T], Dist[Any]] = Dist.point
) -> Dist[T]:
    """P(c) = (1 - slip) exp(beta E_{y~ground(c)} judge(z, y)) / normaliser + slip / |choices|; argmax for beta = inf.

    An option offered twice counts twice. Raises ValueError for none, or a worth not finite. Source: arXiv 2002.04833.
    """
    worth = np.array([ground(c).expect(lambda y: overseer.judge(z, y)) for c in choices])
    even = np.ones(len(choices)) / len(choices)
    return Dist(choices, (1 - overseer.slip) * tilt(worth, even, overseer.beta) + overseer.slip * even)


def assist(overseer: Overseer[Z, Y], *protocols: Protocol[Z, Y]) -> Overseer[Z, Y]:
    """The overseer after each protocol in turn: their composition, of which no protocol is the identity."""
    return reduce(lambda assisted, protocol: protocol(assisted), protocols, overseer)


def vote(k: int, *, flip: float = 0.0) -> Protocol[Any, Any]:
    """The majority of k independent verdicts, a coin deciding an even split.

    `judge`, in [0, 1], is read as the probability that one rater approves of y, and `flip` is the probability that a
    verdict is flipped; the new judge is the probability of approval. Raises ValueError unless 1 <= k <= 1000.
    """
    if not (1 <= k <= 1000 and 0 <= flip <= 1):  # comb(1000, 500) is about the largest that float64 holds
        raise ValueError(f"k must be in 1..1000 and flip in [0, 1], not {k} and {flip}")
    ways = {j: comb(k, j) * (0.5 if 2 * j == k else 1.0) for j in range((k + 1) // 2, k + 1)}

    def protocol(overseer: Overseer[Any, Any]) -> Overseer[Any, Any]:
        def judge(z: Any, y: Any) -> float:
            approval = overseer.judge(z, y)
            if not -TIE <= approval <= 1 + TIE:
                raise ValueError(f"a vote needs verdicts judged in [0, 1], not {approval}")
            p = min(max(approval * (1 - flip) + (1 - approval) * flip, 0.0), 1.0)
            return sum(n * p**j * (1 - p) ** (k - j) for j, n in ways.items())

        show = overseer.show
        return replace(overseer, judge=judge, show=show and (lambda see, each: protocol(show(see, each))))

    return protocol


def transcript(*messages: See, per_move: bool = False) -> Protocol[Any, Any]:
    """Shows her message(z), or with `per_move` message(z, y), for each message; no message is the identity.

    She knows how messages depend on situations: a lie she does not suspect is a situation outside her beliefs. Raises
    ValueError for an overseer who cannot be shown anything.
    """

    def protocol(overseer: Overseer[Any, Any]) -> Overseer[Any, Any]:
        for message in messages:
            if overseer.show is None:
                raise ValueError("this overseer cannot be shown a transcript: build her with `bounded` or give `show`")
            overseer = replace(overseer.show(message, per_move), beta=overseer.beta, slip=overseer.slip)
        return overseer

    return protocol


def judged(overseer: Overseer[Z, Y], z: Z, moves: Sequence[Y]) -> Scores:
    """Feedback without noise: what she judges each move worth."""
    return np.array([overseer.judge(z, y) for y in moves], dtype=np.float64)


def demonstrations(overseer: Overseer[Z, Y], z: Z, moves: Sequence[Y]) -> Scores:
    """Feedback by example: the probability with which she makes each move herself, by `choose`."""
    return np.array(list(map(choose(overseer, z, moves).__getitem__, moves)))


def tilt(scores: Scores, base: Scores, pressure: float) -> Scores:
    """base exp(pressure * scores) / normaliser: the largest E[score] - KL(policy, base) / pressure, KL in nats.

    Infinite pressure: base on the argmax (to 1e-12). ValueError for unlike shapes, pressure < 0, score not finite.
    """
    if not scores.size or scores.shape != base.shape or not pressure >= 0 or not np.isfinite(scores[base > 0]).all():
        raise ValueError(f"cannot tilt base {base} by scores {scores} at pressure {pressure}")
    best = scores[base > 0].max()
    loss = np.where(base > 0, best - scores, 0)
    weight = base * (np.exp(-pressure * loss) if pressure < inf else loss <= TIE * max(1, abs(best)))
    return np.asarray(weight / weight.sum())


def imitate(scores: Scores, base: Scores, pressure: float) -> Scores:
    """A copy of the `demonstrations`, whatever base was. Raises ValueError unless pressure is 1: it has no other."""
    if pressure != 1:
        raise ValueError(f"imitation copies what is demonstrated, at pressure 1, not {pressure}")
    return scores


def _mean(
    task: Task[Z, Y], dist: Dist[Z], score: Callable[[Z, Sequence[Y]], Any]
) -> dict[Hashable, tuple[float, tuple[Y, ...], Float[np.ndarray, "*rows move"]]]:
    """For situations that are sensed alike: their mass, their moves, and the mean of score(z, moves)."""
    blocks: dict[Hashable, tuple[float, tuple[Y, ...], Any]] = {}
    for z, p in zip(dist.points, dist.probs.tolist(), strict=True):
        moves, k = tuple(task.moves(z)), task.sense(z)
        mass, known, total = blocks.get(k, (0.0, moves, 0.0))
        scores = np.asarray(score(z, moves), dtype=np.float64)
        if not moves or moves != known or len(set(moves)) < len(moves) or scores.shape[-1] != len(moves):
            raise ValueError(f"moves {moves}, scores of shape {scores.shape} in {z!r}; moves {known} where it is alike")
        blocks[k] = mass + p, moves, total + p * scores
    return {k: (mass, moves, total / mass) for k, (mass, moves, total) in blocks.items()}


def train(
    task: Task[Z, Y],
    overseer: Overseer[Z, Y],
    feedback: Feedback[Z, Y] = judged,
    pressure: float = inf,
    learner: Learner = tilt,
    base: Callable[[Any, Sequence[Y]], Dist[Y]] = lambda sensed, moves: Dist.uniform(moves),
) -> System[Z, Y]:
    """What optimisation against the overseer makes of the prior's situations; the truth is not read.

    feedback: `judged` or `demonstrations`, a score for each move. learner: `tilt` or `imitate`. base(sensed, moves) is
    the policy before training, kept where no situation of the prior is sensed so. Situations sensed alike get one
    policy, from their prior-weighted mean score; with different moves they raise ValueError. An inductive bias is a
    coarser sense: train in replace(task, sense=part) and audit in task.
    """
    learnt: dict[Hashable, Dist[Y]] = {}
    means = _mean(task, task.prior, lambda z, moves: feedback(overseer, z, moves))
    for sensed, (_, moves, scores) in means.items():
        start = base(sensed, moves)
        learnt[sensed] = Dist(moves, learner(scores, np.array([start[y] for y in moves]), pressure))
    return lambda z: learnt.get(sensed := task.sense(z)) or base(sensed, task.moves(z))


@dataclass(frozen=True)
class Audit:
    """Expected worths, nan where undefined; pi*, pi_J: best for truth, for judge, given task.sense(z), ties even."""

    true: float  # V(pi), the system's true worth
    judged: float  # its worth as the overseer judges it
    gap: float  # judged - true: miscalibration
    best_true: float  # V(pi*)
    best_judged: float  # pi_J as she judges it; judged < best_judged is a failure of capability
    regret: float  # V(pi*) - V(pi): ignorance too; negative only for a system that uses more than `sense`
    oversight_gap: float  # V(pi*) - V(pi_J): what the overseer costs under perfect training
    system_gap: float  # V(pi_J) - V(pi): what training costs; negative if less optimisation is truly better


def audit(
    task: Task[Z, Y], overseer: Overseer[Z, Y], system: System[Z, Y], on: Literal["prior", "deploy"] = "deploy"
) -> Audit:
    """Judged against true worth of a system where it was trained or where it is used.

    Raises ValueError for another `on`, a system that makes no move of the situation, and unlike moves in like senses.
    """
    if on not in ("prior", "deploy"):
        raise ValueError(f"an audit is on 'prior' or 'deploy', not {on!r}")

    def worths(z: Z, moves: Sequence[Y]) -> list[list[float]]:
        if not set((policy := system(z)).points) <= set(moves):
            raise ValueError(f"the system makes moves {policy.points} in {z!r}, where there are {moves}")
        rows = [[f(z, y) for y in moves] for f in (task.truth, overseer.judge)]
        return rows + [[policy[y] and policy[y] * w for y, w in zip(moves, row, strict=True)] for row in rows]

    blocks = _mean(task, getattr(task, on), worths).values()
    sums = []
    for width in {len(moves) for _, moves, _ in blocks}:
        mass, found = zip(*((m, w) for m, moves, w in blocks if len(moves) == width), strict=True)
        truth, judge, v, j = np.array(found).swapaxes(0, 1)  # each: what is sensed alike, move
        top = judge.max(axis=1)
        tied = ~(judge < (top - TIE * np.maximum(1, abs(top)))[:, None])
        told = truth.mean(axis=1, where=tied) + 0 * top  # nan where top is
        sums.append([np.dot(mass, x) for x in (v.sum(axis=1), j.sum(axis=1), truth.max(axis=1), top, told)])
    true, believed, best, top, told = np.sum(sums, axis=0).tolist()
    return Audit(true, believed, believed - true, best, top, best - true, best - told, told - true)
