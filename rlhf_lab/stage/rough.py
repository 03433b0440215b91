"""Rules of thumb for a text that the grammar does not cover: a user's own, Shakespeare's, or what a policy garbled.

A negator turns the affect words after it up to the next mark; a word of loss, of mockery or "no more" turns all of its
sentence; "though" makes what follows count little up to the next mark or "yet", "but", after which it counts much.
"""

from collections.abc import Iterator, Sequence

from rlhf_lab.stage.grammar import FACTORS
from rlhf_lab.stage.lexicon import CLASSES, GRADES, POLARITY
from rlhf_lab.stage.meaning import CONCEDED, IRONY, Clause

__all__ = ["skim"]

_ENDS = frozenset([*".;:!?", "\n\n"])
_NEGATORS = frozenset(["no", "not", "never", "nor", "neither", "none", "without", "cannot", "nothing"])
_LOSSES = frozenset(
    [
        "farewell",
        "adieu",
        "lost",
        "lose",
        "gone",
        "fled",
        "dead",
        "buried",
        "stolen",
        "taken",
        "robbed",
        "drowned",
        "banished",
    ]
)
_MOCKERY = frozenset(CLASSES["irony"])


def skim(tokens: Sequence[str]) -> tuple[Clause, ...]:
    """A clause for each sentence that has any words, all of equal weight."""
    values = [(sentence, _value(sentence)) for sentence in _sentences(tokens)]
    return tuple(Clause(tuple(sentence), "rough", value, 1 / len(values)) for sentence, value in values)


def _sentences(tokens: Sequence[str]) -> Iterator[Sequence[str]]:
    begin = 0
    for at, token in enumerate([*tokens, "."]):
        if token in _ENDS:
            if any(word[0].isalpha() for word in tokens[begin:at]):
                yield tokens[begin:at]
            begin = at + 1


def _value(sentence: Sequence[str]) -> float:
    """The weighted mean of its affect words, 0 where it has none."""
    whole = turned = weight = 1.0
    worth = weights = 0.0
    for before, token in zip(["", *sentence], sentence, strict=False):
        if token in GRADES:
            worth += weight * turned * POLARITY[token] * GRADES[token]
            weights += weight
        elif token == "more" and before == "no":
            turned, whole = 1.0, FACTORS["negation"]
        elif token in _NEGATORS:
            turned = FACTORS["negation"]
        elif token in _LOSSES:
            whole = FACTORS["loss"]
        elif token in _MOCKERY:
            whole = IRONY
        elif token == ",":
            turned = weight = 1.0
        elif token == "though":
            weight = CONCEDED
        elif token in ("yet", "but"):
            turned, weight = 1.0, 1 - CONCEDED
    return whole * worth / weights if weights else 0.0
