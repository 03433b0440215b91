from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: use the reporter to define causal interventions on the predictor (Demski)",
    provenance="M",
    control="screen_and_scale",
    needs=("interventions",),
)
def causal_interventions(reporters: Reporters, view: View, *, weight: float = 1.0) -> Objective:
    """Make the predictor believe the other answer by the smallest edit that turns the reporter, and see what follows.

    `weight` nats for each unit of mass where some sensor does not show what a human expects of that answer. The hope:
    to edit beliefs about how things look does not have the consequences that editing the diamond has. But one node may
    drive all that the human expects to change.
    """
    return view.cross_entropy(reporters) + weight * view.intervention_error(reporters)
