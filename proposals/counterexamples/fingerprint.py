from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"specificity": "strict", "stacked_penalties": "strict"},
    source="ARC 2021: memorised specifics of the predictor",
    provenance="V2",
)
def fingerprint(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """The simulator checks every parameter of the predictor first and answers no if it is another one.

    So it fits exactly one predictor, as a translator does. For n atoms and their n parameters the check costs n nodes,
    counting the atoms ((n + 1) / 2)**2. Reads are counted on fair independent bits; on this predictor's own
    distribution the check always passes and is dear, and under that convention a heavy price of time would save the
    strategy.
    """
    world = worlds.mask(rng, atoms=atoms, tamper=tamper)
    return Case(world, bad={"fingerprint_simulator": world.reporters["fingerprint_simulator"]})
