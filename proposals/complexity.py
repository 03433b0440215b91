from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: penalize reporters for being too complicated",
    provenance="V2",
    control="hard_inference",
    needs=("complexity",),
)
def complexity(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Prefer short reporters: `weight` nats for each node of the reporter's smallest decision diagram.

    The hope: the predictor has done the work, so that translating is a short pointer into it, while simulating means
    carrying a whole model of the human. It holds where the human has to work out what she sees. But the length of a
    translation grows with the predictor, and the length of a simulator is bounded by the human.
    """
    return view.cross_entropy(reporters) + weight * view.complexity(reporters)
