"""A working counterexample to a user's own proposal, begun from the shipped one that comes nearest to killing it."""

import ast
import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import elk_sandbox
from elk_sandbox import literature, matrix
from elk_sandbox.checks import new_path, written
from elk_sandbox.runtime.registry import SHIPPED, Entry, Registry, RegistryError

__all__ = ["begin", "choose", "text_of"]

UNNAMED = "found_by_search"  # what the adversary's reporter is called in a file of its own
WIDTH = 112


def begin(proposal: Entry, name: str, folder: Path, workspace: Path) -> tuple[Path, dict[str, Any]]:
    """Write FOLDER/counterexamples/NAME.py; returns its path and the cell that it was begun from.

    Judges the proposal on every shipped counterexample first. Raises RegistryError.
    """
    path = new_path("counterexample", name, folder)
    shipped = Registry.scan(SHIPPED, packages=False).counterexamples
    columns = [(e, e.settings()) for n, e in shipped.items() if n in literature.COUNTEREXAMPLES]
    cells = list(matrix.compute([(proposal, proposal.settings())], columns, folder=workspace, engine="inline"))
    cell = choose(cells)
    written(path, text_of(shipped[cell["counterexample"]].text, cell, name))
    return path, cell


def choose(cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The kill by the widest margin; else where the adversary found a reporter; else the narrowest escape.

    Raises RegistryError if the proposal could not be judged anywhere.
    """
    judged = [c for c in cells if c["verdict"] in ("killed", "survives")]
    if not judged:
        reason = next((c["reason"] for c in cells if c["reason"]), "it was judged nowhere")
        raise RegistryError(f"no counterexample can be begun against it: {reason}")
    killed = [c for c in judged if c["verdict"] == "killed"]
    found = [c for c in judged if _tables(c)]
    first = sorted(killed or found or judged, key=lambda c: literature.place(c["counterexample"]))
    widest: Mapping[str, Any] = max(first, key=lambda c: round(margin(c), 9))  # of equals the first in that order
    return dict(widest)


def margin(cell: Mapping[str, Any]) -> float:
    """Nats by which the cheapest named bad reporter is below DT*."""
    values, honest = cell["objective"], cell["direct_translator"]
    return float((values[honest] if honest else float("inf")) - min(values[n] for n in cell["bad"]))


def _tables(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The adversary's reporter, where it kills and its tables are small enough to be told."""
    return list(cell["adversary"]["tables"]) if cell["adversary"] else []


def text_of(shipped: str, cell: Mapping[str, Any], name: str) -> str:
    """The shipped counterexample's text as a file against this cell's proposal: renamed, its argument to be written."""
    tree = ast.parse(shipped)
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    lines = shipped.splitlines()
    signature = "\n".join(lines[function.lineno - 1 : function.body[0].lineno - 1])
    end = function.body[-1]
    body = lines[function.body[1].lineno - 1 : end.lineno - 1]
    returned = lines[end.lineno - 1 : end.end_lineno]
    if cell["verdict"] == "survives" and _tables(cell):
        returned = [f'    return Case(world, bad={{"{UNNAMED}": {_reporter(cell)}}})']
    code = "\n".join([*body, *returned])
    relation = cell["relation"] or "tie"
    source = f"your name; begun from {cell['counterexample']}"
    used = {n.id for n in ast.walk(ast.parse(textwrap.dedent(code))) if isinstance(n, ast.Name)}
    names = sorted(({"Case", "Generator", "counterexample"} | used) & set(elk_sandbox.__all__), key=_as_sorted)
    return (
        f"from elk_sandbox import {', '.join(names)}\n\n\n"
        f'@counterexample(breaks={{"{cell["proposal"]}": "{relation}"}}, source="{source}")\n'
        f"{signature.replace(f'def {function.name}(', f'def {name}(')}\n{_argument(cell)}\n{code}\n"
    )


def _as_sorted(name: str) -> tuple[bool, str]:
    """Classes first, as linters sort names."""
    return not name[0].isupper(), name


def _argument(cell: Mapping[str, Any]) -> str:
    """The docstring: what is to be written, and what was found."""
    by = f"{abs(margin(cell)):.4g} nats"
    if cell["verdict"] == "killed":
        found = f"{cell['proposal']} dies there of {cell['killer']}: {cell['relation']}, by {by}."
        story = cell["witness"]["story"]
    elif _tables(cell):
        found = f"The named reporters lose there, by {by}; this one, which a search found, does not."
        story = cell["adversary"]["witness"]["story"]
    else:
        found = f"{cell['proposal']} survives it by {by}: change the world, or name a cheaper reporter, until it dies."
        story = ""
    told = f"Begun from `{cell['counterexample']}`. {found} {story[:1].upper()}{story[1:]}".strip()
    paragraphs = ["Say in a sentence what the bad reporter does, and why the objective likes it.", told]
    filled = [textwrap.fill(p, WIDTH, initial_indent="    ", subsequent_indent="    ") for p in paragraphs]
    return '    """' + "\n\n".join(filled).lstrip() + '\n    """'


def _reporter(cell: Mapping[str, Any]) -> str:
    """The adversary's reporter as an expression: one Table, or one for each question."""
    tables = {t["question"]: f"Table({json.dumps(t['nodes'])}, {_values(t['values'])})" for t in _tables(cell)}
    if len(tables) == 1:
        return next(iter(tables.values()))
    return "{" + ", ".join(f"{json.dumps(q)}: {table}" for q, table in tables.items()) + "}"


def _values(values: Sequence[float]) -> str:
    return json.dumps([int(v) if v == int(v) else v for v in values])
