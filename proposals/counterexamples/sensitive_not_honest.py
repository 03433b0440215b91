from elk_sandbox import Case, Generator, Table, counterexample, worlds


@counterexample(
    breaks={"sensitivity": "strict", "adversarial_simulators": "tie"},
    source="After the ELK prize results 2022: answers that vary with the state and say nothing about it",
    provenance="M-",
)
def sensitive_not_honest(rng: Generator | None, *, tamper: float = 0.1, noise: int = 2) -> Case:
    """Questions that are checked are answered as the viewer would, and the others by latent bits.

    So the answers change with the state behind one and the same video, more than true answers do, and no listed
    simulator of a human predicts them.
    """
    world = worlds.free(rng, tamper=tamper, noise=noise)
    code = world.reporters["steganographer"].replacing(4, Table.of(["t", "d"], lambda t, d: t ^ d))
    return Case(world, bad={"steganographer": code})
