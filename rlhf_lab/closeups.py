"""A closeup: what every checkpoint of a ppo run writes after one beginning, kept token by token in the run's folder.

Of each token it holds

    ratio   log p(token | what is before it) under the checkpoint, less the same under the original model, in nats
    adds    the reward of the text up to and with the token, less the reward up to the token before, in nats

so that the ratios of a completion sum to its k1, and what its tokens add, on top of the reward of the empty text, to
its reward. The reward is the log odds of the run's target, which the reward model gives to any beginning of a text; see
`attribution` for how it is computed. No PyTorch here.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Ask", "load_closeup"]

FORMAT = 1


@dataclass(frozen=True)
class Ask:
    """What a closeup is asked for; its file is named after it."""

    prefix: str = ""
    """The beginning, the same at every checkpoint; empty: texts from their start."""
    seed: int = 0
    """Of the random numbers, which are the same at every checkpoint."""
    count: int = 8
    """Texts of each checkpoint."""

    @property
    def key(self) -> str:
        asked = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:24]

    def file(self, run: Path) -> Path:
        """Where it is kept, in a run's folder."""
        return run / "closeups" / f"{self.key}.json"


def load_closeup(file: Path) -> dict[str, Any] | None:
    """A closeup as plain values; None if there is none, or it cannot be read.

    run, prefix, seed, count, reward (whose), target, empty (reward of the empty text, nats), and for each of
    `checkpoints` its iteration and `texts`, each with `pieces` (the prefix's too: the first `given` are it), `ratio`
    and `adds` for each piece, and `reward`.
    """
    try:
        found: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return found
