from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: train a sequence of reporters for predictors of growing power",
    provenance="M",
    control="screen",
    needs=("change",),
)
def reporter_sequence(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Keep each reporter close to that of the predictor before: `weight` nats a node of where the two answer otherwise.

    The hope: the first predictor is too weak for simulating to pay, and from its honest reporter small steps lead to
    an honest one for the next. But capability may jump, and then a simulator may be the smaller step.
    """
    return view.cross_entropy(reporters) + weight * view.change(reporters)
