"""What a proposal declares that it needs: dear measures, which the judge computes, and things a world must have."""

from collections.abc import Sequence

__all__ = ["CHANGE", "MEASURES", "THINGS", "requirements"]

MEASURES = ("complexity", "reads", "parts", "influence")
CHANGE = "change"  # a measure too, in worlds with an earlier reporter
THINGS = ("siblings", "relations", "pixels", "earlier", "interventions")


def requirements(needs: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what a proposal declares into measures of tables and things that a world must have."""
    known = (*MEASURES, CHANGE)
    measures = [n for n in needs if n in known]
    things = [n for n in needs if n in THINGS] + ["earlier"] * (CHANGE in measures)
    if strangers := [n for n in needs if n not in known + THINGS]:
        raise ValueError(f"needs names {strangers}; known are {', '.join(known + THINGS)}")
    return measures, things
