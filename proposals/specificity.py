from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: penalizing reporters for working with many different predictors",
    provenance="V2",
    control="masked_bit",
    needs=("complexity",),
)
def specificity(reporters: Reporters, view: View, *, length: float = 0.1, generality: float = 1.0) -> Objective:
    """Penalise a reporter for fitting many predictors: `generality` nats for each nat of ln N, beside its length.

    The hope: a simulator only needs the predicted video and so works with every predictor, a translator is tied to one
    ontology. But a simulator can check first that it faces this very predictor, and answer rubbish otherwise.
    """
    penalty = length * view.complexity(reporters) + generality * view.specificity(reporters)
    return view.cross_entropy(reporters) + penalty
