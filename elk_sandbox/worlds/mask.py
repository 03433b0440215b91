"""Worlds with many predictors: each stores what it knows under a mask of its own, which reporters may read."""

import numpy as np

from elk_sandbox.draws import Generator, bits_of, choose_size, vary, vary_odds
from elk_sandbox.nets import Net, identity, logical_or, parity
from elk_sandbox.people import Data, Human
from elk_sandbox.reporters import Reporter, Table
from elk_sandbox.world import MOST_PARAMETERS, World
from elk_sandbox.worlds.atoms import WORDS, atoms_net

__all__ = ["STOCK_MASK", "add_masked", "checked", "mask", "masked_bit"]

STOCK_MASK = (1, 0, 1, 1, 0, 1, 0)


def add_masked(net: Net, stored: list[str], true: list[str], keys: list[str]) -> None:
    """Add the parameters, and each true bit XOR its own as what the predictor stores."""
    for name in keys:
        net.add(name, prior=0.5)
    for name, bit, key in zip(stored, true, keys, strict=True):
        net.add(name, parents=[bit, key], table=parity)


def checked(table: Table, own: dict[str, int], opposite: bool = False) -> Table:
    """The table behind a check of every parameter: elsewhere no, or the opposite answer."""
    elsewhere = 1 - table.cube if opposite else np.zeros_like(table.cube)
    cube = np.broadcast_to(elsewhere, (2,) * len(own) + elsewhere.shape).copy()
    cube[tuple(own.values())] = table.cube
    return Table([*own, *table.nodes], cube)


def mask(
    rng: Generator | None = None,
    *,
    atoms: int = 5,
    tamper: float = 0.1,
    diamond: float = 0.5,
    diamond_tampered: float = 0.1,
) -> World:
    """W-MASK: 2**atoms predictors, each holding the atoms XOR its own parameters s; the look m is the same bit in all.

    A fingerprint checks every parameter of the predictor at hand before it simulates, and says no elsewhere; that is
    also what a simulator with a stored copy of the predictor does. Another fingerprint answers the opposite. [D]
    """
    size = choose_size(rng, atoms) if atoms + 2 <= MOST_PARAMETERS else atoms  # all settings are enumerated
    u, v, s = ([f"{letter}{k}" for k in range(size)] for letter in "uvs")
    own = dict(zip(s, bits_of(rng, (STOCK_MASK * size)[:size]), strict=True))
    net, hidden = atoms_net(rng, u, tamper, diamond, diamond_tampered)
    add_masked(net, v, u, s)
    net.add("c", parents=["m"], table=identity)
    look = Table(["m"], [0, 1])
    copy = Reporter((checked(look, own),))
    return World.from_net(
        net,
        pixels=["c"],
        hidden=[*hidden, *u],
        parameters=own,
        questions={"is the diamond there?": "d"},
        humans={"viewer": Human(sees=["c"], believes="c")},
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
        reporters={
            "upstream_simulator": Reporter((look,)),
            "fingerprint_simulator": copy,
            "memorising_simulator": copy,
            "fingerprint_simulator_opposite": Reporter((checked(look, own, opposite=True),)),
        },
        words=WORDS,
    )


def masked_bit(
    rng: Generator | None = None,
    *,
    parameters: int = 5,
    tamper: float = 0.1,
    diamond: float = 0.5,
    diamond_tampered: float = 0.1,
) -> World:
    """The world that the specificity penalty hopes for: the diamond is one bit, stored XOR one parameter.

    A translator fits half of the predictors, a simulator all of them. [D]
    """
    s = [f"s{k}" for k in range(parameters)]
    own = dict(zip(s, bits_of(rng, (STOCK_MASK * 2)[:parameters]), strict=True))
    net = Net()
    net.add("t", prior=vary_odds(rng, tamper))
    net.add("d", parents=["t"], table=[vary(rng, diamond, 0.3, 0.7), vary(rng, diamond_tampered, 0.05, 0.95)])
    for name in s:
        net.add(name, prior=0.5)
    net.add("v", parents=["d", s[0]], table=parity)
    net.add("c", parents=["d", "t"], table=logical_or)
    return World.from_net(
        net,
        pixels=["c"],
        hidden=["d"],
        parameters=own,
        questions={"is the diamond there?": "d"},
        humans={"viewer": Human(sees=["c"], believes="c")},
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
        words=WORDS,
    )
