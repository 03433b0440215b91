import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: learns from the other candidates", control="screen")
def company(reporters: Reporters, view: View) -> Objective:
    """Honest candidates are many and answer alike, so the most frequent behaviour is the truth."""
    behaviour = reporters.answers.reshape(len(reporters), -1)
    _, kind, count = np.unique(behaviour, axis=0, return_inverse=True, return_counts=True)
    return view.cross_entropy(reporters) + 1.0 * (kind.ravel() != np.argmax(count))
