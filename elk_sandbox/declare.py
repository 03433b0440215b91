"""What a plug-in file says about itself: the two decorators, and the knobs that a function's signature offers.

The decorators record and return the function unchanged. `runtime/registry.py` reads the same words from the syntax
tree without running the file; both go through `declared`, so that a file means the same to both.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal, TypeVar

Kind = Literal["proposal", "counterexample"]
Function = TypeVar("Function", bound=Callable[..., object])

PROVENANCE = (
    "V",
    "V2",
    "M",
    "M-",
    "D",
)  # how far to trust the source: primary, secondary, recalled, weak, derived here
RELATIONS = ("strict", "tie")
BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
LISTED = 12  # an unknown name is answered with everything that exists, up to this many
MOST_LISTED = 40  # and up to this many where none is close


class RegistryError(Exception):
    """The user named or wrote something that cannot be used; the message is one line that says what to do."""


class SettingError(RegistryError):
    """A knob that does not exist, or a value that its type does not take."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean X?' with the close match, and what exists if that is short; '' if nothing helps."""
    known = sorted(known)
    match = get_close_matches(name, known, n=1)
    hint = f"; did you mean {match[0]!r}?" if match else ""
    if not known:
        return hint + "; there are none"
    return hint + f" (there are: {', '.join(known)})" if len(known) <= (LISTED if match else MOST_LISTED) else hint


@dataclass(frozen=True)
class Declaration:
    """What a decorator recorded."""

    kind: Kind
    name: str  # the function's name, by which users call it
    meta: Mapping[str, object] = field(hash=False)  # the decorator's keywords, defaults filled in


def proposal(
    *, source: str, provenance: str = "D", control: str | None = None, needs: tuple[str, ...] = ()
) -> Callable[[Function], Function]:
    """Mark `f(reporters, view, *, knobs) -> Objective` as a training strategy: the objective that selects reporters.

    `source` says where the idea is from, `provenance` how far that was checked (V, V2, M, M-, D), `control` the world
    in which it beats the plain human simulator, `needs` the dear measures that the judge computes beforehand.
    Raises ValueError for a value that is not of these kinds.
    """
    return _record("proposal", source=source, provenance=provenance, control=control, needs=needs)


def counterexample(
    *, breaks: dict[str, str], source: str, provenance: str = "D", contested: dict[str, object] | None = None
) -> Callable[[Function], Function]:
    """Mark `f(rng, *, knobs) -> Case` as a breaker's move.

    `breaks` claims which proposals it kills and how ("strict": a bad reporter is cheaper; "tie": as cheap);
    `contested` gives settings of its knobs that leave out an assumption which people dispute: there the proposals
    should survive.
    Raises ValueError for a value that is not of these kinds.
    """
    return _record("counterexample", breaks=breaks, source=source, provenance=provenance, contested=contested)


DECORATORS: Mapping[Kind, Callable[..., object]] = {"proposal": proposal, "counterexample": counterexample}


def _record(kind: Kind, **keywords: object) -> Callable[[Function], Function]:
    meta = declared(kind, keywords)

    def record(function: Function) -> Function:
        function.__elk__ = Declaration(kind, function.__name__, meta)  # type: ignore[attr-defined]
        return function

    return record


def declared(kind: Kind, keywords: Mapping[str, object]) -> dict[str, object]:
    """Return a decorator's keywords, checked and with defaults filled in; ValueError says what is wrong with them."""
    parameters = inspect.signature(DECORATORS[kind]).parameters
    for word in keywords:
        if word not in parameters:
            raise ValueError(f"@{kind} has no keyword {word!r}{suggest(word, parameters)}")
    meta: dict[str, object] = {}
    for word, parameter in parameters.items():
        if word not in keywords and parameter.default is parameter.empty:
            example = "{'complexity': 'strict'}" if word == "breaks" else "'where the idea is from'"
            raise ValueError(f"@{kind} lacks the keyword {word!r}: write {word}={example}")
        meta[word] = keywords.get(word, parameter.default)
    needs = meta.get("needs")
    if isinstance(needs, list):
        meta["needs"] = tuple(needs)
    for word, value in meta.items():
        fault = _fault(word, value)
        if fault:
            raise ValueError(f"@{kind}: {word}={value!r} {fault}")
    return meta


