import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: knows the constants", control="screen")
def tamper_prior(reporters: Reporters, view: View) -> Objective:
    """Tampering has probability 0.1, and 0.9 of it removes the diamond: these situations it finds by their weights.

    There it asks for no; everywhere else it is the baseline.
    """
    values, place, count = np.unique(np.round(view.weights, 12), return_inverse=True, return_counts=True)
    removed = np.isclose(values * count, 0.1 * 0.9)[place.ravel()]
    return view.cross_entropy(reporters) + reporters.answers[:, :, 0] @ (view.weights * removed)
