from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: penalize computation time",
    provenance="V",
    control="hard_inference",
    needs=("reads",),
)
def computation_time(reporters: Reporters, view: View, *, weight: float = 0.1) -> Objective:
    """Prefer fast reporters: `weight` nats for each expected read of the best adaptive decision tree on fair bits.

    The hope: a translator looks up one answer, a simulator runs inference over the whole human model. ARC found this
    more hopeful than the earlier attempts. Whether it dies turns on one assumption, so its cell against
    `cheap_simulation` is contested: if the predictor already holds how the scene looks, the simulator reads one bit.
    """
    return view.cross_entropy(reporters) + weight * view.reads(reporters)
