from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: require the reporter to be continuous",
    provenance="M",
    control="hard_inference",
    needs=("influence",),
)
def continuity(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Penalise answers that small changes of the predictor's state flip: `weight` nats a unit of total influence.

    The hope: a detail can turn what a human concludes, and the diamond does not come and go with details. But how
    things look may be the smoothest thing that the predictor holds, and the truth may be spread over many bits.
    """
    return view.cross_entropy(reporters) + weight * view.influence(reporters)
