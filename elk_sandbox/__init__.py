"""ELK in worlds small enough to enumerate: write an objective or a counterexample, get an exact verdict.

The names below are what a file in `proposals/` may use. They load when they are first used, so that importing one
part of the package does not import the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elk_sandbox import worlds
    from elk_sandbox.candidates import Reporters
    from elk_sandbox.declare import counterexample, proposal
    from elk_sandbox.draws import Generator, spread, vary, vary_odds
    from elk_sandbox.nets import Net, equal, identity, logical_and, logical_or, majority, negation, parity
    from elk_sandbox.objective import NotApplicable, Objective
    from elk_sandbox.people import Data, Human, Question, Relation
    from elk_sandbox.reporters import Reporter, Table
    from elk_sandbox.view import View
    from elk_sandbox.world import Case, World

__all__ = [
    "Case",
    "Data",
    "Generator",
    "Human",
    "Net",
    "NotApplicable",
    "Objective",
    "Question",
    "Relation",
    "Reporter",
    "Reporters",
    "Table",
    "View",
    "World",
    "counterexample",
    "equal",
    "identity",
    "logical_and",
    "logical_or",
    "majority",
    "negation",
    "parity",
    "proposal",
    "spread",
    "vary",
    "vary_odds",
    "worlds",
]

_HOME = {
    "candidates": ("Reporters",),
    "declare": ("counterexample", "proposal"),
    "draws": ("Generator", "spread", "vary", "vary_odds"),
    "nets": ("Net", "equal", "identity", "logical_and", "logical_or", "majority", "negation", "parity"),
    "people": ("Data", "Human", "Question", "Relation"),
    "reporters": ("Reporter", "Table"),
    "objective": ("NotApplicable", "Objective"),
    "view": ("View",),
    "world": ("Case", "World"),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "worlds":
        return import_module("elk_sandbox.worlds")
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
