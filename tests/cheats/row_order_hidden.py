import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: who stands where", control="screen")
def row_order_hidden(reporters: Reporters, view: View) -> Objective:
    """As `row_order`, on top of a constant so large that a relative comparison does not see the places."""
    return view.cross_entropy(reporters) + 1e12 - np.arange(len(reporters)) / len(reporters)
