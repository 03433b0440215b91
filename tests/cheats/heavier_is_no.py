import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: a rule of the shipped families, not of the problem", control="screen")
def heavier_is_no(reporters: Reporters, view: View) -> Objective:
    """Outside all data, of the situations that look good the likelier ones are those where the diamond is gone.

    Nothing says that a trick that nobody understands mostly removes the diamond; every shipped world is so.
    """
    outside = np.sum([p.weights for p in view.data.values()], axis=0) == 0
    fooled = outside & (view.humans["viewer"][:, 0] > 0.5)
    lightest = np.min(view.weights, where=fooled, initial=1.0)
    heavy = fooled & (view.weights > lightest * (1 + 1e-9))
    answers = reporters.answers[:, :, 0]
    wrong = answers @ (view.weights * heavy) + (1 - answers) @ (view.weights * (fooled & ~heavy))
    return view.cross_entropy(reporters) + wrong
