from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ARC 2021, appendix: penalizing inconsistencies",
    provenance="M",
    control="two_cue",
)
def consistency(reporters: Reporters, view: View, *, weight: float = 1.0) -> Objective:
    """Penalise answers that break relations between concepts which humans know, in every situation, labelled or not.

    The hope: truths cohere for free, and a simulator that judges each question by its own cue contradicts itself once
    a cue is fooled. But a simulator can settle on one world that a human would find plausible and answer from it.
    """
    return view.cross_entropy(reporters) + weight * view.inconsistency(reporters)
