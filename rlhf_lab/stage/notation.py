"""The notation in which the grammar is written, and its trees.

`word` stands for itself, `/` for a line break, `//` for a blank line; `<class>` for any word of a class;
`<noun*>` for a catalogue of 1 to 12 nouns of a class and `<noun+>` for one of 2 to 12 ("joy, sweet love and bliss");
`@role` for a clause, with the comma after it where it has one (`@role,`); `( a | b )` for either, an empty side meaning
that nothing may stand there; `$macro` for a pattern with that name.
"""

from dataclasses import dataclass

from rlhf_lab.stage.lexicon import CLASSES, EPITHETS

__all__ = ["LONGEST_CATALOGUE", "Catalogue", "Choice", "Node", "Role", "Sequence", "Slot", "Word", "parse"]

LONGEST_CATALOGUE = 12


@dataclass(frozen=True)
class Word:
    """Itself."""

    word: str


@dataclass(frozen=True)
class Slot:
    """Any word of a class."""

    name: str


@dataclass(frozen=True)
class Catalogue:
    """Nouns of one class, each bare or with an epithet, as a list: commas, and "and" before the last."""

    noun: str
    least: int

    @property
    def epithet(self) -> str:
        return EPITHETS[self.noun]


@dataclass(frozen=True)
class Role:
    """A clause that plays a part in a sentence."""

    name: str
    comma: bool


@dataclass(frozen=True)
class Sequence:
    """One after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Choice:
    """One of these, each as likely as the others."""

    options: tuple["Node", ...]


Node = Word | Slot | Catalogue | Role | Sequence | Choice


def parse(pattern: str) -> Node:
    """The tree of a pattern. Raises ValueError for an unknown class and for brackets that do not match."""
    symbols = pattern.split()
    node, end = _choice(symbols, 0)
    if end != len(symbols):
        raise ValueError(f"unmatched ')' in {pattern!r}")
    return node


def _choice(symbols: list[str], at: int) -> tuple[Node, int]:
    options: list[Node] = []
    parts: list[Node] = []
    while at < len(symbols) and symbols[at] != ")":
        symbol = symbols[at]
        at += 1
        if symbol == "|":
            options.append(_sequence(parts))
            parts = []
        elif symbol == "(":
            inner, at = _choice(symbols, at)
            if symbols[at : at + 1] != [")"]:
                raise ValueError(f"unmatched '(' in {' '.join(symbols)!r}")
            parts.append(inner)
            at += 1
        else:
            parts.append(_leaf(symbol))
    options.append(_sequence(parts))
    return (options[0] if len(options) == 1 else Choice(tuple(options))), at


def _sequence(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Sequence(tuple(parts))


def _leaf(symbol: str) -> Node:
    if symbol.startswith("<"):
        name = symbol[1:-1]
        if name[-1] in "*+":
            return Catalogue(name[:-1], 1 if name[-1] == "*" else 2)
        if name not in CLASSES:
            raise ValueError(f"no class {symbol!r}")
        return Slot(name)
    if symbol.startswith("@"):
        return Role(symbol[1:].rstrip(","), symbol.endswith(","))
    return Word({"/": "\n", "//": "\n\n"}.get(symbol, symbol.lower()))
