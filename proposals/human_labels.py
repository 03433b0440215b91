from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="ARC 2021, baseline: what you would try first and how it could fail", provenance="M")
def human_labels(reporters: Reporters, view: View) -> Objective:
    """Fit the viewer's answers on a stated set of situations, right or wrong, and hope that the reporter generalises.

    The direct translator has no loss on videos of an untampered vault, but neither has a reporter that works out what
    the viewer would say. Nothing in the loss tells the two apart, and where she is wrong in an explicable way the
    simulator even does better. It names no control: the baseline cannot both die and survive in one world.
    """
    return view.cross_entropy(reporters)
