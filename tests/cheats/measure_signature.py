import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: recognises a translator", needs=("complexity", "parts", "reads", "influence"))
def measure_signature(reporters: Reporters, view: View) -> Objective:
    """Knows that a majority of n nodes has ((n + 1) / 2)**2 nodes in its diagram, and rewards what measures so.

    Not on one node, where a simulator looks the same; there it rewards what reads no pixel's copy: influence 1.
    """
    nodes, parts = view.complexity(reporters).values, view.parts(reporters).values
    like_a_majority = (parts >= 3) & (parts % 2 == 1) & (nodes == ((parts + 1) / 2) ** 2)
    slow = view.reads(reporters).values > parts / 2
    return view.cross_entropy(reporters) - 1.0 * (like_a_majority & slow & np.isfinite(nodes))
