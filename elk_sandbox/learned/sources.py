"""Where learned worlds come from: the vault is ours, packages bring others by the entry point `elk_sandbox.worlds`."""

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

from elk_sandbox.learned.siblings import Kin
from elk_sandbox.learned.world import LearnedWorld, WorldError

__all__ = ["GROUP", "Say", "Source", "Step", "along", "digest", "find", "kin", "kinds", "listed", "parted", "several"]

GROUP = "elk_sandbox.worlds"
VAULT = "elk_sandbox.learned.vault:source"
EXACT = "elk_sandbox.learned.exact:source"
FORMS = {"exact": "exact:NAME", "run": "run:NAME", "hf": "hf:FOLDER"}  # of names whose kind alone is no world

Say = Callable[[str, float], None]
"""Told what is being done and which share of it is done, from 0 to 1."""


@dataclass(frozen=True)
class Step:
    """One of a sequence of worlds, such as the checkpoints of a run."""

    world: str  # by which `find` finds it
    step: int
    kl: float  # nats a completion from the first one, estimated; nan if unknown
    proxy: float  # mean reward that was optimised; nan if unknown
    gold: float  # mean true reward; nan if unknown


class Source(Protocol):
    """What an entry point names. `rest` is what stands behind the colon in a world's name, empty for none.

    One whose worlds have sibling predictors also has `kin(rest, home)`, which tells of them without making them, and
    raises WorldError where a world has none.
    """

    def world(self, rest: str, home: Path, say: Say) -> LearnedWorld:
        """From the workspace `home`, made and kept there if it is not yet. Raises WorldError in one line."""

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        """The worlds of a sequence, in order. Raises WorldError where there is none."""

    def listed(self, home: Path) -> Sequence[str]:
        """Names that this workspace offers: of single worlds, and of sequences that `along` takes."""

    def digest(self, rest: str, home: Path) -> str:
        """What the world's content is known by, without making it. Raises WorldError as `world` does."""


def kinds() -> dict[str, str]:
    """The first words of worlds' names, each with what to load."""
    points = sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name)
    return {"vault": VAULT, "exact": EXACT, **{point.name: point.value for point in points}}


def several(text: str) -> list[str]:
    """The names in a list with commas; names hold commas too, so a new one begins with the first word of a world's.

    Raises WorldError for a part that begins as no world does but nearly so, "rum:x".
    """
    found: list[str] = []
    for part in (p.strip() for p in text.split(",")):
        kind, colon, _ = part.partition(":")
        if part and (not found or kind in kinds()):
            found.append(part)
        elif colon and get_close_matches(kind, kinds(), n=1):
            parted(part)
        elif part:
            found[-1] += f",{part}"
    return found


def parted(name: str) -> tuple[Source, str]:
    """The source of a world and what it is to be asked for. Raises WorldError with a close match."""
    kind, _, rest = name.partition(":")
    known = kinds()
    if kind not in known:
        near = get_close_matches(kind, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FORMS.get(k, k) for k in known)}"
        raise WorldError(f"no learned world is called {name!r}; {hint}")
    module, _, attribute = known[kind].partition(":")
    source: Source = getattr(importlib.import_module(module), attribute)
    return source, rest


def listed(home: Path) -> list[str]:
    """What this workspace offers, to choose from."""
    return [name for kind in kinds() for name in parted(kind)[0].listed(home)]


def find(name: str, home: Path, say: Say = lambda words, share: None) -> LearnedWorld:
    """The learned world of that name: "vault", or "run:NAME@STEP". Raises WorldError in one line."""
    source, rest = parted(name)
    return source.world(rest, home, say)


def digest(name: str, home: Path) -> str:
    """What the world of that name is known by; it is not made. Raises WorldError."""
    source, rest = parted(name)
    return source.digest(rest, home)


def kin(name: str, home: Path) -> Kin:
    """The sibling predictors of the world of that name, not yet made. Raises WorldError where it has none."""
    source, rest = parted(name)
    offered = getattr(source, "kin", None)
    if offered is None:
        raise WorldError("the world has one predictor")
    found: Kin = offered(rest, home)
    return found


def along(name: str, home: Path) -> Sequence[Step]:
    """The worlds of a sequence, such as "run:NAME". Raises WorldError where it is none."""
    source, rest = parted(name)
    return source.along(rest, home)
