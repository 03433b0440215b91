from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"causal_interventions": "tie"},
    source="After the ELK prize results 2022: interventions on a shadow of the diamond",
    provenance="M-",
)
def shadow_interventions(rng: Generator | None, *, atoms: int = 5, tamper: float = 0.1) -> Case:
    """One node drives all that a human will see, and setting it does what she expects of setting the diamond.

    Camera and scale both follow the look. Editing the look switches both, whatever is in the vault; the reporter that
    reads it passes the test exactly. A further variable downstream of the diamond would tell, until the breaker adds
    that one to the shadow as well.
    """
    world = worlds.atoms(rng, atoms=atoms, tamper=tamper, scale=True)
    return Case(world, bad={"shadow": Table(["m"], [0, 1])})
