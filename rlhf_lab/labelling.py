"""Labelling in the terminal, one key a label: pools and blind sheets alike, of which only the text is shown.

A label is in the store before the next text is shown, so that quitting, or being killed, loses nothing: the session
goes on at the first text that the rater has not labelled.
"""

import os
import select
import signal
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import out
from rlhf_lab.labels import WORDS
from rlhf_lab.sitting import Sitting

__all__ = ["Session", "label_here", "visible"]

LABELS = {"1": -1, "n": -1, "2": 0, "0": 0, "3": 1, "p": 1}
UNDO, SKIP, QUIT = "u", "s", "q"
KEYS = (*LABELS, UNDO, SKIP, QUIT)
HELP = "1 or n: negative   2 or 0: neutral   3 or p: positive   u: undo   s: skip   q: quit"
DONE = "All labelled.   u: undo the last   q: done"
END = "\x04"  # control-D
ESCAPE_WAIT = 0.05  # seconds within which the rest of a function key's bytes follow its first


@dataclass(frozen=True)
class Session:
    """What a session left behind."""

    given: int  # labels given in it, without those undone in it
    left: int  # texts yet to be labelled by this rater, repetitions included


def visible(text: str) -> str:
    """The text with all that could act on a terminal, or could not be seen, spelt out: \\x1b, \\u202e; lines stay."""
    return "".join(
        letter
        if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        else letter.encode("unicode_escape").decode()
        for letter in text.replace("\r\n", "\n").replace("\t", "    ")
    )


def label_here(
    store: Store,
    name: str,
    rater: str,
    *,
    repeats: float = 0.0,
    source: TextIO | None = None,
    console: Console = out,
) -> Session:
    """Show the rater, in her own order, what she has not labelled, and store what she answers; until all is labelled,
    she quits, or the input ends. Which are shown again later is a share `repeats` of them, drawn by the stored seed.

    Single keys are read from `source` (default: the standard input) if that is a terminal, whose settings are
    restored on the way out, else an answer a line. Raises InputError for no texts, and as `require_person`.
    """
    sitting, given = Sitting(store, name, rater, repeats=repeats), 0
    with _keys(sys.stdin if source is None else source) as (forget, read):
        while True:
            forget()  # what was typed before the text was there is no answer to it
            due = next(iter(sitting.ahead(1)), None)
            if due:
                _show(console, due.text, sitting.total - sitting.left + 1, sitting.total)
            else:
                console.print(Text(DONE, style="dim"))
            key = _answer(read, console, KEYS if due else (UNDO, QUIT))
            if due and key in LABELS:
                sitting.label(due.number, LABELS[key])
                console.print(Text(f"-> {WORDS[LABELS[key]]}", style="bold"))
                given += 1
            elif due and key == SKIP:
                sitting.skip(due.number)
            elif key == UNDO:
                withdrawn = sitting.undo()
                if withdrawn is None:
                    console.print(Text("nothing to undo"))
                    continue
                console.print(Text(f"withdrawn: {WORDS[withdrawn.value]}", style="bold"))
                given -= 1
            else:
                break
    console.print(Text(_farewell(sitting.total, sitting.left)))
    return Session(given, sitting.left)


def _farewell(total: int, left: int) -> str:
    return f"{total - left} of {total} labelled" + (": go on with the same command" if left else ", all there are")


def _show(console: Console, text: str, at: int, total: int) -> None:
    console.rule(Text(f"{at} of {total}", style="bold"), align="left")
    console.print(Text(visible(text)))
    console.print(Text(f"\n{HELP}", style="dim"))


def _answer(read: Callable[[], str], console: Console, known: Sequence[str]) -> str:
    """The next key that means something; QUIT when the input ends."""
    while True:
        key = read()
        if key in ("", END):
            return QUIT
        if key in known:
            return key
        console.print(Text(f"{key[:20]!r} is no answer: {', '.join(known)}"))


@contextmanager
def _keys(source: TextIO) -> Iterator[tuple[Callable[[], None], Callable[[], str]]]:
    """Two functions: forget what was typed, and read the next key, '' at the end."""
    if not source.isatty():
        yield lambda: None, lambda: _line(source)
        return
    import termios
    import tty

    terminal = source.fileno()
    before = termios.tcgetattr(terminal)

    def leave(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    def come_back(*_: Any) -> None:  # after control-Z the shell has set the terminal its own way
        tty.setcbreak(terminal)

    handled = {signal.SIGTERM: leave, signal.SIGHUP: leave, signal.SIGCONT: come_back}
    # A signal that comes just before a read would be handled after the next key only: it wakes the reader by this pipe.
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    handlers = {number: signal.signal(number, handler) for number, handler in handled.items()}
    wakeup = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        tty.setcbreak(terminal)
        yield lambda: termios.tcflush(terminal, termios.TCIFLUSH), lambda: _key(terminal, woken)
    finally:
        signal.set_wakeup_fd(wakeup)
        os.close(woken)
        os.close(wake)
        with suppress(termios.error):  # a terminal that is gone needs no restoring
            termios.tcsetattr(terminal, termios.TCSANOW, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _key(terminal: int, woken: int) -> str:
    try:
        while woken in select.select([terminal, woken], [], [])[0]:
            os.read(woken, 512)
        key = os.read(terminal, 1)
        if key >= b"\x7f" or key == b"\x1b":  # a function key or a letter of several bytes: one key, no answer
            while select.select([terminal], [], [], ESCAPE_WAIT)[0] and os.read(terminal, 1):
                pass
            return "a function key or letter"
    except OSError:  # the terminal was closed
        return ""
    return key.decode()


def _line(source: TextIO) -> str:
    """The next line that is not blank, without its end; '' at the end of the input."""
    for line in source:
        if line.strip():
            return line.strip()
    return ""
