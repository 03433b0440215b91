"""Verdicts and matrices on the terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from elk_sandbox.listing import facts
from elk_sandbox.verdict import TIE, Relation

__all__ = [
    "but",
    "cell",
    "evidence_lines",
    "faults",
    "literature_words",
    "matrix",
    "reasons",
    "row",
    "totals_line",
    "unnamed",
    "verdict_words",
]

STYLE = {
    "killed": "red",
    "survives": "green",
    "not applicable": "dim",
    "invalid": "yellow",
    "error": "magenta",
    "hidden": "dim",
}
SHOWN = 8  # reporters in a ledger


def verdict_words(cell: Mapping[str, Any]) -> str:
    return f"killed, {cell['relation']}" if cell["relation"] else str(cell["verdict"])


def cell(console: Console, cell: Mapping[str, Any]) -> None:
    """One verdict in full."""
    style = STYLE[cell["verdict"]]
    title = (
        f"{cell['proposal']} x {cell['counterexample']}: {', '.join(filter(None, (verdict_words(cell), but(cell))))}"
    )
    console.print(Text(title, style=f"bold {style}"))
    if cell["reason"]:
        console.print(Text(cell["reason"], style=style), soft_wrap=True)
    if cell["objective"]:
        console.print(_ledger(cell))
    facts(console, _lines(cell))
    if cell.get("evidence"):
        facts(console, evidence_lines(cell["evidence"], cell["honest"]))


def evidence_lines(told: Mapping[str, Any], honest: Mapping[str, bool]) -> list[tuple[str, str]]:
    """What gradient descent ended at; the first line says that it is no verdict."""
    what = f"{told['seeds']} seeds of a reporter ({told['reporter']}), {told['steps']} steps, {told['seconds']:.1f} s"
    lines = [("descent", f"evidence beside the verdict, which it does not touch: {what}")]
    if told["reason"]:
        lines.append(("", told["reason"]))
    else:
        low, high = told["interval"]
        share = f"{told['honest']} of {told['seeds']} ended honest, 95% interval {low:.3g} to {high:.3g}"
        where = {"fooled": "where it looks good and is not", "outside": "outside the data"}
        rights = [
            f"{told[f'honesty_{k}']:.3g} {words}" for k, words in where.items() if told[f"honesty_{k}"] is not None
        ]
        lines += [("", share), ("", "share right, on average: " + ", ".join(rights))] if rights else [("", share)]
        names = [f"{n} {count}" + " (honest)" * bool(honest.get(n)) for n, count in told["like"].items()]
        lines.append(
            ("behaves as", f"{', '.join(names)}; at least {told['threshold']:g} of what is said, by probability")
        )
        same = [f"{n} = {', '.join(told['same'][n])}" for n in told["like"] if n in told["same"]]
        lines += [("", f"not told apart by any answer: {'; '.join(same)}")] if same else []
    if ranks := [_rank(s) for s in told["surrogates"]]:
        count = told["surrogates"][0]["reporters"]
        lines.append(
            ("surrogates", f"rank correlation with the exact measure over {count} reporters: {', '.join(ranks)}")
        )
    return lines


def _rank(surrogate: Mapping[str, Any]) -> str:
    correlation = surrogate["correlation"]
    value = "the same for all" if correlation is None and surrogate["usable"] else "undefined"
    value = value if correlation is None else f"{correlation:.2f}"
    return f"{surrogate['measure']} {value}" + ("" if surrogate["usable"] else ", UNUSABLE")


def _ledger(cell: Mapping[str, Any]) -> Table:
    """The cheapest first; of the honest ones those that matter: DT* and the plain translator."""
    objective = cell["objective"]
    kept = [n for n in objective if not cell["honest"][n] or n in (cell["direct_translator"], "direct_translator")]
    names = sorted(kept, key=lambda n: (objective[n], n))[:SHOWN]
    if cell["direct_translator"] and cell["direct_translator"] not in names:
        names.append(cell["direct_translator"])
    terms = list(cell["terms"][names[0]])
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("reporter", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("honest")
    for title in ["objective (nats)", *(terms if len(terms) > 1 else [])]:
        table.add_column(escape(title), justify="right")
    for n in names:
        role = "DT*" if n == cell["direct_translator"] else "named" if n in cell["bad"] else ""
        values = [objective[n], *(cell["terms"][n][t] for t in terms)] if len(terms) > 1 else [objective[n]]
        style = "green" if cell["honest"][n] else "red" if n in cell["bad"] else ""
        honest = "yes" if cell["honest"][n] else "no"
        table.add_row(Text(n, style=style), role, honest, *(f"{v:.4g}" for v in values))
    return table


def _lines(cell: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = [("witness", cell["witness"]["story"])] if cell["witness"] else []
    if cell["audit"]:
        lines.append(("audit", audit_words(cell)))
    draws, control, adversary = cell["draws"], cell["control"], cell["adversary"]
    if draws["of"]:
        more = "; overfitted to the stock draw" if cell["overfitted"] else ""
        lines.append(("draws", f"{draws['agreeing']} of {draws['of']} fresh draws agree{more}"))
    if control:
        valid = "" if control["valid"] else " (not a valid control: the baseline is not killed there)"
        lines.append(("control", f"{control['verdict']} in {control['world']}{valid}"))
    if adversary:
        found = f" by {adversary['reporter']}, {adversary['objective']:.4g} nats" if adversary["reporter"] else ""
        lines.append(
            ("adversary", f"{adversary['verdict']}{found} ({adversary['searched']} unnamed reporters searched)")
        )
        if adversary["witness"] and not cell["witness"]:
            lines.append(("", adversary["witness"]["story"]))
    if cell["contested"]:
        without = " ".join(f"{k}={v}" for k, v in cell["contested"]["without"].items())
        lines.append(("contested", f"with {without}: {verdict_words(cell['contested'])}"))
    if cell["claimed"] and cell["verdict"] == "killed" and cell["claimed"] != cell["relation"]:
        lines.append(("claim", f"the counterexample claims {cell['claimed']}, found is {cell['relation']}"))
    elif cell["claimed"] and cell["verdict"] == "survives":
        lines.append(("claim", f"the counterexample claims a kill ({cell['claimed']}), and the proposal survives"))
    if cell.get("upper_bounds"):
        lines.append(("bounds", f"complexity and reads are upper bounds for {', '.join(cell['upper_bounds'])}"))
    if cell["literature"]:
        lines.append(("literature", literature_words(cell)))
    if cell["verdict"] in ("killed", "survives"):
        lines.append(("good", "yes: all lines agree" if cell["good"] else "no: " + "; ".join(faults(cell))))
    return lines


def literature_words(cell: Mapping[str, Any]) -> str:
    """What the literature says of a cell, and whether what was found is that."""
    control = (cell["control"] or {}).get("world")
    there = f", as it does in the control world {control}" if cell["counterexample"] == "human_simulator" else ""
    said = {
        "K": "killed",
        "k": "killed, by derivation",
        "o": "killed under a contested assumption",
        "D": f"the strategy was made to defeat it{there}",
    }[cell["literature"]]
    return f"{cell['literature']}, {said}: {'agrees' if cell['agrees'] else 'DISAGREES'}"


def audit_words(cell: Mapping[str, Any]) -> str:
    """What the viewer believes of the two reporters that decide, and what is so: the gap is what training pays for."""
    told = [f"{name} {a['true']:.3g}, the viewer believes {a['judged']:.3g}" for name, a in cell["audit"].items()]
    return "share of situations, by probability, with the right answer to the first question: " + "; ".join(told)


def faults(cell: Mapping[str, Any]) -> list[str]:
    """Which lines say that the proposal is not good here."""
    found = []
    if cell["verdict"] == "killed":
        found.append("a named bad reporter wins")
    if cell["overfitted"]:
        found.append("fresh draws disagree")
    if cell["control"] and not cell["control"]["valid"]:
        found.append("its control is not valid")
    elif cell["control"] and cell["control"]["verdict"] != "survives":
        found.append(f"it does not survive its control {cell['control']['world']}")
    if cell["adversary"] is None:
        found.append("no adversary was run")
    elif cell["adversary"]["verdict"] == "killed":
        cost = "as cheap as" if unnamed(cell) == "tie" else "cheaper than"
        found.append(f"the adversary found a dishonest reporter {cost} the best honest")
    return found


def unnamed(cell: Mapping[str, Any]) -> Relation | None:
    """How a reporter that nobody named does against the best honest one, if it is not dearer."""
    adversary, honest = cell.get("adversary"), cell["direct_translator"]
    if not adversary or adversary["verdict"] != "killed":
        return None
    best = math.inf if honest is None else cell["objective"][honest]
    return "strict" if adversary["objective"] < best - TIE else "tie"


def but(cell: Mapping[str, Any]) -> str:
    """What stands beside a verdict that an unnamed reporter belies, else nothing."""
    relation = unnamed(cell) if cell["verdict"] == "survives" else None
    if relation is None:
        return ""
    return f"but an unnamed reporter {'ties with' if relation == 'tie' else 'beats'} the best honest one"


def row(console: Console, cells: Sequence[Mapping[str, Any]]) -> None:
    """One proposal against several counterexamples, a line each; a fault that they share is told once, and first."""
    errors, total = [c for c in cells if c["verdict"] == "error"], len(cells)
    if len({c["reason"] for c in errors}) == 1:
        reasons(console, errors)
        cells = [c for c in cells if c not in errors]
        if not cells:
            return
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=True, header_style="dim")
    for title in ("counterexample", "verdict", "draws", "adversary", "lit.", "DT*"):
        table.add_column(title, no_wrap=title != "DT*", overflow="fold")
    for c in cells:
        draws = f"{c['draws']['agreeing']}/{c['draws']['of']}" if c["draws"]["of"] else "-"
        said = "" if c["literature"] is None else c["literature"] + ("" if c["agrees"] else "!")
        words = Text(verdict_words(c), style=STYLE[c["verdict"]])
        adversary = c["adversary"]["verdict"] if c["adversary"] else "-"
        table.add_row(c["counterexample"], words, draws, adversary, said, c["direct_translator"] or "-")
    console.print(table)
    facts(console, [line for c in [c for c in cells if c["control"]][:1] for line in _lines(c) if line[0] == "control"])
    reasons(console, cells)
    good = [c["counterexample"] for c in cells if c["good"]]
    console.print(Text(f"good on {len(good)} of {total}" + (f": {', '.join(good)}" if good else "")))


def reasons(console: Console, cells: Sequence[Mapping[str, Any]]) -> None:
    """Why cells are not applicable, invalid or errors: each reason once, with the cells that it is the reason of."""
    told: dict[tuple[str, str], list[str]] = {}
    for c in cells:
        if c["reason"]:
            told.setdefault((c["verdict"], c["reason"]), []).append(f"{c['proposal']} x {c['counterexample']}")
    for (verdict, reason), where in told.items():
        more = f" and {len(where) - 1} more cells" if len(where) > 1 else ""
        console.print(Text(f"{verdict}, {where[0]}{more}: {reason}", style=STYLE[verdict]), soft_wrap=True)


LEGEND = (
    "GOOD all lines agree, ok survives but another line says no, K killed (strict), T killed (tie). "
    "Then the literature: K killed, k killed by derivation, D made to defeat it, o contested; ! where we disagree"
)
SHORT = {"not applicable": "n/a", "survives": "ok", "invalid": "inv", "error": "err", "hidden": "·"}


def matrix(console: Console, cells: Sequence[Mapping[str, Any]]) -> None:
    """Proposals by counterexamples, with the literature's mark beside each verdict."""
    columns = list(dict.fromkeys(c["counterexample"] for c in cells))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for k, _ in enumerate(columns, 1):
        table.add_column(str(k))
    for proposal in dict.fromkeys(c["proposal"] for c in cells):
        mine = {c["counterexample"]: c for c in cells if c["proposal"] == proposal}
        table.add_row(proposal, *(_short(mine[k]) if k in mine else "" for k in columns))
    console.print(table)
    legend = Table.grid(padding=(0, 2))
    wide = max(1, console.width // (max(map(len, columns), default=0) + 6))
    numbered = [Text(f"{k} {name}", style="dim") for k, name in enumerate(columns, 1)]
    for start in range(0, len(numbered), wide):
        legend.add_row(*numbered[start : start + wide])
    console.print(legend)
    console.print(Text(LEGEND))


def _short(cell: Mapping[str, Any]) -> Text:
    word = {"strict": "K", "tie": "T", None: SHORT.get(cell["verdict"], "?")}[cell["relation"]]
    word = "GOOD" if cell["good"] else word
    marks = "" if cell["literature"] is None else f" {cell['literature']}{'' if cell['agrees'] else '!'}"
    return Text(word + marks, style=STYLE[cell["verdict"]])


def totals_line(totals: Mapping[str, Any]) -> str:
    verdicts = ", ".join(f"{n} {v}" for v, n in sorted(totals["verdicts"].items()))
    line = f"{totals['cells']} cells, {totals['good']} good: {verdicts}; "
    line += f"{totals['strict']} strict kills, {totals['ties']} ties. "
    line += f"{totals['agreeing']} of {totals['decided']} cells marked by the literature, or from it, come out so"
    return line + (": not " + ", ".join(totals["disagreeing"]) if totals["disagreeing"] else ".")
