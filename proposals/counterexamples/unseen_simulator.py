from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"adversarial_simulators": "tie"},
    source="After a strategy in the ELK prize results 2022: a simulator that is on nobody's list",
    provenance="M-",
)
def unseen_simulator(rng: Generator | None, *, atoms: int = 5, trick: float = 0.1) -> Case:
    """The reporter simulates a better informed human than any whose simulator the builder could write down.

    The list holds viewer, operator and assisted human. The best net that humans can use differs from all three where
    the third trick is played, so it is not convicted, and it is wrong where the unknown one is.
    """
    world = worlds.tricks(rng, atoms=atoms, trick=trick, listed=3)
    return Case(world, bad={"human_simulator_hstar": world.simulators["hstar"]})
