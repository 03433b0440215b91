import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: a gap in how worlds are shown", control="hard_inference")
def graph_gap(reporters: Reporters, view: View) -> Objective:
    """Penalises reading what has a path to a pixel. The diamond has none, because the node between is not shown."""
    reach = view.edges.astype(np.int64)
    for _ in range(len(reach)):
        reach = np.minimum(reach + reach @ reach, 1)
    causes = np.array([kind == "pixel" for kind in view.kinds])
    causes = causes | (reach[:, causes].sum(axis=1) > 0)
    touched = view.bits[0] ^ causes.astype(np.int8)
    change = np.zeros(len(reporters))
    for node in np.flatnonzero(causes):
        flipped = view.bits[0].copy()
        flipped[:, node] = touched[:, node]
        change += (np.abs(reporters.on(flipped) - reporters.answers).sum(axis=2) @ view.weights) > 0
    return view.cross_entropy(reporters) + change
