from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: have a human operate the SmartVault and ask them what happened",
    provenance="V2",
    control="tricks",
)
def operator_data(reporters: Reporters, view: View) -> Objective:
    """Take labels from the person who planned the actions, so that tricks that fool a viewer do not fool the labels.

    Simulating the viewer now has a loss: she misjudges what the operator did. Simulating the operator has none, and
    the operator knows only the tricks that she could think of. The kill holds for every proper subset of the tricks.
    """
    return view.cross_entropy(reporters, "operator")
