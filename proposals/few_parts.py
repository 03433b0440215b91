from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: penalize depending on too many parts of the predictor",
    provenance="M",
    control="hard_inference",
    needs=("parts",),
)
def few_parts(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Prefer reporters that depend on few nodes: `weight` nats for each that matters to an answer.

    The hope: where the diamond is sits in a few places, and simulating a human takes all that she would see. But the
    predictor may hold a small summary of how things look, and the truth in no single place.
    """
    return view.cross_entropy(reporters) + weight * view.parts(reporters)
