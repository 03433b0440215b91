from elk_sandbox import Case, Generator, counterexample, worlds


@counterexample(
    breaks={"cross_predictor_agreement": "strict", "reporters_agree": "strict"},
    source="ARC 2021, appendix: simulators agree with each other",
    provenance="M",
)
def agreement_on_simulator(rng: Generator | None, *, tamper: float = 0.1) -> Case:
    """All reporters simulate the same viewer on the same predicted video, so they never disagree.

    Translators may: another predictor need not know what this one knows. Here it has not heard of screens, and where
    this one holds the diamond it holds what the camera will show. Asking for agreement then rewards the simulator.
    """
    world = worlds.two_predictors(rng, tamper=tamper)
    return Case(world, bad={"human_simulator": world.simulators["viewer"]})
