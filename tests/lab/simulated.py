"""A run that over-optimises by construction, and its pool: gold bends, the proxy does not."""

import numpy as np

from rlhf_lab.best_of_n import BestOfN, best_of_n, sizes
from rlhf_lab.overoptimization import Curve


def run(seed: int = 0, bend: float = 0.2, completions: int = 300) -> Curve:
    """Thirteen checkpoints to 25 nats; gold follows R = d (0.3 - bend log d), its form is lost by the end."""
    rng = np.random.default_rng(seed)
    d = np.linspace(0, 5, 13)
    shape = (len(d), completions)
    well = rng.random(shape) < (0.97 - 0.1 * (d / 5) ** 3)[:, None]
    mean = d * (0.3 - bend * np.log(np.where(d > 0, d, 1)))
    sentiment = np.clip(mean[:, None] + 0.4 * rng.normal(size=shape), -1, 1)
    return Curve(
        "ppo-run", np.arange(len(d)) * 4, (d**2)[:, None] * rng.gamma(8, 1 / 8, size=shape),
        d[:, None] + rng.normal(size=shape), np.where(well, sentiment, 0.0), well,
        second=0.6 * d[:, None] + rng.normal(size=shape), entropy=3.5 - 0.4 * d, distinct=0.5 - 0.08 * d,
        duplicates=0.05 * d, overlap=0.02 + 0.05 * d,
    )  # fmt: skip


def pool(seed: int = 0, count: int = 2000) -> BestOfN:
    rng = np.random.default_rng(seed)
    proxy = rng.normal(size=count)
    return best_of_n(proxy, 0.2 * proxy - 0.1 * proxy**2 + 0.3 * rng.normal(size=count), sizes(count), rng, draws=100)
