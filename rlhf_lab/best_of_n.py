"""Best-of-n from one pool of completions, its KL, and the frontier of optimal tilting.

The best of n is the completion whose proxy is highest, ties broken at random. With N completions in the pool and K_v of
them at or below proxy value v, a random subset of n lies at or below v with probability C(K_v, n) / C(N, n); the
estimator weighs each completion by the chance that it is the one chosen (Nakano et al. 2021, with ties exact here).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import brentq
from scipy.special import xlogy

__all__ = [
    "ENOUGH",
    "BestOfN",
    "Frontier",
    "best_of_n",
    "frontier",
    "kl",
    "kl_with_ties",
    "size_of",
    "sizes",
    "weights",
]

ENOUGH = 20.0
"""Effective completions, 1 / sum of squared weights, below which no standard error is given."""


@dataclass(frozen=True, eq=False)
class BestOfN:
    """Best-of-n for several n, from one pool."""

    sizes: Int[np.ndarray, "size"]
    """n."""
    kl: Float[np.ndarray, "size"]
    """KL from the original model in nats, log n - (n-1)/n: exact where scores never tie, an upper bound if they do."""
    kl_with_ties: Float[np.ndarray, "size"]
    """The KL if the scores that tie in the pool are the only ones that tie, each as probable as it is frequent."""
    proxy: Float[np.ndarray, "size"]
    """Expected proxy of the best of n."""
    proxy_error: Float[np.ndarray, "size"]
    """Its bootstrap standard error; nan where fewer than ENOUGH completions decide."""
    gold: Float[np.ndarray, "size"]
    """Expected gold of the best of n by proxy."""
    gold_error: Float[np.ndarray, "size"]
    """Its bootstrap standard error; nan where fewer than ENOUGH completions decide."""
    effective: Float[np.ndarray, "size"]
    """Effective completions behind each n, 1 / sum of squared weights; about 2N/n for large n."""
    proxy_draws: Float[np.ndarray, "draw size"]
    """`proxy` on each resampled pool."""
    gold_draws: Float[np.ndarray, "draw size"]
    """`gold` on each resampled pool."""
    pool: int
    """N, the completions in the pool."""
    tied: float
    """Share of the pool whose proxy another completion has too; above 0, `kl` is a bound."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """The policies of highest expected proxy at each KL, pi*(x) ~ pi(x) exp(strength * proxy(x)), by reweighting."""

    kl: Float[np.ndarray, "point"]
    """KL from the original model in nats, as asked for."""
    strength: Float[np.ndarray, "point"]
    """1/b of exp(proxy / b); nan where the pool does not reach that KL with ENOUGH effective completions."""
    proxy: Float[np.ndarray, "point"]
    """Expected proxy: the most that any policy has at this KL."""
    gold: Float[np.ndarray, "point"]
    """Expected gold of that policy."""
    gold_error: Float[np.ndarray, "point"]
    """Its standard error, by the delta method for self-normalised weights."""
    effective: Float[np.ndarray, "point"]
    """Effective completions, 1 / sum of squared weights; nan where the KL is out of the pool's reach altogether."""


