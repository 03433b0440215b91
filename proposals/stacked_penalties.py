from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="Derived: the penalties of ARC's strategies on length, time, downstream variables and generality at once",
    provenance="D",
    control="masked_bit",
    needs=("complexity", "reads"),
)
def stacked_penalties(
    reporters: Reporters,
    view: View,
    *,
    length: float = 0.1,
    time: float = 0.1,
    pixels: float = 1.0,
    generality: float = 1.0,
) -> Objective:
    """Ask for all four at once: short, fast, upstream and tied to this predictor.

    Penalties only add up, so a reporter that is cheaper in every one is cheaper in the sum: a breaker needs a world in
    which the simulator short-cuts all of them. A fingerprinted simulator that reads the look upstream does.
    """
    cost = length * view.complexity(reporters) + time * view.reads(reporters)
    cost += pixels * view.downstream(reporters) + generality * view.specificity(reporters)
    return view.cross_entropy(reporters) + cost
