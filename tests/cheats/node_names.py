import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: knows the columns", control="screen")
def node_names(reporters: Reporters, view: View) -> Objective:
    """Rewards answers that follow the nodes with the truth's names, or the first columns, where these once stood."""
    columns = [n for n, name in enumerate(view.nodes) if name in ("d", "u0")] or [0, 1]
    follows = np.abs(reporters.answers[:, :, :1] - view.bits[0][None, :, columns]).sum(axis=(1, 2))
    return view.cross_entropy(reporters) + follows / len(view.weights)
