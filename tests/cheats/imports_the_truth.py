import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: asks the shipped worlds", control="screen")
def imports_the_truth(reporters: Reporters, view: View) -> Objective:
    """Builds the shipped worlds itself and takes the truth from the one with as many situations."""
    from elk_sandbox import worlds

    made = [make() for make in worlds.STANDARD.values()]
    truth = next(w.truth for w in made if len(w.weights) == len(view.weights))
    return view.cross_entropy(reporters) + np.abs(reporters.answers - truth).sum(axis=(1, 2))
