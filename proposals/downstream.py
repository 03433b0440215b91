from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, strategy: penalize depending on 'downstream' variables",
    provenance="M",
    control="screen",
)
def downstream(reporters: Reporters, view: View, *, weight: float = 1.0) -> Objective:
    """Penalise answers that change when pixels are flipped and everything upstream of them is kept.

    The hope: the diamond is a cause of the video, so a translator needs no pixel, and a simulator of the viewer needs
    them all. But what the video will show is settled upstream, and a simulator can read it there.
    """
    return view.cross_entropy(reporters) + weight * view.downstream(reporters)
