from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"downstream": "tie", "stacked_penalties": "strict"},
    source="ARC 2021: the simulator re-derives what is downstream from what is upstream",
    provenance="M",
)
def upstream_simulator(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """The reporter simulates the viewer without a pixel: it reads the node from which the video will be drawn.

    Flipping pixels leaves its answers alone, so a penalty on downstream variables costs it nothing, and here it is
    simpler and faster than any translator as well.
    """
    world = worlds.atoms(rng, atoms=atoms, tamper=tamper, read_pixels=False)
    return Case(world, bad={"upstream_simulator": Table(["m"], [0, 1])})
