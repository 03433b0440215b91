"""What the judge returns: frozen records, a line of meaning for each field."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

__all__ = ["TIE", "Adversary", "Control", "Outcome", "Relation", "Verdict", "Witness"]

TIE = 1e-9  # nats, within which two objectives are the same
Outcome = Literal["killed", "survives", "not applicable", "invalid", "error"]
Relation = Literal["strict", "tie"]


@dataclass(frozen=True)
class Witness:
    """The situation of largest mass in which a reporter is wrong."""

    reporter: str
    question: str
    situation: dict[str, int]  # every node's value, hidden ones too
    probability: float
    truth: str
    answer: float  # the reporter's P(yes)
    human: float  # the viewer's P(yes)
    direct_translator: float | None  # DT*'s P(yes)
    story: str


@dataclass(frozen=True)
class Control:
    """The strategy in the world that it names, against the plain simulator of the viewer."""

    world: str
    valid: bool  # does that simulator kill the baseline there?
    verdict: str


@dataclass(frozen=True)
class Adversary:
    """What the fixed search found among reporters that nobody named."""

    verdict: str  # killed, survives, or not run
    reporter: str | None  # the cheapest dishonest one, if it kills
    objective: float | None
    witness: Witness | None
    searched: int  # dishonest reporters that were tried
    tables: tuple[dict[str, Any], ...] = ()  # of that reporter, if small: question, nodes and values as in `Table`


@dataclass(frozen=True)
class Verdict:
    """One cell of the matrix."""

    verdict: Outcome
    relation: Relation | None = None
    reason: str | None = None  # why it is an error, invalid or not applicable
    killer: str | None = None  # the named bad reporter with the least objective, if it kills
    direct_translator: str | None = None  # which honest candidate was DT*
    draws: dict[str, int] = field(default_factory=lambda: {"agreeing": 0, "of": 0})
    objective: dict[str, float] = field(default_factory=dict)
    terms: dict[str, dict[str, float]] = field(default_factory=dict)
    honest: dict[str, bool] = field(default_factory=dict)
    honesty_fooled: dict[str, float | None] = field(default_factory=dict)
    honesty_outside: dict[str, float | None] = field(default_factory=dict)
    bad: tuple[str, ...] = ()
    upper_bounds: tuple[str, ...] = ()  # reporters too wide for the exact least complexity or reads: theirs are bounds
    witness: Witness | None = None
    audit: dict[str, dict[str, float]] = field(default_factory=dict)  # judged and true worth of the two that decide
    baseline: Outcome | None = None  # what becomes of the loss on the viewer's labels alone, against the same reporters
    control: Control | None = None
    adversary: Adversary | None = None

    @property
    def overfitted(self) -> bool:
        """Survives the stock draw and not every fresh one."""
        return self.verdict == "survives" and self.draws["agreeing"] < self.draws["of"]

    @property
    def promising(self) -> bool:
        """All three lines agree on the stock draw: named reporters lost, control and adversary say the same."""
        control = self.control is None or (self.control.valid and self.control.verdict == "survives")
        adversary = self.adversary is not None and self.adversary.verdict == "survives"
        return self.verdict == "survives" and control and adversary

    @property
    def good(self) -> bool:
        """Promising, and every one of some fresh draws agrees."""
        return self.promising and self.draws["of"] > 0 and not self.overfitted

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with `good` and `overfitted` beside the fields."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        told |= {n: asdict(part) for n, part in told.items() if isinstance(part, Witness | Control | Adversary)}
        return {**told, "good": self.good, "overfitted": self.overfitted}
