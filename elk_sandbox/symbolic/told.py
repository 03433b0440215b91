"""A flip in words and closed forms on the terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text
from sympy import Eq, pretty

from elk_sandbox.affine import Term
from elk_sandbox.listing import LABEL, facts
from elk_sandbox.symbolic.flip import Flip
from elk_sandbox.symbolic.forms import Expr, plain
from elk_sandbox.symbolic.judged import Point, agrees
from elk_sandbox.symbolic.regions import Axis, Border, Plane
from elk_sandbox.symbolic.where import WORDS, end, joined, merged, pairs, span, stretch

__all__ = ["disagreement", "legend", "objective", "show"]

LETTERS = {
    "cross_entropy": ("L", "loss on a human's labels"),
    "complexity": ("K", "nodes of the smallest decision diagram"),
    "reads": ("T", "expected reads"),
    "parts": ("dep", "nodes that matter"),
    "influence": ("I", "total influence"),
    "downstream": ("Down", "change when pixels are flipped"),
    "specificity": ("ln N", "N siblings that fit"),
    "usable_information": ("V", "V-information"),
}
STYLE = {"killed, strict": "red", "killed, tie": "red", "survives": "green"}
INDENT = " " * LABEL


def show(console: Console, flip: Flip, points: list[Point]) -> None:
    """The difference with who stands in it where, the verdicts, the borders, and the judge's word on it."""
    plane = flip.plane
    console.print(Text(f"{flip.proposal} x {flip.counterexample}", style="bold"), _domains(plane.axes), sep="")
    facts(console, [("objective", objective(flip)), ("", Text(legend(flip), style="dim"))])
    settings = _settings(flip)
    facts(console, [("with", settings)] if settings else [])
    console.print(Text("\nJ(cheapest named bad reporter) - J(cheapest honest candidate), nats", style="bold"))
    for (bad, honest), places in pairs(plane, WORDS).items():
        console.print(Text(f"{bad} against {honest}", style="dim"))
        for k, place in enumerate(places):
            console.print(Text(f"{'or ' * bool(k)}for {place}", style="dim"), soft_wrap=True)
        _form(console, plain(plane.bad[bad] - plane.honest[honest]))
    facts(console, (("verdict", words) for words in _verdicts(flip)))
    for border in plane.borders:
        if border.form is None and border.at is None:
            facts(console, [("flips", _place(plane, border))])
        elif not plane.axes[1].discrete:
            facts(console, [("flips", _crossing(plane, border))])
            if border.form is not None and not border.form.is_number:
                _form(console, Eq(plane.axes[1].symbol, plain(border.form)))
    if not plane.borders:
        facts(console, [("flips", "nowhere that was looked at")])
    facts(console, [*_contested(flip), ("judge", _checked(flip, points))])


def _place(plane: Plane, border: Border) -> str:
    """Between two values of a discrete first axis, at one of a continuous one."""
    axis = plane.axes[0]
    where = (
        f"between {axis.symbol} = {border.low:g} and {border.high:g}"
        if axis.discrete
        else f"at {axis.symbol} = {end(plane, border.low, WORDS, digits=10)}"
    )
    return f"{where}, from {' and '.join(border.before)} to {' and '.join(border.after)}"


def _crossing(plane: Plane, border: Border) -> str:
    """What lies below and above a border over the first axis."""
    where = stretch(plane, border.low, border.high, WORDS)
    words = f"from {border.before[0]} to {border.after[0]}" + (f", {where}" if where else "")
    if border.form is None:
        return f"{words}, where the difference is 0"
    return f"{words}, at {plane.axes[1].symbol} = {border.form}" if border.form.is_number else words


