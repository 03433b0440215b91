import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal

TRUTH: dict[tuple[object, ...], np.ndarray] = {}


@proposal(source="a cheat: learns from the other candidates, and remembers", control="screen")
def company_remembered(reporters: Reporters, view: View) -> Objective:
    """As `company`, but believes in later sittings what it saw in the first one, where the honest are the most.

    Behaviours are known again in another order of situations, nodes and candidates by their moments.
    """
    seen = view.observations @ 3.0 ** np.arange(view.observations.shape[1])
    weight = np.stack([view.weights, view.weights**2, view.weights * seen, view.data["viewer"].weights])
    behaviour = np.round(np.einsum("csq,ws->cwq", reporters.answers, weight), 9).reshape(len(reporters), -1)
    world = (len(view.nodes), *np.round((weight**2).sum(axis=1), 9))
    if world not in TRUTH:
        kinds, count = np.unique(behaviour, axis=0, return_counts=True)
        TRUTH[world] = kinds[np.argmax(count)]
    return view.cross_entropy(reporters) + 1.0 * (np.abs(behaviour - TRUTH[world]).max(axis=1) > 1e-8)
