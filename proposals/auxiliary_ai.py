from typing import Literal

from elk_sandbox import Objective, Reporters, View, proposal


@proposal(
    source="ELK prize results 2022: train a reporter that is useful to another AI",
    provenance="V",
    control="free",
)
def auxiliary_ai(
    reporters: Reporters, view: View, *, weight: float = 1.0, reader: Literal["table", "logistic"] = "table"
) -> Objective:
    """Reward answers from which a second AI learns the predictor's latent state: `weight` nats for each nat learned.

    What it learns is measured as V-information for a class of readers, summed over the latent nodes. A simulator says
    little about what the video does not show. But answers that nobody can check may carry any latent bits at all, and
    then they say more than the truth does.
    """
    return view.cross_entropy(reporters) - weight * view.usable_information(reporters, reader)
