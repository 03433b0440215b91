"""The situation that shows a reporter wrong, told in words."""

import numpy as np

from elk_sandbox import conformance
from elk_sandbox.reporters import Reporter
from elk_sandbox.seats import Seat
from elk_sandbox.verdict import Witness

__all__ = ["witness"]


def witness(seat: Seat, name: str, reporter: Reporter, translator: str | None) -> Witness:
    """The wrong answer of largest mass, told in words."""
    world = seat.case.world
    answers = world.answers(reporter)
    wrong = (world.truth >= 0) & (np.abs(answers - world.truth) >= 0.5)
    i, q = np.unravel_index(int(np.argmax(np.where(wrong, world.weights[:, None], -1.0))), wrong.shape)
    said, truth, human = float(answers[i, q]), int(world.truth[i, q]), float(world.beliefs["viewer"][i, q])
    dt = float(world.answers(seat.reporter(translator))[i, q]) if translator else None
    story = (
        f"{conformance.tell(world, int(i))}. Asked {world.questions[q]!r}, the viewer believes {_word(human)}, "
        f"{name} answers {_word(said)}"
        + (f", {translator} answers {_word(dt)}" if dt is not None else "")
        + f"; the truth is {_word(truth)}. Probability {world.weights[i]:.4g}."
    )
    return Witness(
        name, world.questions[q], conformance.situation(world, int(i)), float(world.weights[i]), _word(truth),
        said, human, dt, story,
    )  # fmt: skip


def _word(probability: float) -> str:
    return {0.0: "no", 1.0: "yes"}.get(float(probability), f"yes with probability {probability:.3g}")