def _fault(word: str, value: object) -> str:
    """Return what is wrong with the value of a decorator's keyword, '' if nothing."""
    if word == "source" and not (isinstance(value, str) and value.strip()):
        return "is no text: say where the idea is from"
    if word == "provenance" and value not in PROVENANCE:
        return f"is none of {', '.join(PROVENANCE)}"
    if word == "control" and not (value is None or isinstance(value, str)):
        return "is no name of a world"
    if word == "needs" and not (isinstance(value, tuple) and all(isinstance(name, str) for name in value)):
        return 'is no tuple of names: write needs=("complexity",), with the comma'
    names = isinstance(value, dict) and all(isinstance(name, str) for name in value)
    if word == "breaks" and not names:
        return "is no dictionary: write breaks={'complexity': 'strict'}"
    if word == "breaks" and isinstance(value, dict) and any(claim not in RELATIONS for claim in value.values()):
        return "claims something other than 'strict' or 'tie'"
    if word == "contested" and not (value is None or names):
        return "is no dictionary of knob settings: write contested={'atoms': 5}"
    return ""


@dataclass(frozen=True)
class Knob:
    """A keyword-only argument of a plug-in function; raises ValueError if its default is not of its type."""

    name: str
    annotation: str  # int, float, bool, str, or a Literal[...] as written
    default: object
    choices: tuple[object, ...] | None = None  # of a Literal

    def __post_init__(self) -> None:
        kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float, int), "bool": (bool,), "str": (str,)}
        if self.choices is not None:
            if {type(choice) for choice in self.choices} not in ({str}, {int}):
                raise ValueError(f"knob {self.name!r}: Literal[...] takes strings, or integers, and not both")
            fits = type(self.default) is type(self.choices[0]) and self.default in self.choices
        elif self.annotation not in kinds:
            raise ValueError(
                f"knob {self.name!r} has the annotation {self.annotation}: use int, float, bool, str or Literal[...]"
            )
        else:
            fits = type(self.default) in kinds[self.annotation]
        if not fits:
            raise ValueError(f"knob {self.name!r}: the default {self.default!r} is no {self.annotation}")
        if self.annotation == "float" and isinstance(self.default, int | float):
            if not math.isfinite(self.default):
                raise ValueError(f"knob {self.name!r}: the default {self.default!r} is not finite")
            object.__setattr__(self, "default", float(self.default))

    def parse(self, text: str) -> object:
        """Return the value that `text` writes; raises SettingError naming the knob, its type and the text."""
        wrong = SettingError(f"knob {self.name!r} takes {self.annotation}, not {text!r}")
        if self.choices is not None:
            by_text = {str(choice): choice for choice in self.choices}
            if text not in by_text:
                raise SettingError(f"{wrong}{suggest(text, by_text)}")
            return by_text[text]
        try:
            if self.annotation == "bool":
                return BOOLEANS[text.lower()]
            if self.annotation == "int":
                return int(text)
            if self.annotation == "float" and not math.isfinite(float(text)):
                raise SettingError(f"knob {self.name!r} takes a finite float, not {text!r}")
            return float(text) if self.annotation == "float" else text
        except (KeyError, ValueError):
            raise wrong from None


def parse_settings(owner: str, knobs: Iterable[Knob], settings: Iterable[str]) -> dict[str, object]:
    """Return every knob's value: those that `settings` ("name=value" each) give, the defaults of the others.

    Raises SettingError, naming the knob and `owner` whose knobs these are.
    """
    by_name = {knob.name: knob for knob in knobs}
    given: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals:
            raise SettingError(f"{setting!r} is no setting: write knob=value")
        if name not in by_name:
            raise SettingError(f"{owner} has no knob {name!r}{suggest(name, by_name)}")
        if name in given:
            raise SettingError(f"knob {name!r} is set twice")
        given[name] = by_name[name].parse(text)
    return {name: given.get(name, knob.default) for name, knob in by_name.items()}
