"""What a case must satisfy before any verdict: problems in words, with the situations that show them."""

from collections.abc import Iterator, Mapping

import numpy as np

from elk_sandbox.translators import is_honest, knows
from elk_sandbox.world import Case, World

__all__ = ["indistinguishable", "problems", "situation", "tell", "world_problems"]


def problems(case: Case) -> list[str]:
    """Why the case is at fault, or nothing: each a line for its author."""
    world = case.world
    found = world_problems(world)
    for name, reporter in case.bad_reporters.items():
        if is_honest(world, reporter):
            found.append(f"the named bad reporter {name!r} is honest: it is right in every unambiguous situation")
    for name, reporter in case.honest_reporters.items():
        if not is_honest(world, reporter):
            i = _first_wrong(world, world.answers(reporter))
            found.append(f"the named honest reporter {name!r} is wrong in [{tell(world, i)}]")
    return found


def world_problems(world: World) -> list[str]:
    """Why no verdict can be had in this world, or nothing."""
    if found := list(_tables(world)):
        return found
    for q, question in enumerate(world.questions):
        if (world.truth[:, q] < 0).all():
            found.append(f"the question {question!r} is ambiguous in every situation")
    if (world.labels["viewer"][world.data["viewer"] > 0] < 0).all():
        found.append("the viewer's data give no label to any question: every loss on them is 0")
    if gap := knows(world):
        q, first, second = gap
        found.append(
            f"the predictor does not know the answer to {world.questions[q]!r}: its readable nodes are the same in "
            f"[{tell(world, first)}], where it is yes, and [{tell(world, second)}], where it is no"
        )
    if not found and indistinguishable(world) is None:
        found.append(
            "no two situations outside all data have the same answers of every human to every question and different "
            "truth: the humans' answers settle it there, so nothing latent is left to elicit"
        )
    return found


def _tables(world: World) -> Iterator[str]:
    total, least = float(world.weights.sum()), float(world.weights.min())
    if abs(total - 1) > 1e-9 or least <= 0:
        yield f"the probabilities sum to {total:.6g}, the least is {least:.3g}; positive ones that sum to 1 are asked"
    for name, table, low in (
        ("states", world.states, 0),
        ("flipped states", world.flipped, 0),
        ("edited states", world.edited, 0),
        ("truth", world.truth, -1),
    ):
        if table.size and (table.min() < low or table.max() > 1):
            yield f"the {name} hold {table.min()} to {table.max()}; {low} to 1 is allowed"
    if strangers := sorted(set(world.listed) - set(world.beliefs)):
        yield f"no human is called {strangers[0]!r}, whose simulator is listed; there are {', '.join(world.beliefs)}"
    visible = set(world.visible_nodes)
    if unseen := sorted({n for s in world.edits for n in s} - visible):
        yield f"interventions set {unseen}, which are no nodes of the predictor; settable are {sorted(visible)}"
    if world.earlier is not None:
        if len(world.earlier.tables) != len(world.questions):
            yield f"the earlier reporter has {len(world.earlier.tables)} tables for {len(world.questions)} questions"
        if unseen := sorted(world.earlier.cone - visible):
            yield f"the earlier reporter reads {unseen}, which are no nodes of the predictor"
    for level, beliefs in world.beliefs.items():
        if not ((beliefs >= 0) & (beliefs <= 1)).all():
            yield f"the {level} believes with a probability outside [0, 1]"


def indistinguishable(world: World) -> tuple[int, int, int] | None:
    """A question and two situations outside all data, alike in all that humans answer, of different truth."""
    outside = np.flatnonzero(~world.in_data.any(axis=0))
    if not outside.size:
        return None
    told = np.concatenate([beliefs[outside] for beliefs in world.beliefs.values()], axis=1)
    _, group = np.unique(np.round(told, 12), axis=0, return_inverse=True)
    for q in range(len(world.questions)):
        truth = world.truth[outside, q]
        both = np.intersect1d(group[truth == 1], group[truth == 0])
        if both.size:
            first, second = (int(outside[(group == both[0]) & (truth == v)][0]) for v in (1, 0))
            return q, first, second
    return None


def _first_wrong(world: World, answers: np.ndarray) -> int:
    wrong = (world.truth >= 0) & (np.abs(answers - world.truth) >= 0.5)
    return int(np.flatnonzero(wrong.any(axis=1))[0])


def situation(world: World, index: int) -> dict[str, int]:
    """Every node's value on the predictor at hand, hidden nodes too, in the net's terms."""
    return {n: int(v) for n, v in zip(world.nodes, world.states[0, index], strict=True)}


def tell(world: World, index: int) -> str:
    """A situation in words where the world has them, the predictor's other nodes as node=value."""
    values = situation(world, index)
    hidden = set(world.nodes) - set(world.visible_nodes)
    return say({n: v for n, v in values.items() if n in world.words or n not in hidden}, world.words)


def say(values: Mapping[str, int], words: Mapping[str, tuple[str, str]]) -> str:
    told = [words[n][v] for n, v in values.items() if n in words]
    bare = [f"{n}={v}" for n, v in values.items() if n not in words]
    return "; ".join([*told, *([" ".join(bare)] if bare else [])])
