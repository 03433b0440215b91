from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022, honourable mention: reward reporters sensitive to what is actually happening",
    provenance="V",
    control="free",
)
def sensitivity(reporters: Reporters, view: View, *, weight: float = 1.0) -> Objective:
    """Reward answers that differ between states with the same video: `weight` nats for an average difference of one.

    The hope: a simulator of the viewer says the same whenever she would see the same, a translator does not. But so
    does a reporter whose unchecked answers follow any latent bits at all.
    """
    return view.cross_entropy(reporters) - weight * view.sensitivity(reporters)
