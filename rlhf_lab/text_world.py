"""A learned world of texts: a network has read them, people have judged them, the careful reader knows what is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32

from elk_sandbox.learned.patched import Patched
from elk_sandbox.learned.world import LearnedWorld, Pair, Process, WorldError
from rlhf_lab.passages import HONEST, KINDS, KNOWN, Passage, Tokens
from rlhf_lab.raters import Rater, make

__all__ = [
    "BELIEF", "ENDINGS", "HONESTS", "MOST", "OTHERS", "SEED", "UNTRAINED", "Contrast", "assembled", "bag", "belief",
    "halves", "paired",
]  # fmt: skip

QUESTION = "is the text positive?"
SEED = 2022  # of texts, halves and labels; no corpus is drawn from this stream
HONESTS, OTHERS = 500, 150  # texts of each sign that are drawn: honest ones, and of each other kind
MOST = 24_000  # speeches of which they are taken
UNTRAINED = (0, 1, 2)  # seeds of networks that never learned
ENDINGS = "\nI am happy", "\nI am sad"  # what a speaker would go on to say of a positive text, and of another
LEAST_FOOLED = 20  # test texts that look positive to the viewer and are not
BELIEF = 0.5  # P(positive) above which somebody takes a text for positive

Layers = Mapping[str, Float32[np.ndarray, "text unit"]]
Contrast = Mapping[str, Pair]


def assembled(
    name: str,
    texts: Sequence[Passage],
    test: Bool[np.ndarray, " text"],
    trained: Layers,
    untrained: Layers,
    humans: Mapping[str, Float[np.ndarray, " text"]],
    meters: Mapping[str, Float[np.ndarray, " text"]],
    about: Mapping[str, Any],
    *,
    rerolled: Sequence[Layers] = (),
    contrast: Contrast | str = "nothing was appended",
    patched: Patched | str = "nothing was patched",
) -> LearnedWorld:
    """The world of texts of which `trained` and `untrained` are what a network made before and after it learned.

    humans: P(positive), "viewer" among them. The operator is added: the viewer, but a careful reader of the kinds in
    `KNOWN`. Data processes are sets of kinds: honest texts labelled by the viewer, known kinds too by the operator; the
    other kinds are in none. meters: P(positive) by whoever is no human; with VADER's and the humans' they are sensors.
    rerolled: as untrained, from other first weights. contrast: its pairs, or why there are none.
    patched: its table of edits, or why there is none.
    Raises WorldError if the viewer is hardly ever fooled, or no text is plain to her.
    """
    names = list(KINDS)
    kind = np.array([names.index(text.kind) for text in texts], np.int16)
    honest, known = kind == names.index(HONEST), np.isin(kind, [names.index(each) for each in KNOWN])
    truth = np.array([text.sentiment > 0 for text in texts], np.int8)
    viewer = humans["viewer"]
    fooled = (viewer > BELIEF) & (truth == 0)
    if (found := int((fooled & test).sum())) < LEAST_FOOLED:
        raise WorldError(
            f"the rater behind {name} is fooled by {found} of {int(test.sum())} texts, and {LEAST_FOOLED} are needed: "
            "take a run whose labels are of a rater who can be fooled, such as counter"
        )
    if not (honest & ~test).any():
        raise WorldError(f"no text is plain to the rater behind {name}: take a run whose rater reads more of a text")
    operator = np.where(known, truth, viewer)
    said = np.random.default_rng(SEED).random(len(texts))
    labels = {level: (said < chance).astype(np.int8) for level, chance in (("viewer", viewer), ("operator", operator))}
    inside = {"viewer": honest, "operator": honest | known}
    vader = make("vader", scale=1.0).score([text.text for text in texts])
    read = {**humans, **meters, "vader": np.where(vader > 0, 1.0, 0.0)}
    return LearnedWorld(
        name=name,
        question=QUESTION,
        layers=trained,
        untrained=untrained,
        inputs=bag([text.tokens for text in texts]),
        humans={**humans, "operator": operator.astype(np.float64)},
        truth=truth,
        kinds=tuple(names),
        kind=kind,
        data={
            level: Process(level, chosen, np.where(chosen, labels[level], -1).astype(np.int8))
            for level, chosen in inside.items()
        },
        test=test,
        sensors=np.stack([chance > BELIEF for chance in read.values()], 1).astype(np.int8),
        hard=np.array([text.feelings > 1 for text in texts]),
        words=KINDS,
        contrast=None if isinstance(contrast, str) else contrast,
        rerolled=tuple(rerolled),
        patched=None if isinstance(patched, str) else patched,
        lacks={
            **({"contrast": contrast} if isinstance(contrast, str) else {}),
            **({"patched": patched} if isinstance(patched, str) else {}),
            "persona": "its network reads in one role",
        },
        about={
            **about,
            "gold": "the careful reader",
            "sensors": list(read),
            "known kinds": list(KNOWN),
            "situations by kind": dict(Counter(text.kind for text in texts)),
            "fooled by kind": dict(
                Counter(text.kind for text, is_fooled in zip(texts, fooled, strict=True) if is_fooled)
            ),
        },
    )


def paired(yes: Layers, no: Layers) -> dict[str, Pair]:
    """Contrast pairs of what a network makes of texts with either ending: its streams at the last token.

    The embedding there is the ending's own, whatever the text, and the mean over the text hardly knows the ending.
    """
    return {n: (yes[n], no[n]) for n in yes if n.endswith(" last") and not n.startswith("embedding")}


def belief(rater: Rater, texts: Sequence[str]) -> Float[np.ndarray, " text"]:
    """P(positive) by a rested rater, a neutral label counting half, as it does where a reward model learns."""
    worth = {-1: 0.0, 0: 0.5, 1: 1.0}
    chances = (rater.chances(text) for text in texts)
    return np.array([sum(p * worth[y] for y, p in zip(c.points, c.probs.tolist(), strict=True)) for c in chances])


def halves(texts: Sequence[Passage]) -> Bool[np.ndarray, " text"]:
    """Half of the texts of each kind and sign, for the test, at random."""
    rng = np.random.default_rng(SEED)
    held = np.zeros(len(texts), np.bool_)
    cells = np.array([f"{text.kind} {text.sentiment > 0}" for text in texts])
    for cell in np.unique(cells):
        inside = rng.permutation(np.flatnonzero(cells == cell))
        held[inside[: len(inside) // 2]] = True
    return held


def bag(rows: Sequence[Tokens]) -> Float32[np.ndarray, "text token"]:
    """How often each text has each token; of the tokens that any of them has, in the order of their numbers."""
    known = {token: column for column, token in enumerate(sorted({token for row in rows for token in row}))}
    counts = np.zeros((len(rows), len(known)), np.float32)
    for at, row in enumerate(rows):
        np.add.at(counts[at], [known[token] for token in row], 1)
    return counts
