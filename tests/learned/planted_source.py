"""A source of planted worlds, as a package would bring one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.learned.sources import Step
from elk_sandbox.learned.world import LearnedWorld, WorldError
from tests.learned.planted import planted


class Planted:
    """A source of planted worlds: "planted:SEED"."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def world(self, rest: str, home: Path, say: Any) -> LearnedWorld:
        self.made.append(rest)
        found = planted(np.random.default_rng(int(rest)), 1200)
        object.__setattr__(found, "name", f"planted:{rest}")
        return found

    def along(self, rest: str, home: Path) -> Sequence[Step]:
        if rest:
            raise WorldError(f"planted:{rest} is one world and no sequence")
        return [Step(f"planted:{k}", k, k**2, k, -k) for k in range(3)]

    def digest(self, rest: str, home: Path) -> str:
        if not rest.isdecimal():
            raise WorldError(f"planted:{rest} is no world: say planted:SEED")
        return f"seed {rest}"

    def listed(self, home: Path) -> Sequence[str]:
        return ["planted:0"]
