"""The grammar as a machine that reads one token at a time.

The trees become a graph of places without empty moves; a state is the set of places that a reader may be in, made when
it is first met. So reading takes one look-up a token, whatever the grammar, and of a text that stops anywhere it is
known whether it is a beginning of something.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from itertools import chain, takewhile

from rlhf_lab.stage.grammar import CLAUSES, FORMS, ROLES, SPEAKER
from rlhf_lab.stage.lexicon import CLASSES
from rlhf_lab.stage.notation import LONGEST_CATALOGUE, Catalogue, Choice, Node, Role, Sequence, Slot, Word, parse

__all__ = ["Label", "State", "start"]

Label = tuple[str, str]  # the role and the family of a clause


class _Place:
    """Where a reader may be: what may follow, and in which clause; none between the clauses.

    The edges of a choice are those of its sides, joined when they are first asked for: most readings need few.
    """

    def __init__(self, label: Label | None, sides: Callable[[], Iterable["_Place"]] = tuple) -> None:
        self.label = label
        self._sides = sides

    @cached_property
    def edges(self) -> dict[str, list["_Place"]]:
        """The places that follow, by literal word or, in angle brackets, by class."""
        edges: dict[str, list[_Place]] = {}
        for side in self._sides():
            for symbol, targets in side.edges.items():
                edges.setdefault(symbol, []).extend(targets)
        return edges

    def before(self, symbol: str) -> "_Place":
        """The place from which the symbol leads here, in the same clause."""
        place = _Place(self.label)
        place.edges = {symbol: [self]}
        return place


def _before(node: Node, then: _Place) -> _Place:
    """The place from which a text of this tree leads to the place `then`."""
    match node:
        case Word(word):
            return then.before(word)
        case Slot(name):
            return then.before(f"<{name}>")
        case Sequence(parts):
            for part in reversed(parts):
                then = _before(part, then)
            return then
        case Choice(options):
            return _Place(then.label, lambda: [_before(option, then) for option in options])
        case Role(role, comma):
            return _Place(None, lambda: _before_role(role, comma, then))
        case Catalogue():
            return _before_catalogue(node, then)


def _before_role(role: str, comma: bool, then: _Place) -> Iterator[_Place]:
    for (family, _), clauses in CLAUSES.items():
        if family in ROLES[role]:
            end = _Place((role, family), lambda: [then])
            if comma:  # still of the clause: only what follows tells it from one within a catalogue
                end = end.before(",")
            yield from (_before(clause, end) for clause in clauses)


def _before_catalogue(node: Catalogue, then: _Place) -> _Place:
    def before_item(after: _Place) -> _Place:
        noun = after.before(f"<{node.noun}>")
        return _Place(then.label, lambda: [noun, noun.before(f"<{node.epithet}>")])

    def after_item(number: int) -> _Place:
        """What may follow so many items: the last one, another one, or, after a single one, the end."""
        sides = [before_item(then).before("and")]
        if number < LONGEST_CATALOGUE - 1:
            sides.append(before_item(after_item(number + 1)).before(","))
        if number == 1 == node.least:
            sides.append(then)
        return _Place(then.label, lambda: sides)

    return before_item(after_item(1))


class State:
    """All places that fit what was read. `moves` holds, for the words met so far, the next state and the clause that
    the word closed; `inside` says whether a clause is being read, `settled` which, where all places agree on it."""

    __slots__ = ("_known", "_places", "inside", "moves", "settled")

    def __init__(self, places: tuple[_Place, ...], known: "dict[tuple[_Place, ...], State]") -> None:
        self._places, self._known = places, known
        self.moves: dict[str, tuple[State, Label | None]] = {}
        labels = {place.label for place in places}
        self.inside = labels != {None}
        self.settled = labels.pop() if len(labels) == 1 else None

    def step(self, token: str) -> "tuple[State, Label | None] | None":
        """The next state and the label of the clause that the token closed; None where no text goes on so."""
        move = self.moves.get(token)
        if move is not None:
            return move
        found: dict[_Place, None] = {}  # a set that keeps its order
        closed: set[Label | None] = set()
        for place in self._places:
            for symbol in _SYMBOLS.get(token, ()):
                for target in place.edges.get(symbol, ()):
                    found[target] = None
                    closed.add(None if target.label else place.label)
        if not found:
            return None
        if len(closed) > 1:
            raise ValueError(f"the grammar is ambiguous: {token!r} closes {closed}")
        places = tuple(found)
        state = self._known.get(places) or self._known.setdefault(places, State(places, self._known))
        self.moves[token] = state, closed.pop()
        return self.moves[token]

    def goes_on(self, beginning: str) -> bool:
        """Whether some word that begins so may follow."""
        words = _WORDS[bisect_left(_WORDS, beginning) :]
        return any(self.step(word) for word in takewhile(lambda word: word.startswith(beginning), words))


def _symbols(nodes: list[Node]) -> dict[str, list[str]]:
    """The symbols that each token stands for: itself, where the grammar names it, and its classes."""
    found: dict[str, list[str]] = {"\n": ["\n"], "\n\n": ["\n\n"], ",": [","], "and": ["and"]}
    for name, words in CLASSES.items():
        for word in dict.fromkeys(words):
            found.setdefault(word, []).append(f"<{name}>")
    while nodes:
        match nodes.pop():
            case Word(word) if word not in found.get(word, ()):
                found.setdefault(word, []).append(word)
            case Sequence(parts) | Choice(parts):
                nodes += parts
    return found


def _speech() -> _Place:
    speech = _Place(None)
    end = _Place(None)
    sentence = _Place(None, lambda: [_before(parse(form), end) for form in FORMS.values()])
    end.edges = {"\n": [sentence], "\n\n": [speech]}
    speech.edges = _before(parse(SPEAKER), sentence).edges
    return speech


@cache
def start() -> State:
    """Before the first token of a text."""
    return State((_speech(),), {})


_SYMBOLS = _symbols([*chain(*CLAUSES.values()), *map(parse, FORMS.values()), parse(SPEAKER)])
_WORDS = sorted(_SYMBOLS)
