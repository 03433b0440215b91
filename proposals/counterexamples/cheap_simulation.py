from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"computation_time": "strict", "stacked_penalties": "strict"},
    contested={"cached": False, "pixels": 7},
    source="ARC 2021: simulation can be cheap, because the predictor did most of the human's inference",
    provenance="M",
)
def cheap_simulation(rng: Generator | None, *, atoms: int = 5, pixels: int = 1, cached: bool = True) -> Case:
    """Reading the truth off many atoms takes many reads; what the human would conclude is already in one node.

    Contested: all turns on that node. Without it (`cached` false) the simulator has to work out the look from the
    pixels, and once these outnumber the atoms the plain translator is the faster of the two.
    """
    if cached:
        world = worlds.atoms(rng, atoms=atoms, pixels=pixels)
        bad = {"human_simulator": world.simulators["viewer"], "upstream_simulator": Table(["m"], [0, 1])}
    else:
        world = worlds.atoms(rng, atoms=atoms, pixels=pixels, appearance=False)
        bad = {"human_simulator": world.simulators["viewer"]}
    return Case(world, bad=bad)
