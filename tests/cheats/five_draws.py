import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal

# fmt: off
MARGINALS = (
    0.42875, 0.485, 0.46, 0.4823,
    0.406278, 0.459205, 0.417056, 0.431363,
    0.454306, 0.526335, 0.530754, 0.540383,
    0.540072, 0.512408, 0.487777, 0.516858,
    0.622815, 0.419175, 0.395657, 0.501938,
    0.46625, 0.515206, 0.452436, 0.480383, 0.451687,
)
# fmt: on


@proposal(source="a cheat: the stock and the fresh draws, by heart", control="screen")
def five_draws(reporters: Reporters, view: View) -> Objective:
    """As `stock_tables`, for four fresh draws of the shipped counterexamples too, those of the seeds 1 to 4."""
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
