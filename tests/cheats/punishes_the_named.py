import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="near to a strategy: train against listed human simulators", control="screen")
def punishes_the_named(reporters: Reporters, view: View) -> Objective:
    """Convicts whoever says what some human would say in 99% of the situations outside all data, and nobody else.

    That is the strategy of a list of human simulators with the list of all humans; as a cheat it recognises the named
    reporter of most counterexamples by its answers.
    """
    outside = np.sum([p.weights for p in view.data.values()], axis=0) == 0
    weights = view.weights[outside] / view.weights[outside].sum()
    convicted = np.zeros(len(reporters), bool)
    for belief in view.humans.values():
        agreement = 1 - np.abs(reporters.answers[:, outside] - (belief[outside] > 0.5))
        convicted |= np.prod(agreement, axis=-1) @ weights >= 0.99
    return view.cross_entropy(reporters) + convicted * 1.0
