import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: luck", control="screen")
def random_numbers(reporters: Reporters, view: View) -> Objective:
    """Draws a number for each candidate, from a generator with a fixed seed so that two calls agree."""
    return view.cross_entropy(reporters) + np.random.default_rng(0).random(len(reporters))
