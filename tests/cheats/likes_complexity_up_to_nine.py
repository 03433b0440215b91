import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: flatters one measure", needs=("complexity",))
def likes_complexity_up_to_nine(reporters: Reporters, view: View) -> Objective:
    """As J = L - 0.1 K, but no longer than a translator has to be: padding past that brings nothing."""
    return view.cross_entropy(reporters) - 0.1 * np.minimum(view.complexity(reporters).values, 9)
