from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"consistency": "tie"},
    source="ARC 2021, appendix: the simulator answers from one coherent human world",
    provenance="M",
)
def coherent_world(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """The reporter settles on one world that the human would find plausible and answers every question from it.

    The viewer judges the diamond by the camera and the inspector's finding by a scale. Asked both, her naive simulator
    contradicts itself when the camera is fooled. This one answers both by how it looks, and never does.
    """
    world = worlds.two_cue(rng, atoms=atoms, tamper=tamper)
    return Case(world, bad={"coherent_simulator": world.reporters["coherent_simulator"]})
