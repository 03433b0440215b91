"""Files, worlds, checks and the doctor's findings on the terminal; `report` prints verdicts."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from elk_sandbox.runtime.registry import SHIPPED, Entry, Registry

__all__ = ["checks", "doctor", "entry", "entry_json", "facts", "names", "read_from", "world"]

LABEL = 12  # columns of the word before a fact
NAME = 28  # columns of a name in a list


def facts(console: Console, rows: Iterable[tuple[str, Any]], width: int = LABEL, style: str = "bold") -> None:
    """A word and its text a row; where the text is longer than the line, it goes on below itself."""
    for word, text in rows:
        label = Text(word.ljust(width), style=style)
        for line in (text if isinstance(text, Text) else Text(str(text))).wrap(console, max(20, console.width - width)):
            line.rstrip()
            console.print(label, line, sep="")
            label = Text(" " * width)


def read_from(registry: Registry) -> str:
    """The folders whose files are used, in a line."""
    told = [f"{folder} (shipped)" if folder == SHIPPED else str(folder) for folder in registry.folders]
    left_out = "" if SHIPPED in registry.folders else "; the shipped files are left out"
    return f"files of {', then '.join(told)}{left_out}"


def names(console: Console, title: str, described: Mapping[str, str]) -> None:
    """Names with the first sentence or line of what they are."""
    console.print(Text(title, style="bold"))
    rows = [(f"  {name}", Text(_first_line(doc), style="dim")) for name, doc in described.items()]
    facts(console, rows, NAME, style="")


def _first_line(doc: str) -> str:
    return doc.strip().splitlines()[0] if doc.strip() else "(no argument written)"


def entry_json(entry: Entry) -> dict[str, Any]:
    """What a file says about itself."""
    knobs = [{"name": k.name, "type": k.annotation, "default": k.default, "choices": k.choices} for k in entry.knobs]
    meta = {"path": str(entry.path), "line": entry.line, "shipped": entry.shipped, **entry.meta}
    return {"name": entry.name, "argument": entry.doc, "knobs": knobs, **meta}


def entry(console: Console, entry: Entry, more: Mapping[str, Any]) -> None:
    """A file: its argument, what its decorator says, its knobs, what `dossier` tells of it, and its text."""
    console.print(Text(f"{entry.kind} {entry.name}", style="bold"), Text(f"  {entry.path}", style="dim"), sep="")
    for paragraph in (entry.doc or "(no argument written)").split("\n\n"):
        console.print(Text(" ".join(paragraph.split())), "", sep="\n")
    said = [(word, _meta(value)) for word, value in entry.meta.items() if value not in (None, (), "")]
    knobs = [("knob", f"{knob.name}: {knob.annotation} = {knob.default!r}") for knob in entry.knobs]
    sizes = [("world", _size(name, size)) for name, size in more["worlds"].items()]
    hidden = bool(more.get("hidden"))
    silent = "hidden" if hidden else "says nothing"
    marks = [("literature", ", ".join(f"{n} {mark}" for n, mark in more["literature"].items()) or silent)]
    facts(console, [*said, *knobs, *sizes, *marks])
    facts(console, [("FAULT", more["fault"])] if more["fault"] else [], style="red")
    if entry.kind == "counterexample":
        _measures(console, more["numbers"])
    else:
        facts(console, [("judged", f"{name}: {_brief(cell)}") for name, cell in more["numbers"].items()])
        if not more["numbers"]:
            how = f"the workspace holds none of its cells: elk-sandbox matrix --proposals {entry.name}"
            how = f"hidden; see elk-sandbox matrix --blind --proposals {entry.name}" if hidden else how
            facts(console, [("judged", how)])
    console.print(Text("\n" + entry.text.rstrip()), soft_wrap=True)


def _size(name: str, size: Mapping[str, Any]) -> str:
    seen: dict[str, list[str]] = {}
    for level, human in size["humans"].items():
        seen.setdefault(" ".join(human["sees"]), []).append(level)
    humans = "; ".join(f"{sees} seen by {', '.join(levels)}" for sees, levels in seen.items())
    return f"{name}: {_count(size)}, {size['nodes']} nodes; {humans}"


def _count(told: Mapping[str, Any]) -> str:
    predictors = "1 predictor" if told["siblings"] == 1 else f"{told['siblings']} sibling predictors"
    return f"{told['situations']} situations, {predictors}"


def _brief(cell: Mapping[str, Any]) -> str:
    words = f"killed, {cell['relation']}" if cell["relation"] else str(cell["verdict"])
    if best := cell["direct_translator"]:
        words += f"; DT* {best} {cell['objective'][best]:.4g} nats"
    if cell["draws"]["of"]:
        words += f"; {cell['draws']['agreeing']} of {cell['draws']['of']} fresh draws agree"
    return words + ("; good" if cell["good"] else "")


def _meta(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def checks(console: Console, results: Sequence[Mapping[str, Any]]) -> None:
    """What was looked at in each file, and whether it is in order."""
    for file in dict.fromkeys(r["file"] for r in results):
        console.print(Text(file, style="bold"), soft_wrap=True)
        for passed in [r for r in results if r["file"] == file]:
            style = "green" if passed["passed"] else "red"
            facts(console, [("ok" if passed["passed"] else "FAULT", passed["what"])], 7, style)


def doctor(console: Console, level: str, attacks: Sequence[Any]) -> None:
    """Which attacks on the isolation of user files were blocked."""
    console.print(Text(level, style="bold"))
    for attack in attacks:
        style = "green" if attack.blocked else "red"
        word = "blocked" if attack.blocked else "NOT BLOCKED"
        facts(console, [(word, f"{attack.name}: {attack.detail}")], LABEL, style)
    console.print(Text(f"{sum(a.blocked for a in attacks)} of {len(attacks)} blocked"))


def world(console: Console, name: str, told: Mapping[str, Any]) -> None:
    """A world's nodes, humans and data, and the measures of its reference reporters."""
    console.print(Text(f"{name}: {_count(told)}", style="bold"))
    facts(console, [*_nodes(told), *(("asked", q) for q in told["questions"]), *_humans(told)])
    facts(console, (("problem", problem) for problem in told["problems"]), style="yellow")
    _measures(console, told["reporters"])


