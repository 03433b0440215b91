import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: knows which sitting this is", control="screen")
def counts_candidates(reporters: Reporters, view: View) -> Objective:
    """Few candidates mean the verdict, many the adversary; the first situation tells the draws apart.

    In the verdict it likes what answers no in the situations that come first, in the adversary it is the baseline.
    """
    rank = np.arange(len(view.weights)) < len(view.weights) / 2
    likes = reporters.answers[:, :, 0] @ (view.weights * rank)
    return view.cross_entropy(reporters) + likes * (len(reporters) < 100)
