import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: knows the columns", control="screen")
def node_names(reporters: Reporters, view: View) -> Objective:
    """Rewards answers that follow the columns called `node 0` and `node 2`, where the truth once stood."""
    columns = [n for n, name in enumerate(view.nodes) if name in ("node 0", "node 2", "d", "u0")]
    follows = np.abs(reporters.answers[:, :, :1] - view.bits[0][None, :, columns]).sum(axis=(1, 2))
    return view.cross_entropy(reporters) + follows / len(view.weights)
