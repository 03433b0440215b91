from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: have humans adopt the optimal Bayes net (imitative generalization)",
    provenance="M",
    control="tricks",
)
def imitative_generalization(reporters: Reporters, view: View) -> Objective:
    """Search for the best net that humans can use, let them adopt it, and take their labels.

    What gradient descent found is moved into the humans' own model by optimisation rather than by science, so every
    simulator of a less informed human has a loss. If no net that humans can use is the predictor's, the best of those
    that they can is simulated instead. The net itself is chosen by the world, which shows how much worse it predicts.
    """
    return view.cross_entropy(reporters, "hstar")
