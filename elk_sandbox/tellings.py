"""A situation on a stage in words, and who answers what in it as a table in HTML."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np

from elk_sandbox.stage import Part, Stage
from elk_sandbox.world import World

__all__ = ["PEOPLE", "Happening", "alike", "answers", "glossary", "happening", "nodes", "sentence"]

LETTERS = 3
PEOPLE = {"assisted": "AI-assisted human", "hstar": "best human net"}  # the others go by their names


@dataclass(frozen=True)
class Happening:
    """What is the case, as far as there are words, and what shows of it."""

    happens: tuple[str, ...]
    seen: tuple[str, ...]


def happening(world: World, at: int) -> Happening:
    """A situation in the world's words; nodes that only repeat what another one says are left out."""
    values = dict(zip(world.nodes, world.states[0, at].tolist(), strict=True))
    pixels = set(world.of_kind("pixel"))
    told: dict[bool, list[str]] = {True: [], False: []}
    for node, value in values.items():
        if node in world.words:
            told[node in pixels].append(world.words[node][value])
        elif node in pixels:
            told[True].append(f"{node} is {value}")
    return Happening(tuple(dict.fromkeys(told[False])), tuple(dict.fromkeys(told[True])))


def answers(stage: Stage, at: int) -> str:
    """The truth, each human and each reporter with P(yes) of every question, and who is right."""
    world = stage.world
    head = "".join(f'<th scope="col" class="left">{escape(q)}</th>' for q in world.questions)
    truth = "".join(f'<td class="left">{({1: "yes", 0: "no"}).get(int(t), "left open")}</td>' for t in world.truth[at])
    rows = [f'<tr class="best"><th scope="row">truth</th>{truth}<td></td><td></td></tr>']
    rows += [_human(stage, at, levels) for levels in alike(world)]
    first = [_row(stage, at, n, p) for n, p in stage.cast.items() if p.first]
    rest = [_row(stage, at, n, p) for n, p in stage.cast.items() if not p.first]
    tail = '<th scope="col" class="left">looks at</th><th scope="col">P(right)</th>'
    top = f'<thead><tr><th scope="col">who</th>{head}{tail}</tr></thead>'
    table = f'<div class="wide"><table>{top}<tbody>{"".join([*rows, *first])}</tbody></table></div>'
    if not rest:
        return table
    more = f'<div class="wide"><table>{top}<tbody>{"".join(rest)}</tbody></table></div>'
    return f"{table}<details><summary>{len(rest)} more reporter{'s' * (len(rest) > 1)}</summary>{more}</details>"


def sentence(text: str) -> str:
    """Begun with a capital."""
    return text[:1].upper() + text[1:]


def alike(world: World) -> list[list[str]]:
    """Humans who see and believe the same, together."""
    found: dict[tuple[object, ...], list[str]] = {}
    for level, beliefs in world.beliefs.items():
        found.setdefault((world.sees[level], beliefs.tobytes()), []).append(level)
    return list(found.values())


def glossary(world: World, shown: Iterable[str]) -> str:
    """What those of these nodes stand for that have a mere letter or two for a name, if the world has words for any."""
    short = [n for n in shown if len(n) <= LETTERS]
    said, unsaid = [n for n in short if n in world.words], [n for n in short if n not in world.words]
    rows = "".join(f"<dt>{escape(n)}</dt><dd>{escape(_meaning(world, n))}</dd>" for n in said)
    if said and unsaid:
        rows += f"<dt>{escape(', '.join(unsaid))}</dt><dd>no human has words for this</dd>"
    return f'<dl class="nodes">{rows}</dl>' if rows else ""


def nodes(world: World, some: Iterable[str]) -> str:
    """Names of nodes, with what they stand for on hover; "nothing" if there are none."""
    told = [
        f'<abbr title="{escape(_meaning(world, n), quote=True)}">{escape(n)}</abbr>' if n in world.words else escape(n)
        for n in some
    ]
    return ", ".join(told) or "nothing"


def _meaning(world: World, node: str) -> str:
    no, yes = world.words[node]
    return f"1: {yes}; 0: {no}"


def _human(stage: Stage, at: int, levels: list[str]) -> str:
    world, level = stage.world, levels[0]
    said = _said(stage, world.beliefs[level], at)
    sees = nodes(world, world.sees[level])
    right = np.abs(world.beliefs[level] - world.truth) < 0.5
    share = float(world.weights[((world.truth < 0) | right).all(axis=1)].sum())
    name = escape(", ".join(PEOPLE.get(each, each) for each in levels))
    return (
        f'<tr><th scope="row">{name}<small>human</small></th>{said}<td class="left wrap">{sees}</td>'
        f"<td>{_share(share)}</td></tr>"
    )


def _row(stage: Stage, at: int, name: str, part: Part) -> str:
    reads = nodes(stage.world, (n for n in stage.world.nodes if n in part.reporter.cone))
    kind = "bad" if part.role == "named bad" else "best" if name == stage.translator else ""
    return (
        f'<tr class="{kind}"><th scope="row">{escape(name.replace("_", " "))}<small>{part.role}</small></th>'
        f'{_said(stage, part.answers, at)}<td class="left wrap">{reads}</td>'
        f"<td>{_share(float(part.right))}</td></tr>"
    )


def _share(share: float) -> str:
    return "1" if share > 1 - 1e-12 else f'<data value="{share!r}">{min(share, 0.999):.3g}</data>'


def _said(stage: Stage, given: np.ndarray, at: int) -> str:
    cells = []
    for value, right in zip(given[at].tolist(), stage.right(given, at), strict=True):
        word = "yes" if value > 0.5 else "no" if value < 0.5 else "cannot say"
        mark = ""
        if right is not None:
            kind, sign, told = ("right", "✓", "right") if right else ("wrong", "\N{MULTIPLICATION SIGN}", "wrong")
            mark = f'<span class="verdict {kind}"><b aria-hidden="true">{sign}</b> {told}</span>'
        exact = "" if value in (0.0, 1.0) else f' <data value="{value!r}">{value:.3g}</data>'
        cells.append(f'<td class="left">{word}{exact} {mark}</td>')
    return "".join(cells)
