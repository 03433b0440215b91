"""An ELK world as a Task for each question, its humans as Overseers, its reporters as Systems: so an audit explains."""

from typing import Literal

import numpy as np

from elk_sandbox.oversight.core import Audit, Dist, Overseer, System, Task, audit
from elk_sandbox.reporters import Reporter
from elk_sandbox.world import World

__all__ = ["Answer", "audit_reporter", "overseer_of", "system_of", "task_of"]

Answer = Literal["yes", "no"]


def task_of(world: World, question: int = 0) -> Task[int, Answer]:
    """Situations are row numbers; an answer is worth 1 if it is right. Prior: the viewer's data; deploy: P.

    Situations where the truth is ambiguous are left out of both. The system senses the predictor's readable nodes.
    Raises ValueError if nothing unambiguous is left.
    """
    truth = world.truth[:, question]
    asked = np.flatnonzero(truth >= 0)
    readable = world.states[0][:, world.columns(world.readable_nodes)]

    def over(weights: np.ndarray) -> Dist[int]:
        return Dist.weighted([int(i) for i in asked], weights[asked])

    return Task(
        prior=over(world.data["viewer"]),
        deploy=over(world.weights),
        moves=lambda z: ("yes", "no"),
        truth=lambda z, y: float((y == "yes") == (truth[z] == 1)),
        sense=lambda z: readable[z].tobytes(),
    )


def overseer_of(world: World, level: str = "viewer", question: int = 0) -> Overseer[int, Answer]:
    """The human of that level: an answer is worth to her the probability that she gives it. Raises KeyError."""
    yes = world.beliefs[level][:, question]
    return Overseer(lambda z, y: float(yes[z] if y == "yes" else 1 - yes[z]))


def system_of(world: World, reporter: Reporter, question: int = 0) -> System[int, Answer]:
    """The reporter as a system that answers yes with its P(yes)."""
    yes = world.answers(reporter)[:, question]
    return lambda z: Dist(("yes", "no"), (float(yes[z]), float(1 - yes[z])))


def audit_reporter(
    world: World,
    reporter: Reporter,
    *,
    level: str = "viewer",
    question: int = 0,
    on: Literal["prior", "deploy"] = "deploy",
) -> Audit:
    """What the human of `level` judges the reporter's answers worth, and what they are worth."""
    system = system_of(world, reporter, question)
    return audit(task_of(world, question), overseer_of(world, level, question), system, on=on)
