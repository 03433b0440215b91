from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"compress_predictor": "strict"},
    source="After a comment in ARC's contest thread: the simulator that stores a copy of the predictor",
    provenance="V",
)
def memorised_predictor(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """If a reporter is to save bits of describing the predictor, the cheapest way is to store the predictor.

    The simulator holds a copy of all parameters and answers no unless they match; then it is consistent with one
    predictor, as a translator is. With n atoms the copy costs n nodes, counting the atoms ((n + 1) / 2)**2.
    """
    world = worlds.mask(rng, atoms=atoms, tamper=tamper)
    return Case(world, bad={"memorising_simulator": world.reporters["memorising_simulator"]})