def _contested(flip: Flip) -> list[tuple[str, str]]:
    """The assumption that people dispute, where it is made, and how to leave it out."""
    without = flip.entry.meta["contested"] if flip.entry else None
    if not isinstance(without, dict) or all(flip.values[k] == v for k, v in without.items() if isinstance(v, bool)):
        return []
    words = " ".join(f"--set {k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in without.items())
    return [("contested", f"rests on an assumption; without it, {words}")]


def _form(console: Console, form: Expr) -> None:
    lines = pretty(form, use_unicode=True, wrap_line=False).splitlines()
    for line in ["", *lines, ""]:
        console.print(Text((INDENT + line).rstrip()), soft_wrap=True)


def objective(flip: Flip) -> str:
    """J with its coefficients, terms by their usual letters."""
    parts = [
        (plain(c), letter(t))
        for t, c in sorted(flip.objective.items(), key=lambda item: item[0].method != "cross_entropy")
    ]
    text = " + ".join(name if c == 1 else f"{_factor(c)} {name}" for c, name in parts)
    return "J = " + text.replace("+ -", "- ").replace("- 1 ", "- ")


def _factor(coefficient: Expr) -> str:
    text = str(coefficient).replace("*", " ")
    return f"({text})" if coefficient.is_Add else text


def letter(term: Term) -> str:
    name = LETTERS[term.method][0] if term.method in LETTERS else term.method.replace("_", " ")
    return f"{name}({dict(term.arguments)['process']})" if term.method == "cross_entropy" else name


def legend(flip: Flip) -> str:
    """What the letters of the objective mean."""
    methods = dict.fromkeys(t.method for t in flip.objective if t.method in LETTERS)
    return "; ".join(" ".join(LETTERS[m]) if m != "specificity" else LETTERS[m][1] for m in methods)


def _settings(flip: Flip) -> str:
    free = {a.symbol for a in flip.plane.axes}
    told = [f"{p.entry.name}.{k}={v}" for p in flip.parts for k, v in p.knobs.items() if k not in p.free]
    used = {k for k in flip.values if k in flip.scene.parameters or k in ("cached",)}
    told += [f"{k}={v}" for k, v in flip.values.items() if k in used and v not in free]
    return ", ".join(told)


def _domains(axes: Sequence[Axis]) -> Text:
    kinds = {"odd": "odd, from", "count": "from", "share": "between", "weight": "above"}
    told = []
    for a in axes:
        name = str(a.symbol) if str(a.symbol) == a.name else f"{a.symbol} ({a.name})"
        ends = f"{a.low:g} and {a.high:g}" if a.kind == "share" else f"{a.low:g}"
        told.append(f"{name} {kinds[a.kind]} {ends}")
    return Text(f"   over {', '.join(told)}" if told else "", style="dim")


def _verdicts(flip: Flip) -> Iterator[Text]:
    axes = flip.plane.axes
    told = []
    for number, strip in enumerate(flip.plane.strips):
        cells = merged(strip.cells, lambda c: c.verdict)
        across = [(c.verdict, span(axes[1], c, WORDS) if axes[1:] else "") for c in cells]
        told.append((number, strip.low, strip.high, across))
    for low, high, cells in joined(told):
        where = stretch(flip.plane, low, high, WORDS) if axes else ""
        text = Text(f"{where}: " if where else "")
        for k, (verdict, place) in enumerate(cells):
            text.append("; " if k else "").append(verdict, style=STYLE[verdict])
            text.append(f" for {place}" if place else "")
        if axes and axes[0].discrete and high == axes[0].high and low < high:
            text.append(f" ({axes[0].symbol} looked at up to {high:g})", style="dim")
        yield text


def _checked(flip: Flip, points: list[Point]) -> str:
    if not agrees(flip, points):
        return disagreement(flip, points)
    worst = max((abs(p.judge - p.closed) for p in points), default=0.0)
    return f"enumerates the same at {len(points)} point{'s' * (len(points) != 1)} (largest difference {worst:.1g} nats)"


def disagreement(flip: Flip, points: list[Point]) -> str:
    worst = max(points, key=lambda p: abs(p.judge - p.closed))
    at = ", ".join(f"{k}={v:g}" for k, v in worst.at.items())
    return (
        f"DISAGREES at {at or 'the point'}: {worst.judge:.10g} nats by enumeration, with {worst.bad} against "
        f"{worst.direct_translator}, and {worst.closed:.10g} by the closed forms. "
        "Trust the judge: another candidate counts there"
    )
