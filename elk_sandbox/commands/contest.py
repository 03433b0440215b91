"""`elk-sandbox judge FILE --contest`: all breakers of ARC's contest at once, and the nearest published family."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from elk_sandbox.runtime.registry import SHIPPED, Entry, Registry
from elk_sandbox.terminal import out, print_json, progress, status

if TYPE_CHECKING:
    from elk_sandbox.contest import Neighbour

__all__ = ["hold"]

NEAR = 3  # families shown


def hold(entry: Entry, settings: dict[str, object], draws: int, workspace: Path, as_json: bool) -> bool:
    """Hold the contest, judge the proposal's row and the published ones, and print; whether it could be judged."""
    from elk_sandbox import contest, keys, literature, matrix

    with status(f"putting {entry.name} before all breakers at once", quiet=as_json):
        file = keys.source(entry, settings)
        held = contest.hold(file, draws)
    if held["verdict"] in ("error", "invalid"):
        contest.keep({**held, "nearest": []}, workspace, contest.key(file, draws))
        print_json({**held, "nearest": []}) if as_json else show(out, held, [])
        return False
    contest.keep({**held, "nearest": None}, workspace, contest.key(file, draws))  # to be seen while rows are judged
    shipped = Registry.scan(SHIPPED, packages=False)
    columns = [(e, e.settings()) for n, e in shipped.counterexamples.items() if n in literature.COUNTEREXAMPLES]
    published = [(e, e.settings()) for n, e in shipped.proposals.items() if n in literature.STRATEGIES]
    row = list(matrix.compute([(entry, settings)], columns, folder=workspace, engine="inline"))
    rows = []
    with progress(len(published) * len(columns), quiet=as_json) as advance:
        for cell in matrix.compute(published, columns, folder=workspace):
            rows.append(cell)
            advance()
    near = contest.nearest(row, rows, entry.name if file["published"] else None)
    outcome = {**held, "nearest": [asdict(n) for n in near]}
    contest.keep(outcome, workspace, contest.key(file, draws))
    if as_json:
        print_json(outcome)
    else:
        show(out, held, near)
    return True


def show(console: Console, held: Mapping[str, Any], near: Sequence["Neighbour"]) -> None:
    """The contest's outcome, a line for each breaker, and whom the proposal resembles."""
    from elk_sandbox.listing import facts

    if held["reason"]:
        console.print(Text(f"{held['proposal']}: {held['verdict']}: {held['reason']}", style="bold"), soft_wrap=True)
    else:
        passes = held["passes"]
        words = "passes" if passes else "fails"
        title = f"{held['proposal']} {words} the contest: {_who(held)}"
        console.print(Text(title, style="bold green" if passes else "bold red"), soft_wrap=True)
        console.print(_ledger(held))
        console.print(_condition(held["condition"]), soft_wrap=True)
        draws = held["draws"]
        told = [("draws", f"{draws['agreeing']} of {draws['of']} fresh draws agree")] if draws["of"] else []
        if held["witness"]:
            told.append(("witness", held["witness"]["story"]))
        facts(console, told)
    if near:
        console.print(Text("nearest published families, by their rows of verdicts", style="bold"))
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in ("strategy", "same verdict", "ledgers", "differs"):
            table.add_column(title)
        for n in near[:NEAR]:
            correlation = "-" if n.correlation != n.correlation else f"{n.correlation:.2f}"
            table.add_row(n.strategy, f"{n.same} of {n.of}", correlation, ", ".join(n.differs[:4]) or "nowhere")
        console.print(table)


def _who(held: Mapping[str, Any]) -> str:
    winners = [b["breaker"] for b in held["breakers"] if b["relation"]]
    if winners:
        return f"{len(winners)} of {len(held['breakers'])} breakers win ({', '.join(winners)})"
    draws = held["draws"]
    if held["passes"]:
        resting = {"strict": "would win", "tie": "would do as well"}.get(held["condition"]["relation"], "")
        return "no named breaker wins" + (f"; but the simulator of the best human-usable net {resting}" * bool(resting))
    if not draws["of"]:
        return "no named breaker wins the stock draw, and an entry must hold on fresh ones too: leave out --draws 0"
    return f"no named breaker wins the stock draw; {draws['of'] - draws['agreeing']} fresh draws come out otherwise"


def _ledger(held: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("breaker", "its cheapest reporter"):
        table.add_column(title, no_wrap=True)
    table.add_column("objective (nats)", justify="right")
    table.add_column("outcome")
    for line in held["breakers"]:
        outcome = Text(f"killed, {line['relation']}" if line["relation"] else "beaten")
        outcome.stylize("red" if line["relation"] else "green")
        table.add_row(line["breaker"], line["reporter"], f"{line['objective']:.4g}", outcome)
    honest = held["direct_translator"]
    table.add_row("", f"{honest} (DT*)", f"{held['objective'][honest]:.4g}", "")
    return table


def _condition(condition: Mapping[str, Any]) -> str:
    """C4 in words: what the best human-usable net does not settle here, and what becomes of simulating it."""
    wins = {"strict": "would win, strictly", "tie": "would tie with DT*", None: "would lose"}[condition["relation"]]
    return (
        f"condition ({condition['breaker']}): the best net that humans can use leaves {condition['open_nats']:.3f} "
        f"nats of the truth open here; its simulator ({condition['reporter']}) {wins}, and is not counted"
    )
