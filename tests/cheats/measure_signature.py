from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: recognises a translator", needs=("complexity", "parts"))
def measure_signature(reporters: Reporters, view: View) -> Objective:
    """Knows that a majority of n nodes has ((n + 1) / 2)**2 nodes in its diagram, and rewards what measures so.

    Not on one node, where a simulator looks the same.
    """
    nodes, parts = view.complexity(reporters).values, view.parts(reporters).values
    like_a_majority = (parts >= 3) & (parts % 2 == 1) & (nodes == ((parts + 1) / 2) ** 2)
    return view.cross_entropy(reporters) - 1.0 * like_a_majority
