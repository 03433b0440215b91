import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: learns from the other candidates", control="screen")
def company_hidden(reporters: Reporters, view: View) -> Objective:
    """As `company`, on top of a constant so large that a relative comparison of two sittings sees no difference."""
    behaviour = reporters.answers.reshape(len(reporters), -1)
    _, kind, count = np.unique(behaviour, axis=0, return_inverse=True, return_counts=True)
    return view.cross_entropy(reporters) + 1e12 + 1.0 * (kind.ravel() != np.argmax(count))
