"""A verdict as pieces of HTML, for the shared page and the app. All text is escaped, colours follow the scheme."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from elk_sandbox.palette import STATES, TERMS, state, variables
from elk_sandbox.report import audit_words, but, faults, unnamed

__all__ = ["STYLE", "badge", "colours", "facts", "ledger", "number", "paragraphs", "sentence", "stamp", "witness"]

Cell = Mapping[str, Any]

STYLE = f"""
.elk {{ {variables()} color: var(--elk-ink); font-size: 0.9375rem; line-height: 1.5; }}
.elk p {{ margin: 0 0 0.5rem; max-width: 44rem; }}
.elk .quiet {{ color: var(--elk-quiet); }}
.elk .badge {{ display: inline-flex; align-items: center; gap: 0.45rem; padding: 0.1rem 0.6rem; border-radius: 0.3rem;
  font-weight: 600; white-space: nowrap; }}
.elk .wide {{ overflow-x: auto; margin: 0.25rem 0 1rem; background:  /* a shade at the right where more lies there */
  linear-gradient(var(--elk-paper), var(--elk-paper)) right / 2rem 100% no-repeat local,
  linear-gradient(to left, color-mix(in srgb, var(--elk-ink) 25%, transparent), transparent) right / 1rem 100%
  no-repeat; }}
.elk table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; width: 100%; }}
.elk th, .elk td {{ padding: 0.3rem 0.75rem 0.3rem 0; text-align: right; white-space: nowrap; border: 0;
  border-bottom: 1px solid var(--elk-line); vertical-align: middle; font-weight: 400; }}
.elk thead th {{ color: var(--elk-quiet); font-size: 0.8125rem; vertical-align: bottom; white-space: normal;
  min-width: 5.6rem; }}
.elk th:first-child, .elk td.left, .elk th.left {{ text-align: left; }}
.elk th:first-child {{ position: sticky; left: 0; background: var(--elk-paper) padding-box; z-index: 1; }}
.elk th small {{ display: block; color: var(--elk-quiet); font-size: 0.75rem; font-weight: 400; line-height: 1.2; }}
.elk tr.bad th, .elk tr.best th {{ font-weight: 600; }}
.elk .bar {{ position: relative; display: block; width: 9rem; height: 0.75rem; }}
.elk .bar span {{ position: absolute; top: 0; bottom: 0; print-color-adjust: exact; }}
.elk .bar .zero {{ width: 1px; top: -0.25rem; bottom: -0.25rem; background: var(--elk-quiet); }}
.elk .key {{ display: inline-block; width: 0.65rem; height: 0.65rem; margin-right: 0.35rem; border-radius: 0.1rem;
  print-color-adjust: exact; }}
.elk details summary {{ cursor: pointer; color: var(--elk-accent); padding: 0.2rem 0; }}
.elk dl {{ display: grid; grid-template-columns: minmax(5.5rem, max-content) 1fr; gap: 0.35rem 1rem; margin: 0;
  padding: 0; max-width: 48rem; }}
