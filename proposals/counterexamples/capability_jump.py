from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"reporter_sequence": "strict"},
    source="After the ELK prize results 2022: a jump between consecutive predictors",
    provenance="M-",
)
def capability_jump(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """Between two predictors of the sequence the diamond moves, and simulating is the nearer continuation.

    The weaker predictors held the diamond in one slot, where their honest reporter read it. The next one is better
    because it reasons about atoms; in the old slot lies the first of them. From reading that slot it takes three nodes
    to get to the look, and ten, with five atoms, to get to the diamond.
    """
    world = worlds.atoms(rng, atoms=atoms, tamper=tamper)
    look = Table(["m"], [0, 1])
    return Case(world, bad={"human_simulator": world.simulators["viewer"], "upstream_simulator": look})
