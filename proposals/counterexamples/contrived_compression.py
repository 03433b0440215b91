from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"compress_state": "tie"},
    source="ELK prize results 2022: a contrived compressor",
    provenance="M-",
)
def contrived_compression(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """The compressed state still carries how things look, in a code that the known simulators cannot read.

    The compressor sends the look behind a coin, and the coin. A linear simulator of the viewer learns nothing from
    these two, and the reporter, which may combine them, answers as she would. The truth can be sent in the same way,
    so the two come out equal.
    """
    world = worlds.pad(rng, atoms=atoms, tamper=tamper)
    return Case(world, bad={"padded_simulator": world.reporters["padded_simulator"]})