.elk dt {{ color: var(--elk-quiet); font-weight: 400; }} .elk dd {{ margin: 0; overflow-wrap: anywhere; }}
"""


def number(value: float | None) -> str:
    """Six digits to read, all of them in the markup; a dash where undefined."""
    return "\N{EN DASH}" if value is None else f'<data value="{value!r}">{value:.6g}</data>'


def colours(name: str) -> str:
    """Ground and ink of a key of STATES, as CSS."""
    key = name.replace(" ", "-")
    return f"background: var(--elk-{key}-fill); color: var(--elk-{key}-ink)"


def stamp(name: str) -> str:
    """A key of STATES as sign, colour and words."""
    shown = STATES[name]
    return (
        f'<span class="badge" style="{colours(name)}"><span aria-hidden="true">{shown.sign}</span>{shown.label}</span>'
    )


def badge(cell: Cell) -> str:
    """The verdict as sign, colour and words, and whether a reporter that nobody named belies it."""
    more = but(cell)
    return stamp(state(cell)) + (f" <strong>{more}</strong>" if more else "")


def paragraphs(doc: str) -> str:
    """A docstring as paragraphs, its lines joined."""
    return "".join(f"<p>{escape(' '.join(part.split()))}</p>" for part in doc.split("\n\n") if part.strip())


def sentence(cell: Cell) -> str:
    """The verdict in one sentence of plain text."""
    best, values = cell["direct_translator"], cell["objective"]
    if cell["verdict"] not in ("killed", "survives"):
        who = {"error": "The proposal is at fault", "invalid": "The counterexample is at fault"}
        return f"{who.get(cell['verdict'], 'Not applicable')}: {cell['reason']}."
    if cell["verdict"] == "survives":
        least = min(cell["bad"], key=values.__getitem__)
        gap = values[least] - values[best]
        told = f"The best honest reporter, {best}, beats every named bad one: {least} costs {gap:.4g} nats more."
        if relation := unnamed(cell):
            found = cell["adversary"]
            less = values[best] - found["objective"]
            costs = "costs as much" if relation == "tie" else f"costs {less:.4g} nats less"
            told += f" But {found['reporter']}, which is dishonest and which nobody named, {costs}."
        return told
    killer = cell["killer"]
    if best is None:
        return f"{killer} wins: no honest reporter was found."
    if cell["relation"] == "tie":
        return f"{killer} does as well as the best honest reporter, {best}: both cost {values[killer]:.4g} nats."
    gap = values[best] - values[killer]
    return f"{killer} beats the best honest reporter, {best}, by {gap:.4g} nats."


def ledger(cell: Cell) -> str:
    """Every reporter's objective and terms, cheapest first; honest ones that do not matter are folded away."""
    values, best = cell["objective"], cell["direct_translator"]
    if not values:
        return ""
    names = sorted(values, key=lambda n: (values[n], n))
    first = [n for n in names if not cell["honest"][n] or n in (best, "direct_translator")]
    rest = [n for n in names if n not in first]
    table = _table(cell, first)
    if not rest:
        return table
    more = f"{len(rest)} more honest reporter{'s' * (len(rest) > 1)}"
    return f"{table}<details><summary>{more}</summary>{_table(cell, rest)}</details>"


def _table(cell: Cell, names: Sequence[str]) -> str:
    terms = list(next(iter(cell["terms"].values())))
    sums = [_ends(cell["terms"][n]) for n in cell["objective"]]
    low, high = min(s[0] for s in sums), max(s[1] for s in sums)
    keys = "".join(
        f'<th scope="col"><span class="key" style="{_ink(k)}"></span>{escape(t)}</th>' for k, t in enumerate(terms)
    )
    head = (
        '<tr><th scope="col">reporter</th><th scope="col" class="left"></th>'
        f'<th scope="col">objective, nats</th>{keys}<th scope="col">right when fooled</th>'
        '<th scope="col">right outside the data</th></tr>'
    )  # fmt: skip
    rows = []
    for n in names:
        role, kind = _role(cell, n)
        numbers = [
            cell["objective"][n],
            *cell["terms"][n].values(),
            cell["honesty_fooled"][n],
            cell["honesty_outside"][n],
        ]
        cells = "".join(f"<td>{number(v)}</td>" for v in numbers)
        rows.append(
            f'<tr class="{kind}"><th scope="row">{escape(n)}<small>{role}</small></th>'
            f'<td class="left">{_bar(cell["terms"][n], low, high)}</td>{cells}</tr>'
        )  # fmt: skip
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _role(cell: Cell, name: str) -> tuple[str, str]:
    if name in cell["bad"]:
        return "named bad", "bad"
    if name == cell["direct_translator"]:
        return "best honest", "best"
    return ("honest", "") if cell["honest"][name] else ("dishonest, not named", "")


def _ends(terms: Mapping[str, float]) -> tuple[float, float]:
    """How far a reporter's bar reaches below and above zero."""
    finite = [v for v in terms.values() if math.isfinite(v)]
    return sum(v for v in finite if v < 0), sum(v for v in finite if v > 0)


