"""Would gates order reporters as the exact measures do? The other way to measure parts, complexity and reads.

`python -m tests.bench.gates [--starts 3] [--steps 1200]`: to every reporter of the exact worlds that the shipped
surrogates are held against, networks are fitted that have a price built in, and the price of the best fit is compared
with the exact measure, by rank correlation, beside that of the surrogate that is shipped (by resampling).

Inputs and hidden units have hard-concrete gates (Louizos et al. 2018). Parts: how many nodes are open. Complexity: how
many connections, open nodes times open units. Reads: the network answers in STAGES looks, each of which may see more
nodes, and after each it may halt (early exit); counted is how many nodes are open when it does, over nodes that are
drawn each on its own. Prices rise from nothing over the middle of the training, once all is fitted.
"""

import argparse
from collections.abc import Callable
from math import log, sqrt

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from elk_sandbox.evidence.calibration import rank_correlation
from elk_sandbox.evidence.training import HIDDEN
from elk_sandbox.learned.calibration import WIDE, Asked, as_net, asked_of, correlations
from elk_sandbox.learned.flips import Draw
from elk_sandbox.learned.view import NetView

STAGES = 3
PRICES = {"parts": 0.1, "complexity": 0.01, "reads": 0.03}  # in nats
RATE, GATE_RATE = 0.02, 0.1  # of Adam
SITUATIONS, MIXED = 32, 64  # at each step, the latter with each node drawn on its own
HEAT, LOW, HIGH = 2 / 3, -0.1, 1.1  # of hard-concrete gates
FROM, OVER, LAST = (
    0.3,
    0.4,
    64,
)  # of the steps: when prices begin to rise, over how many; those that are averaged at the end


class Gated:
    """Networks of STAGES or one stages; the candidate is the first axis of all its tensors."""

    def __init__(self, candidates: int, nodes: int, stages: int) -> None:
        self._random = torch.Generator().manual_seed(0)
        shape = (candidates, stages)

        def drawn(*sizes: int) -> Tensor:
            return torch.randn((*shape, *sizes), generator=self._random)

        self.first = drawn(nodes, HIDDEN) / sqrt(nodes)
        self.bias = torch.zeros((*shape, 1, HIDDEN))
        self.last = drawn(HIDDEN, 2) / sqrt(HIDDEN)  # the log odds of yes, and of halting
        self.last_bias = torch.zeros((*shape, 1, 2))
        self.nodes, self.units = 0.01 * drawn(nodes), 0.01 * drawn(HIDDEN)  # log odds of gates
        self.weights = [self.first, self.bias, self.last, self.last_bias]
        self.gates = [self.nodes, self.units]
        for each in (*self.weights, *self.gates):
            each.requires_grad_()

    def __call__(self, x: Float[Tensor, "pattern node"]) -> Float[Tensor, "candidate pattern"]:
        """P(yes), with gates drawn anew."""
        nodes, units = 1 - (1 - self._drawn(self.nodes)).cumprod(1), self._drawn(self.units)
        hidden = torch.tanh(x @ (self.first * nodes[..., None]) + self.bias) * units[:, :, None]
        yes, halts = torch.sigmoid(hidden @ self.last + self.last_bias).unbind(-1)
        halts = torch.cat([halts[:, :-1], torch.ones_like(halts[:, -1:])], dim=1)
        self.left = torch.cat([torch.ones_like(halts[:, :1]), (1 - halts).cumprod(1)[:, :-1]], dim=1)
        return (self.left * halts * yes).sum(1)

    def _drawn(self, odds: Tensor) -> Tensor:
        uniform = torch.rand(odds.shape, generator=self._random).clamp(1e-6, 1 - 1e-6)
        return (torch.sigmoid((torch.logit(uniform) + odds) / HEAT) * (HIGH - LOW) + LOW).clamp(0, 1)

    @property
    def _open(self) -> tuple[Float[Tensor, "candidate stage"], Float[Tensor, "candidate stage"]]:
        """How many nodes each stage can see, and how many units it has, in the mean over gates."""
        nodes, units = (torch.sigmoid(odds - HEAT * log(-LOW / HIGH)) for odds in self.gates)
        return (1 - (1 - nodes).cumprod(1)).sum(-1), units.sum(-1)

    def parts(self) -> Float[Tensor, " candidate"]:
        return self._open[0][:, -1]

    def complexity(self) -> Float[Tensor, " candidate"]:
        nodes, units = self._open
        return (nodes * units).sum(1)

    def reads(self) -> Float[Tensor, " candidate"]:
        """Of the patterns that were last asked about, those with nodes drawn each on its own."""
        new = torch.diff(self._open[0], dim=1, prepend=torch.zeros(len(self.first), 1))
        return (self.left[:, :, SITUATIONS:].mean(2) * new).sum(1)


