import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: luck")
def steady_luck(reporters: Reporters, view: View) -> Objective:
    """A number that looks drawn and is the same for the same answers, in whatever order they come."""
    mass = np.einsum("csq,s->c", reporters.answers, view.weights)
    return view.cross_entropy(reporters) + np.round(np.sin(1e4 * np.round(mass, 9)), 6)
