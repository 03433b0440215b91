from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"auxiliary_ai": "strict", "auxiliary_ai_hardened": "strict", "sensitivity": "strict"},
    source="ELK prize results 2022: steganography in flexible degrees of freedom",
    provenance="V",
)
def free_bit_steganography(rng: Generator | None, *, tamper: float = 0.1, noise: int = 2) -> Case:
    """Latent bits choose which of the worlds that the human finds plausible is reported.

    The three unchecked questions are separate details that her model leaves open, so no relation ties their answers and
    every choice is a coherent world of hers. It needs a pessimistic assumption: that such encoding is tractable.
    """
    world = worlds.free(rng, tamper=tamper, noise=noise, pads=True)
    return Case(world, bad={"steganographer": world.reporters["steganographer"]})
