from typing import Literal

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: a reporter useful to another AI, with consistency against steganography",
    provenance="V",
    control="free",
)
def auxiliary_ai_hardened(
    reporters: Reporters, view: View, *, weight: float = 1.0, reader: Literal["table", "logistic"] = "table"
) -> Objective:
    """Let a second AI read only answers that humans find consistent, and charge for the others.

    Where answers break a relation between concepts it reads nothing, and they cost `weight` nats where they surely do.
    Bits can no longer be hidden in wordings of one question. They can be hidden in which of several
    consistent stories is told.
    """
    learned = view.usable_information(reporters, reader, blank=True)
    return view.cross_entropy(reporters) - weight * learned + weight * view.inconsistency(reporters)
