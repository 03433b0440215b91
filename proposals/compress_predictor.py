from math import log

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, appendix: reward reporters whose consistency says much about the predictor",
    provenance="V",
    control="masked_bit",
    needs=("complexity",),
)
def compress_predictor(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Describe the predictor by way of the reporter: its nodes, and the bits that name this one of all that fit it.

    The hope: a translator touches more of the predictor than a simulator, so fewer predictors are consistent with it
    and fewer bits are left to tell. But what tells most about a predictor is a copy of it, kept beside a simulator.
    """
    bits = view.specificity(reporters) / log(2)
    return view.cross_entropy(reporters) + weight * (view.complexity(reporters) + bits)
