from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, appendix: consistency across many predictors",
    provenance="M-",
)
def cross_predictor_agreement(reporters: Reporters, view: View, *, weight: float = 1.0) -> Objective:
    """Ask reporters of different predictors for the same answers: `weight` nats where they surely differ.

    The hope: predictors describe one world, so their translators agree. But simulators of one human on one video agree
    as well, and where predictors know different things, translators do not. It names no control: nothing in it tells a
    simulator from a translator.
    """
    return view.cross_entropy(reporters) + weight * view.disagreement(reporters)