def kl(n: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """KL in nats between best-of-n and one draw, for scores without ties: log n - (n-1)/n. Any real n >= 1."""
    return np.asarray(np.log(n) - (n - 1) / n)


def size_of(nats: float) -> float:
    """The real n whose best-of-n is this many nats away, the inverse of `kl`; nan below 0, inf where float64 ends."""
    if not nats > 0:
        return 1.0 if nats == 0 else np.nan
    log_n = brentq(lambda t: t + np.expm1(-t) - nats, 0.0, nats + 1)
    with np.errstate(over="ignore"):
        return float(np.exp(log_n))


def sizes(pool: int) -> Int[np.ndarray, "size"]:
    """n from 1 by factors of sqrt(2), as far as a pool of this size has ENOUGH effective completions."""
    reach = max(1.0, 2 * pool / ENOUGH)
    return np.unique(np.rint(2 ** np.arange(0, np.log2(reach) + 1e-9, 0.5)).astype(np.int64))


def weights(proxy: Float[np.ndarray, "completion"], n: int) -> Float[np.ndarray, "completion"]:
    """The chance that each completion is the best of a random n of the pool; sums to 1. Raises ValueError."""
    groups = _Groups.of(proxy)
    below = _below(len(proxy), _whole(n, len(proxy)))
    return np.asarray((np.diff(below[groups.upto]) / groups.counts)[groups.member])


def kl_with_ties(proxy: Float[np.ndarray, "completion"], n: int) -> float:
    """KL in nats of best-of-n when the scores that tie in the pool tie always, and no others do. At most `kl(n)`.

    An atom between the quantiles s and t is chosen with probability t^n - s^n, all completions in it alike; outside the
    atoms the density of the chosen quantile u is n u^(n-1).
    """
    groups = _Groups.of(proxy)
    edge = groups.upto / len(proxy)
    power = edge**n
    mean = power * np.log(n) + (n - 1) * (xlogy(power, edge) - power / n)  # integral of n u^(n-1) log(n u^(n-1))
    chosen, share = np.diff(power), np.diff(edge)
    return float(np.where(groups.counts > 1, xlogy(chosen, chosen / share), np.diff(mean)).sum())


def best_of_n(
    proxy: Float[np.ndarray, "completion"],
    gold: Float[np.ndarray, "completion"],
    asked: Int[np.ndarray, "size"],
    rng: np.random.Generator,
    *,
    draws: int = 400,
) -> BestOfN:
    """Estimate best-of-n without bias for each n in `asked`, with standard errors by resampling the pool.

    Raises ValueError unless scores are finite and every n is between 1 and the size of the pool.
    """
    pool, groups = len(proxy), _Groups.of(proxy)
    if not np.isfinite(gold).all():
        raise ValueError("gold scores must be finite")
    below = np.stack([_below(pool, _whole(int(n), pool)) for n in asked])
    gold_mean = np.bincount(groups.member, gold) / groups.counts
    chosen = np.diff(below[:, groups.upto])
    effective = 1 / (chosen**2 / groups.counts).sum(axis=1)
    proxy_draws, gold_draws = np.empty((2, draws, len(asked)))
    for k in range(draws):
        times = np.bincount(rng.integers(pool, size=pool), minlength=pool)
        counts = np.bincount(groups.member, times, minlength=len(groups.values)).astype(np.int64)
        drawn = np.diff(below[:, _upto(counts)])
        sums = np.bincount(groups.member, times * gold, minlength=len(groups.values))
        proxy_draws[k] = drawn @ groups.values
        gold_draws[k] = drawn @ (sums / np.maximum(counts, 1))
    enough = effective >= ENOUGH
    return BestOfN(
        sizes=asked,
        kl=kl(asked.astype(np.float64)),
        kl_with_ties=np.array([kl_with_ties(proxy, int(n)) for n in asked]),
        proxy=chosen @ groups.values,
        proxy_error=np.where(enough, proxy_draws.std(axis=0, ddof=1), np.nan),
        gold=chosen @ gold_mean,
        gold_error=np.where(enough, gold_draws.std(axis=0, ddof=1), np.nan),
        effective=effective,
        proxy_draws=proxy_draws,
        gold_draws=gold_draws,
        pool=pool,
        tied=float(groups.counts[groups.counts > 1].sum() / pool),
    )


def frontier(
    proxy: Float[np.ndarray, "completion"], gold: Float[np.ndarray, "completion"], nats: Float[np.ndarray, "point"]
) -> Frontier:
    """Tilt the pool by exp(proxy * strength) to each KL (Ziegler et al. 2019, figure 3), all nan beyond its reach.

    Raises ValueError unless scores are finite.
    """
    top = _Groups.of(proxy)
    farthest = np.log(len(proxy) / top.counts[-1]) - 1e-9  # nearly all weight on the highest score
    shape = (5, len(nats))
    strength, best, gained, error, effective = np.full(shape, np.nan)
    for k, target in enumerate(nats):
        if not 0 <= target < farthest:
            continue
        found = _strength(proxy, float(target))
        w = _tilt(proxy, found)
        effective[k] = 1 / (w @ w)
        if effective[k] >= ENOUGH:
            strength[k], best[k], gained[k] = found, w @ proxy, w @ gold
            error[k] = np.sqrt((w**2) @ (gold - gained[k]) ** 2)
    return Frontier(nats, strength, best, gained, error, effective)


def _tilt(proxy: Float[np.ndarray, "completion"], strength: float) -> Float[np.ndarray, "completion"]:
    w = np.exp(strength * (proxy - proxy.max()))
    return np.asarray(w / w.sum())


def _strength(proxy: Float[np.ndarray, "completion"], target: float) -> float:
    def excess(strength: float) -> float:
        w = _tilt(proxy, strength)
        return float(xlogy(w, w * len(proxy)).sum()) - target

    if target == 0:
        return 0.0
    high = 1 / proxy.std()
    while excess(high) < 0:
        high *= 2
    return float(brentq(excess, 0.0, high, xtol=1e-12 * high))


@dataclass(frozen=True, eq=False)
class _Groups:
    """A pool by its distinct proxy values, ascending."""

    values: Float[np.ndarray, "group"]
    member: Int[np.ndarray, "completion"]  # the group that each completion is in
    counts: Int[np.ndarray, "group"]
    upto: Int[np.ndarray, "group_and_one"]  # how many lie in the groups before, 0 first

    @classmethod
    def of(cls, proxy: Float[np.ndarray, "completion"]) -> "_Groups":
        if not len(proxy) or not np.isfinite(proxy).all():
            raise ValueError(f"a pool needs at least one completion, and finite proxy scores, not {proxy}")
        values, member, counts = np.unique(proxy, return_inverse=True, return_counts=True)
        return cls(values.astype(np.float64), member, counts, _upto(counts))


def _upto(counts: Int[np.ndarray, "group"]) -> Int[np.ndarray, "group_and_one"]:
    return np.concatenate(([0], np.cumsum(counts)))


def _whole(n: int, pool: int) -> int:
    if not 1 <= n <= pool:
        raise ValueError(f"best of {n} from a pool of {pool}")
    return n


def _below(pool: int, n: int) -> Float[np.ndarray, "pool_and_one"]:
    """C(k, n) / C(pool, n) for k from 0 to pool, summed in log space from the top, where all the weight is."""
    k = np.arange(n + 1, pool + 1)
    logs = np.cumsum(np.log1p(-n / k)[::-1])[::-1]
    return np.concatenate((np.zeros(n), np.exp(logs), [1.0]))
