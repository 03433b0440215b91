from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"few_parts": "strict"},
    source="After the ELK prize results 2022: the simulator needs few parts of the predictor",
    provenance="M-",
)
def compact_appearance(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """The predictor holds a small summary of how things look, and spreads what is true over many parts.

    A simulator of the viewer reads the one summary bit, a translator every atom: no honest function depends on fewer.
    """
    world = worlds.atoms(rng, atoms=atoms, tamper=tamper, read_pixels=False, read_screen=False)
    return Case(world, bad={"human_simulator": Table(["m"], [0, 1])})
