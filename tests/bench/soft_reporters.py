"""Are reporters that gradient descent made ordered by the surrogates as by the exact measures?

`python -m tests.bench.soft_reporters [--steps 600]`. The shipped calibration asks this of truth tables.
Here networks are trained, as a learned world trains reporters, to answer as each of those does where the exact world
can be, and read its nodes alone. What such a network answers to each pattern of the nodes, yes or no, is a truth table
too, and its exact measure is compared, by rank correlation, with the surrogate of the network.
"""

import argparse
from itertools import product

import numpy as np
import torch
from jaxtyping import Float

from elk_sandbox.evidence.calibration import rank_correlation
from elk_sandbox.evidence.training import RATES
from elk_sandbox.learned.calibration import WIDE, Asked, as_net, asked_of, batches, correlations
from elk_sandbox.learned.flips import BATCH, FLIPPED, sure
from elk_sandbox.learned.training import SLOWER, OnActivations, Shown
from elk_sandbox.learned.view import NetView
from elk_sandbox.reporters import Reporter, Table
from tests.bench.gates import number

MEASURES = ("complexity", "reads", "parts", "influence", "downstream", "intervention_error")
KIND = "mlp"


def trained(asked: Asked, net: NetView, steps: int) -> tuple[OnActivations, float]:
    """A network for each reporter, and the share of situations in which it answers otherwise."""
    bits = (net.x[:, : len(asked.view.nodes)] > 0.5).to(torch.int8)
    answers = torch.from_numpy(asked.reporters.on(bits.numpy())).float()
    network = OnActivations(KIND, torch.arange(net.x.shape[1]), answers.shape[-1], list(range(len(answers))))
    hidden = np.r_[np.flatnonzero(~asked.view.readable), len(asked.view.nodes) : net.x.shape[1]]
    network.parameters[0].data[:, hidden] = 0
    x = net.x.index_fill(1, torch.from_numpy(hidden), 0)
    optimiser = torch.optim.Adam(network.parameters, lr=SLOWER * RATES[KIND], fused=True)
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(0, len(net.x), (BATCH,), generator=random)
        said = network(x[rows]).clamp(1e-6, 1 - 1e-6)
        loss = torch.nn.functional.binary_cross_entropy(said, answers[:, rows], reduction="sum") / BATCH
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        return network, float(((network(x) > 0.5) != (answers > 0.5)).float().mean())


def tables(asked: Asked, network: OnActivations) -> list[Reporter]:
    """What each answers, yes or no, to every pattern of the nodes that may be read."""
    read = np.flatnonzero(asked.view.readable)
    patterns = np.array(list(product((0, 1), repeat=len(read))), np.float32)
    x = torch.zeros(len(patterns), len(asked.view.nodes) + WIDE)
    x[:, read] = torch.from_numpy(patterns)
    with torch.no_grad():
        yes = (network(x) > 0.5).double().numpy()
    names = [asked.nodes[k] for k in read]
    return [Reporter(tuple(Table(names, column) for column in each.T)) for each in yes]


def surrogate(name: str, net: NetView, network: OnActivations) -> Float[np.ndarray, " candidate"]:
    reach = network.parameters[0].detach().abs().sum(-1) * net.gap
    furthest = sure(reach) if len(net.nodes) > FLIPPED else None
    with torch.no_grad():
        values = [getattr(batch, name)(Shown(batch, network, furthest)).values for batch in batches(net, len(reach))]
    return np.asarray(torch.stack(values).mean(0).numpy())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    steps = parser.parse_args().steps
    for name in MEASURES:
        shipped = correlations(name)
        for asked in asked_of(name):
            net = as_net(asked.view, WIDE)
            network, wrong = trained(asked, net, steps)
            itself = Asked.of(asked.name, asked.world, tables(asked, network), name)
            exact = getattr(itself.view, name)(itself.reporters).values
            found = rank_correlation(exact, surrogate(name, net, network))
            told, _ = shipped.get(asked.name, (None, 0))
            print(
                f"{name:18s} {asked.name:16s} {len(exact):4d} reporters, of tables {number(told)}, "
                f"of networks {number(found)}; {wrong:.4f} of their answers are others",
                flush=True,
            )


if __name__ == "__main__":
    main()
