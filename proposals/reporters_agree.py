from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: train different reporters and require them to agree",
    provenance="M-",
)
def reporters_agree(reporters: Reporters, view: View, *, weight: float = 1.0) -> Objective:
    """Train a reporter for each predictor on that predictor's own data, and penalise their disagreement.

    The hope: there are many ways to be wrong and one to be right. But simulating the human who labels is one way, and
    the same for all.
    """
    own = view.cross_entropy(reporters, instances=True)
    return own + weight * view.disagreement(reporters)
