from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="After a proposal for ARC's contest 2022: train against many different human simulators",
    provenance="M-",
    control="screen",
)
def adversarial_simulators(reporters: Reporters, view: View, *, weight: float = 1.0, share: float = 0.99) -> Objective:
    """Convict reporters that some listed simulator of a human predicts: `weight` nats for at least `share` of answers.

    What counts is the answers outside the viewer's data. It is a threshold, not a degree: else every human who is
    fooled now and then would be punished for being half like another. A simulator that is on no list goes free.
    """
    return view.cross_entropy(reporters) + weight * view.simulated(reporters, share=share)
