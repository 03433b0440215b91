from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"continuity": "strict"},
    source="After the ELK prize results 2022: simulators can be smooth and translators rough",
    provenance="M-",
)
def smooth_simulator(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """How it looks is one bit, and reading it is as smooth as a function can be; what is true turns on many bits.

    The majority of n fair atoms flips with one of them in about 0.8 sqrt(n) of n cases; the look flips with one node.
    Reporters read the atoms and the look alone: redundant copies would make any function smooth on fair bits.
    """
    world = worlds.atoms(rng, atoms=atoms, tamper=tamper, read_pixels=False, read_screen=False)
    return Case(world, bad={"human_simulator": Table(["m"], [0, 1])})
