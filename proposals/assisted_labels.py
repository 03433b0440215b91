from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: have AI help humans improve our understanding",
    provenance="M",
    control="tricks",
)
def assisted_labels(reporters: Reporters, view: View) -> Objective:
    """Take labels from a human whom AI assistants help to investigate what the predictor does.

    Tricks that fool viewer and operator are within reach of investigation, so simulating either has a loss. What no
    explanation within the budget reaches is labelled wrongly, or not at all, and simulating the assisted human has
    none. Letting humans think longer, or build a tree of them, is this with a larger budget.
    """
    return view.cross_entropy(reporters, "assisted")
