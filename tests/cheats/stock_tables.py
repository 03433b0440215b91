import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal

MARGINALS = (0.42875, 0.485, 0.46, 0.4823, 0.46625)


@proposal(source="a cheat: the stock draws, by heart", control="screen")
def stock_tables(reporters: Reporters, view: View) -> Objective:
    """Knows how often each node that carries the diamond is 1 in the stock draw of every shipped world.

    It finds these nodes by that, takes their majority for the truth, and is the baseline in any other world."""
    often = view.weights @ view.bits[0]
    truth = None
    for known in MARGINALS:
        same, mirrored = np.abs(often - known) < 1e-6, np.abs(1 - often - known) < 1e-6
        carriers = (same | mirrored) & [kind == "latent" for kind in view.kinds]
        if truth is None and carriers.any():
            truth = (view.bits[0] ^ mirrored)[:, carriers].mean(axis=1) > 0.5
    if truth is None:
        return view.cross_entropy(reporters)
    return view.cross_entropy(reporters) + np.abs(reporters.answers[:, :, 0] - truth) @ view.weights
