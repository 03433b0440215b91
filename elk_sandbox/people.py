"""Who sees and labels what: questions, humans, data processes, and what follows from them on a net's states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from elk_sandbox.nets import Net
from elk_sandbox.reporters import Table

__all__ = ["Data", "Human", "Question", "Relation"]

Belief = str | float | Table | Net
Where = Mapping[str, int]


@dataclass(frozen=True)
class Question:
    """What is asked: the truth is a node's value (or a constant), except where the situation leaves it open."""

    truth: str | int
    ambiguous: Where = field(default_factory=dict)  # situations where every one of these nodes has this value


@dataclass(frozen=True)
class Human:
    """Who looks at `sees` and believes: a node of hers, a constant, a Table over what she sees, or her own Net.

    With several questions `believes` maps each to one of these. A Net holds the nodes that she sees and one node with
    the name of the question's truth node; she reports its posterior, and 1/2 where what she sees is impossible in it.
    """

    sees: Sequence[str]
    believes: Belief | Mapping[str, Belief]


@dataclass(frozen=True)
class Data:
    """A data process: all situations where the named nodes have these values, labelled by one human, right or wrong."""

    where: Where
    labelled_by: str
    asks: Sequence[str] | None = None  # the questions that get a label; None: all


@dataclass(frozen=True)
class Relation:
    """What humans know of their own concepts: these questions' answers form one of the allowed patterns."""

    questions: tuple[str, ...]
    allowed: tuple[tuple[int, ...], ...]

    @classmethod
    def equal(cls, *questions: str) -> "Relation":
        return cls(questions, ((0,) * len(questions), (1,) * len(questions)))


def matches(where: Where, column: Mapping[str, np.ndarray]) -> np.ndarray:
    inside = np.ones(len(next(iter(column.values()))), bool)
    for node, value in where.items():
        if node not in column:
            raise ValueError(f"no node is called {node!r}; there are {list(column)}")
        inside &= column[node] == value
    return inside


def truth(question: Question, column: Mapping[str, np.ndarray]) -> np.ndarray:
    some = next(iter(column.values()))
    truth = column[question.truth].copy() if isinstance(question.truth, str) else np.full_like(some, question.truth)
    if question.ambiguous:
        truth[matches(question.ambiguous, column)] = -1
    return truth


def _belief_of(human: Human, question: str, asked: Question) -> Table | Net:
    """Her belief about one question, as a Table over what she sees, or her Net."""
    belief = human.believes
    if isinstance(belief, Mapping):
        if question not in belief:
            raise ValueError(f"a human believes something about {list(belief)}, but is asked {question!r}")
        belief = belief[question]
    if isinstance(belief, str):
        belief = Table([belief], [0, 1])
    elif isinstance(belief, int | float):
        belief = Table.constant(belief)
    if isinstance(belief, Net):
        missing = [n for n in (*human.sees, asked.truth) if n not in belief.graph]
        if missing:
            raise ValueError(f"a human's net lacks {missing}: it holds what she sees and what she is asked")
    elif unseen := [n for n in belief.nodes if n not in human.sees]:
        raise ValueError(f"a human's belief about {question!r} turns on {unseen}, but she sees {list(human.sees)}")
    return belief


def _table(human: Human, question: str, asked: Question) -> Table:
    belief = _belief_of(human, question, asked)
    if isinstance(belief, Table):
        return belief
    patterns = np.array(list(product((0, 1), repeat=len(human.sees))), np.int64)
    evidence = {n: patterns[:, k] for k, n in enumerate(human.sees)}
    yes = belief.posterior(str(asked.truth), evidence).values[:, 1]
    return Table(human.sees, np.where(np.isnan(yes), 0.5, yes))


def beliefs(
    human: Human, level: str, asked: Mapping[str, Question], column: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    if strangers := [n for n in human.sees if n not in column]:
        raise ValueError(f"the {level} sees {strangers}; there are {list(column)}")
    names = list(human.sees)
    seen = (
        np.stack([column[n] for n in names], axis=1)
        if names
        else np.zeros((len(next(iter(column.values()))), 0), np.int8)
    )
    return [_table(human, q, a)(seen, names) for q, a in asked.items()]


def _said(belief: np.ndarray) -> np.ndarray:
    """What she says: yes above one half, no below, -1 (she cannot say) at one half."""
    return np.where(np.abs(belief - 0.5) < 1e-12, -1, belief > 0.5).astype(np.int8)


def simulation(human: Human, question: str, asked: Question) -> Table:
    table = _table(human, question, asked)
    said = _said(table.values)
    return Table(table.nodes, np.where(said < 0, 0.5, said))


def process(name: str, data: Data, column: Mapping[str, np.ndarray], weights: np.ndarray) -> np.ndarray:
    inside = np.where(matches(data.where, column), weights, 0.0)
    if inside.sum() <= 0:
        raise ValueError(f"the data of {name!r} hold no situation: {dict(data.where)} has probability 0")
    return np.asarray(inside / inside.sum())


def labels(data: Data, beliefs: Mapping[str, np.ndarray], questions: tuple[str, ...]) -> np.ndarray:
    if data.labelled_by not in beliefs:
        raise ValueError(f"data are labelled by {data.labelled_by!r}; the humans are {list(beliefs)}")
    labels = _said(beliefs[data.labelled_by])
    if data.asks is not None:
        if strangers := [q for q in data.asks if q not in questions]:
            raise ValueError(f"data ask {strangers}; the questions are {list(questions)}")
        labels[:, [q not in data.asks for q in questions]] = -1
    return labels
