from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"imitative_generalization": "tie", "complexity": "strict", "continuity": "strict", "few_parts": "strict"},
    source="ARC 2021: the optimal predictor's variables are none that a human can adopt",
    provenance="M",
)
def ontology_mismatch(rng: Generator | None, *, atoms: int = 5, trick: float = 0.1) -> Case:
    """No net that a human can use is the predictor's, and the reporter runs inference in the best one that is.

    A condition on the world rather than a reporter: whatever labels are taken, they are labels of somebody with the
    wrong variables. Here one node s of the predictor is all that the best human-usable net knows. Reading it fits every
    human's data, costs one node, one read and one part, and is wrong where the unknown trick is played.
    """
    world = worlds.no_human_net(rng, atoms=atoms, trick=trick)
    return Case(world, bad={"human_simulator_hstar": world.reporters["human_simulator_hstar"]})