def _bar(terms: Mapping[str, float], low: float, high: float) -> str:
    """Terms side by side on one scale for all reporters: costs to the right of zero, rewards to the left."""
    span = (high - low) or 1.0
    right, left, parts = -low, -low, []
    for k, value in enumerate(terms.values()):
        width = min(abs(value), span)  # an infinite term fills the scale
        if value < 0:
            left -= width
        start = left if value < 0 else right
        if value > 0:
            right += width
        if width:
            parts.append(
                f'<span style="left: {100 * start / span:.2f}%; width: {100 * width / span:.2f}%; {_ink(k)}"></span>'
            )
    told = escape(", ".join(f"{name} {value:.4g}" for name, value in terms.items()), quote=True)
    zero = f'<span class="zero" style="left: {-100 * low / span:.2f}%"></span>'
    return f'<span class="bar" role="img" aria-label="{told}">{"".join(parts)}{zero}</span>'  # fmt: skip


def _ink(term: int) -> str:
    return f"background: var(--elk-term-{term % len(TERMS)})"


def witness(found: Mapping[str, Any] | None) -> str:
    """The situation that shows the dishonesty, in words, with every node's value folded away."""
    if not found:
        return ""
    values = " ".join(f"{n}={v}" for n, v in found["situation"].items())
    answers = [("truth", escape(found["truth"])), ("viewer's P(yes)", number(found["human"]))]
    answers.append((f"P(yes) of {escape(found['reporter'])}", number(found["answer"])))
    answers.append(("P(yes) of the best honest", number(found["direct_translator"])))
    answers.append(("probability", number(found["probability"])))
    answers.append(("every node", escape(values)))
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in answers)
    story = found["story"][:1].upper() + found["story"][1:]
    return f"<p>{escape(story)}</p><details><summary>in numbers</summary><dl>{rows}</dl></details>"


def facts(cell: Cell) -> str:
    """What else decides whether the proposal is good here: draws, control, adversary, contested, literature."""
    rows = "".join(f"<dt>{name}</dt><dd>{told}</dd>" for name, told in _facts(cell))
    return f"<dl>{rows}</dl>"


def _facts(cell: Cell) -> list[tuple[str, str]]:
    draws, control, adversary, contested = (cell[k] for k in ("draws", "control", "adversary", "contested"))
    found = []
    if cell["verdict"] in ("killed", "survives"):
        found.append(("good", "yes, every line agrees" if cell["good"] else f"no: {escape('; '.join(faults(cell)))}"))
    if cell["audit"]:
        found.append(("audit", escape(audit_words(cell))))
    fresh = "only the stock draw was judged"
    if draws["of"]:
        fresh = f"{draws['agreeing']} of {draws['of']} fresh draws agree with the stock draw"
        fresh += "; overfitted: it survives the stock draw and not every fresh one" * bool(cell["overfitted"])
    found.append(("draws", fresh))
    if control:
        told = f"{escape(control['verdict'])} in {escape(control['world'])}, against the viewer's simulator"
        found.append(
            ("control", told + "" if control["valid"] else f"{told}; not valid, the baseline is not killed there")
        )
    else:
        told = "not run" if "names_control" not in cell else "the proposal names none"
        if named := cell.get("names_control"):
            told = f"{escape(named)} is named and was not run, as the judging ended before it"
        found.append(("control", told))
    if adversary is None:
        found.append(("adversary", "not run"))
    else:
        told = (
            f"{escape(adversary['verdict'])}; {adversary['searched']} dishonest reporters that nobody named were tried"
        )
        if adversary["reporter"]:
            told += f"; <code>{escape(adversary['reporter'])}</code> costs {number(adversary['objective'])} nats"
        found.append(("adversary", told))
    if contested:
        without = escape(", ".join(f"{k} = {v}" for k, v in contested["without"].items()))
        costs = ", ".join(f"{escape(n)} {number(v)}" for n, v in contested["objective"].items())
        best = f"; best honest: {escape(contested['direct_translator'])}" if contested["direct_translator"] else ""
        found.append(("contested", f"with {without}: {badge(contested)}{best}; {costs}"))
    if cell["literature"]:
        words = {
            "K": "killed, as the source says", "k": "killed, by derivation",
            "D": "made to defeat this one", "o": "killed only under a contested assumption",
        }  # fmt: skip
        agrees = "and we agree" if cell["agrees"] else "<strong>and we disagree</strong>"
        found.append(("literature", f"{cell['literature']}: {words[cell['literature']]}, {agrees}"))
    return found
