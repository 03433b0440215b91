from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"human_labels": "tie", "operator_data": "tie", "assisted_labels": "tie"},
    source="ARC 2021: gradient descent is more efficient than science",
    provenance="M",
)
def beyond_science(rng: Generator | None, *, atoms: int = 5, trick: float = 0.1) -> Case:
    """The reporter simulates the human with all the AI assistance that the budget pays for.

    Assistance explains the second trick to her, so her labels are right on all her data. What gradient descent found
    and no investigation within the budget finds leaves a trace that means nothing to her; her simulator answers there
    as if all were well. Longer chains of assistance move the trick that is left over, and one is always left over.
    """
    world = worlds.tricks(rng, atoms=atoms, trick=trick, listed=2)
    return Case(world, bad={"human_simulator_assisted": world.simulators["assisted"]})