def fitted(name: str, asked: Asked, starts: int, steps: int) -> tuple[np.ndarray, float]:
    """Prices of the best of some fits to each reporter, and the share of answers that these have wrong."""
    net, total, wrong = as_net(asked.view, WIDE), np.zeros(len(asked.reporters)), 0.0
    for question in range(len(asked.view.questions)):

        def answers(x: Tensor, question: int = question) -> Float[Tensor, "candidate pattern"]:
            bits = (x[:, : len(asked.view.nodes)] > 0.5).to(torch.int8)
            return torch.from_numpy(asked.reporters.on(bits.numpy()))[..., question].float().repeat(starts, 1)

        gated = Gated(starts * len(asked.reporters), net.x.shape[1], STAGES if name == "reads" else 1)
        ends = _trained(gated, net, answers, name, steps).reshape(3, starts, -1)
        best = ends.gather(1, ends[:1].argmin(1, keepdim=True).expand(3, 1, -1))[:, 0]
        total += best[1].numpy()
        wrong += float(best[2].mean()) / len(asked.view.questions)
    return total, wrong


def _trained(
    gated: Gated, net: NetView, wanted: Callable[[Tensor], Tensor], name: str, steps: int
) -> Float[Tensor, "3 candidate"]:
    """Loss with the price, the price, and the share of answers that are wrong, in the mean over the last steps."""
    mean, spread = net.x.mean(0), net.x.std(0)
    optimiser = torch.optim.Adam([{"params": gated.weights, "lr": RATE}, {"params": gated.gates, "lr": GATE_RATE}])
    slower = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, 2 * (1 - step / steps)))
    random = torch.Generator().manual_seed(1)
    ends = torch.zeros(3, len(gated.first))
    for step in range(steps):
        rows = torch.randint(0, len(net.x), (SITUATIONS,), generator=random)
        shown = net.batch(Draw.of(torch.rand(MIXED + 1, generator=random), rows))
        x = torch.cat([shown.x, shown.mixed])
        answers, said = wanted(x), gated((x - mean) / spread).clamp(1e-5, 1 - 1e-5)
        nats = torch.nn.functional.binary_cross_entropy(said, answers, reduction="none").mean(1)
        price = getattr(gated, name)()
        loss = nats + PRICES[name] * min(1.0, max(0.0, (step / steps - FROM) / OVER)) * price
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        slower.step()
        if step >= steps - LAST:
            errors = ((said > 0.5) != (answers > 0.5)).float().mean(1)
            ends += torch.stack([loss.detach(), price.detach(), errors]) / LAST
    return ends


def number(value: float | None) -> str:
    """A rank correlation; none where all values are the same."""
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1200)
    given = parser.parse_args()
    for name in PRICES:
        shipped = correlations(name)
        for asked in asked_of(name):
            prices, wrong = fitted(name, asked, given.starts, given.steps)
            found = rank_correlation(getattr(asked.view, name)(asked.reporters).values, prices)
            tables, _ = shipped.get(asked.name, (None, 0))
            print(
                f"{name:10s} {asked.name:14s} {len(prices):4d} reporters, by resampling {number(tables)}, "
                f"by gates {number(found)}, whose fits have {wrong:.3f} of the answers wrong", flush=True
            )  # fmt: skip


if __name__ == "__main__":
    main()