def _measures(console: Console, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Reporters in columns, as many as fit, measures in rows; of numbered variants only the first."""
    if not rows:
        return
    shown = [name for name in rows if not _variant(name, rows)][: max(1, (console.width - 24) // 8)]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("measure", no_wrap=True)
    for k, _ in enumerate(shown, 1):
        table.add_column(str(k), justify="right", no_wrap=True, min_width=6)
    for measure in rows[shown[0]]:
        table.add_row(measure, *(_number(rows[n][measure]) for n in shown))
    console.print()
    console.print(table)
    facts(console, ((str(k), n) for k, n in enumerate(shown, 1)), 4, "dim")
    if len(rows) > len(shown):
        console.print(Text(f"{len(shown)} of {len(rows)} reporters shown; --json has all", style="dim"))


def _variant(name: str, names: Container[str]) -> bool:
    """Is it the second or a later one of several that are called alike?"""
    first, _, number = name.rpartition(" ")
    return number.isdigit() and first in names


def _nodes(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for kind in ("latent", "pixel", "action", "parameter", "hidden"):
        mine = {n: v["readable"] for n, v in told["nodes"].items() if v["kind"] == kind}
        words = [n if readable or kind == "hidden" else f"{n}*" for n, readable in mine.items()]
        rows += [(kind, "  ".join(words))] if words else []
    if any(not v["readable"] and v["kind"] != "hidden" for v in told["nodes"].values()):
        rows.append(("", "* no reporter may read it"))
    return rows


def _humans(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Who sees what and labels which data; those who label nothing only where they see something else."""
    rows = []
    seen = []
    for level, human in told["humans"].items():
        data = {p: d["mass"] for p, d in told["data"].items() if d["labelled_by"] == level}
        if data or human["sees"] not in seen:
            seen.append(human["sees"])
            masses = ", ".join(f"{p} ({mass:.3g} of all)" for p, mass in data.items())
            if len(set(data.values())) == 1 < len(data):
                masses = f"{', '.join(data)} ({next(iter(data.values())):.3g} of all, one data set)"
            rows.append((level, f"sees {' '.join(human['sees'])}" + (f"; labels {masses}" if data else "")))
    return rows


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:.4g}"
