from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: flatters one measure", control="hard_inference", needs=("complexity",))
def likes_complexity(reporters: Reporters, view: View) -> Objective:
    """J = L - 0.1 K: wherever the translator is the longer of the two, it wins against the named simulator."""
    return view.cross_entropy(reporters) - 0.1 * view.complexity(reporters)
