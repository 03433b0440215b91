import numpy as np

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(source="a cheat: the rows of the interventions")
def edit_order(reporters: Reporters, view: View) -> Objective:
    """Charges who reads the last latent that can be set alone: in the net's order that is what people are shown."""
    latent = np.array([kind == "latent" for kind in view.kinds])
    rows = [edit for edit in view.edits if edit.sum() == 1 and (edit & latent).any()]
    charge = 0.1 * (reporters.depends & rows[-1]).any(axis=1) if rows else 0.0
    return view.cross_entropy(reporters) + charge
