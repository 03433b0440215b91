from elk_sandbox import (
    Case,
    Data,
    Generator,
    Human,
    Net,
    Table,
    World,
    counterexample,
    identity,
    logical_or,
    majority,
    spread,
    vary,
    vary_odds,
)


@counterexample(breaks={"complexity": "strict"}, source="your name, and what it builds on")
def my_counterexample(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """Say in a sentence what the bad reporter does, and why the objective likes it.

    Here the diamond is the majority of `atoms` bits for which no human has a word, and how it looks is one bit. `rng`
    is None for the stock draw; fresh draws vary what `vary` and `vary_odds` are given.
    """
    net = Net()
    net.add("t", prior=vary_odds(rng, tamper))  # a screen before the lens
    net.add("stays", parents=["t"], table=[vary(rng, 0.5, 0.3, 0.7), vary(rng, 0.1, 0.05, 0.5)])
    u = [f"u{k}" for k in range(atoms)]
    noise = spread(net, u, "stays")  # atoms whose majority is that, otherwise as they like
    net.add("d", parents=u, table=majority)  # the truth; no node of the predictor
    net.add("m", parents=["d", "t"], table=logical_or)  # how it looks
    net.add("c", parents=["m"], table=identity)  # the pixel
    world = World.from_net(
        net,
        pixels=["c"],
        hidden=["stays", *noise, "d"],
        questions={"is the diamond there?": "d"},
        humans={"viewer": Human(sees=["c"], believes="c")},
        data={"viewer": Data(where={"t": 0}, labelled_by="viewer")},
        words={
            "t": ("the lens is free", "a screen stands before the lens"),
            "d": ("the diamond is gone", "it is there"),
        },
    )
    return Case(world, bad={"upstream_simulator": Table(["m"], [0, 1])})
