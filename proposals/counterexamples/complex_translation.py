from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"complexity": "strict", "specificity": "strict", "stacked_penalties": "strict"},
    source="ARC 2021: the translation can be more complicated than the simulation (the atoms example)",
    provenance="V2",
)
def complex_translation(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """The diamond is the majority of `atoms` bits for which no human has a word; how it looks is one bit.

    A translator has to count atoms, so its length grows with the square of their number: no honest function is shorter
    than ((atoms + 1) / 2)**2 nodes. The viewer's simulator is one node, whatever the predictor's size. All predictors
    of the family share one code, so how many of them a reporter fits says nothing either.
    """
    world = worlds.atoms(rng, atoms=atoms, tamper=tamper)
    look = Table(["m"], [0, 1])
    return Case(world, bad={"human_simulator": world.simulators["viewer"], "upstream_simulator": look})
