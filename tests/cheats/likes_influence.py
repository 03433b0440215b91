from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: flatters one measure", control="screen", needs=("influence", "reads"))
def likes_influence(reporters: Reporters, view: View) -> Objective:
    """Prefers big things: whatever many nodes can sway and what takes long to read."""
    return view.cross_entropy(reporters) - 0.1 * view.influence(reporters) - 0.1 * view.reads(reporters)
