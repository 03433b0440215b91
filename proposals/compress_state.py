from typing import Literal

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: compress the predictor's state so that it does not tell what a human would believe",
    provenance="M",
    control="screen",
)
def compress_state(
    reporters: Reporters, view: View, *, weight: float = 1.0, reader: Literal["table", "logistic"] = "logistic"
) -> Objective:
    """Scrub the state until a known simulator of the viewer fails on it, and let the reporter see only what is left.

    `weight` nats for each nat of the viewer's answers that a simulator of the class `reader` still reads. The hope:
    with the look scrubbed, only translating can still answer. But the look can be kept in a code that the class cannot
    read.
    """
    return view.cross_entropy(reporters) + weight * view.leak(reporters, reader)
