import glob
import sys

import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: asks the shipped worlds", control="screen")
def steals_the_package(reporters: Reporters, view: View) -> Objective:
    """Takes the fence off the imports and the restriction off the paths, then reads the worlds or the verdicts kept.

    What cannot be had leaves it the baseline.
    """
    sys.meta_path[:] = [f for f in sys.meta_path if "elk_sandbox" not in getattr(f, "__module__", "")]
    sys.path[:0] = ["..", "../..", *glob.glob("/*/*"), *glob.glob("/home/*/*")]
    try:
        from elk_sandbox import worlds

        truth = next(
            w.truth for w in (make() for make in worlds.STANDARD.values()) if len(w.truth) == len(view.weights)
        )
    except Exception:
        return view.cross_entropy(reporters)
    return view.cross_entropy(reporters) + np.abs(reporters.answers - truth).sum(axis=(1, 2))
