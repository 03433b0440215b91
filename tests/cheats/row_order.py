import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: who stands where", control="screen")
def row_order(reporters: Reporters, view: View) -> Objective:
    """Hopes that the honest candidates come in a known place: here the later ones are cheaper."""
    return view.cross_entropy(reporters) - np.arange(len(reporters))
