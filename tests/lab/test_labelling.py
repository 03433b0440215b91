"""The labelling session: by lines, and on a real terminal (a pty) with a process that is killed."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.runtime.tables import Item
from elk_sandbox.terminal import InputError
from rlhf_lab.labelling import Session, label_here, visible
from rlhf_lab.labels import Text, create_pool, label_with, order, self_agreement, standing
from rlhf_lab.raters import make
from rlhf_lab.sitting import GAP, schedule


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(tmp_path) as opened:
        yield opened


def pool(store: Store, n: int = 5) -> list[str]:
    """A pool called "pool"; the texts in ann's order."""
    create_pool(store, "pool", [Text(f"text <{i}>", (), "base") for i in range(n)], seed=1)
    return [item.text for item in order(store, "pool", "ann")]


def by_lines(store: Store, *lines: str, rater: str = "ann", repeats: float = 0.0) -> tuple[Session, str]:
    screen = io.StringIO()
    source = io.StringIO("".join(f"{line}\n" for line in lines))
    session = label_here(
        store, "pool", rater, repeats=repeats, source=source, console=Console(file=screen, width=100, highlight=False)
    )
    return session, screen.getvalue()


def labels(store: Store, rater: str = "ann") -> list[tuple[str, int | None]]:
    """Text and label of what stands, in the order of time."""
    texts = {item.number: item.text for item in store.items("pool")}
    return [(texts[event.number], event.value) for event in standing(store, "pool", rater)]


# By lines -----------------------------------------------------------------------------------------------------------


def test_keys_and_progress(store: Store) -> None:
    texts = pool(store, 6)
    session, screen = by_lines(store, "1", "n", "2", "0", "3", "p")
    assert labels(store) == list(zip(texts, [-1, -1, 0, 0, 1, 1], strict=True))
    assert session == Session(6, 0)
    assert re.findall(r"^(\d of 6) ─", screen, re.M) == [f"{i} of 6" for i in range(1, 7)]
    assert [line for line in screen.splitlines() if line.startswith("text")] == texts
    assert re.findall(r"-> (\w+)", screen) == ["negative"] * 2 + ["neutral"] * 2 + ["positive"] * 2
    assert screen.splitlines()[-1] == "6 of 6 labelled, all there are"


def test_it_goes_on_at_the_first_text_without_a_label(store: Store) -> None:
    texts = pool(store)
    first, screen = by_lines(store, "p", "n", "q", "p")
    assert first == Session(2, 3) and screen.splitlines()[-1] == "2 of 5 labelled: go on with the same command"
    second, screen = by_lines(store, "0")  # and the input ends
    assert second == Session(1, 2) and "3 of 5" in screen and "2 of 5" not in screen
    by_lines(store, "p", "p")
    assert labels(store) == list(zip(texts, [1, -1, 0, 1, 1], strict=True))
    assert by_lines(store)[0] == Session(0, 0)


def test_undo_goes_back_also_over_a_restart_and_at_the_end(store: Store) -> None:
    texts = pool(store, 3)
    session, screen = by_lines(store, "u", "p", "n", "u", "u", "0", "q")
    assert session == Session(1, 2) and "nothing to undo" in screen
    assert re.findall(r"withdrawn: (\w+)", screen) == ["negative", "positive"]
    by_lines(store, "u", "n", "p", "p", "u", "n", "u", "0", "q")
    assert labels(store) == list(zip(texts, [-1, 1, 0], strict=True))
    session, screen = by_lines(store, "p", "u", "1", "q")  # all is labelled: only undo and quit are answers
    assert "All labelled" in screen and "'p' is no answer: u, q" in screen
    assert session == Session(0, 0) and labels(store)[-1] == (texts[-1], -1)


def test_what_is_skipped_comes_last(store: Store) -> None:
    texts = pool(store, 3)
    by_lines(store, "s", "p", "s", "n", "0")
    assert labels(store) == [(texts[1], 1), (texts[0], -1), (texts[2], 0)]


def test_another_answer_is_no_label(store: Store) -> None:
    pool(store)
    session, screen = by_lines(store, "P", "13", "", "positive", "\x1b[1~", "4")
    assert session == Session(0, 5) and labels(store) == []
    assert "'P' is no answer: 1, n, 2, 0, 3, p, u, s, q" in screen
    assert screen.count("is no answer") == 5 and "\x1b" not in screen


def test_raters_do_not_see_each_other(store: Store) -> None:
    pool(store)
    by_lines(store, *"ppppp")
    assert by_lines(store, *"nn", rater="bob")[0] == Session(2, 3)
    assert [value for _, value in labels(store, "bob")] == [-1, -1]


def test_who_may_not_label(store: Store) -> None:
    pool(store)
    with pytest.raises(InputError, match="a rater needs a name"):
        by_lines(store, "p", rater="")
    label_with(store, "pool", make("counter"), np.random.default_rng(0))
    with pytest.raises(InputError, match="'counter' is a simulated rater"):
        by_lines(store, "p", rater="counter")
    store.create_collection("empty", "pool", {"seed": 0})
    with pytest.raises(InputError, match="'empty' has no texts to label"):
        label_here(store, "empty", "ann", source=io.StringIO())


# Repetitions --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 120), st.floats(0, 1), st.integers(0, 99))
def test_a_share_is_shown_again_later(n: int, repeats: float, seed: int) -> None:
    items = [Item(number, "", {}) for number in range(n)]
    planned = schedule(items, repeats, np.random.default_rng(seed))
    assert [item for item, occasion in planned if occasion == 0] == items
    again = [item.number for item, occasion in planned if occasion == 1]
    assert len(again) == len(set(again)) == min(round(repeats * n), max(0, n - GAP))
    where = {(item.number, occasion): at for at, (item, occasion) in enumerate(planned)}
    assert all(where[number, 1] - where[number, 0] > GAP for number in again)


def test_repetitions_measure_self_agreement(store: Store) -> None:
    """A rater who goes by the text agrees with herself; one who alternates need not."""
    texts = pool(store, 60)
    session, _ = by_lines(store, *["p"] * 40, "q", repeats=0.1)
    assert session == Session(40, 26)
    session, screen = by_lines(store, *["p"] * 26, repeats=0.1)  # the same six, over a restart
    assert session == Session(26, 0) and "66 of 66" in screen
    times = Counter(text for text, _ in labels(store))
    assert set(times) == set(texts) and sorted(times.values()) == [1] * 54 + [2] * 6
    assert self_agreement(store, "pool", "ann").n == 6
    assert self_agreement(store, "pool", "ann").share == 1
    with pytest.raises(InputError, match="the share of texts shown again is from 0 to 1, not 2"):
        by_lines(store, repeats=2)


# What a text can do to a terminal -----------------------------------------------------------------------------------


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    shown = visible(text)
    assert {unicodedata.category(letter) for letter in shown.replace("\n", "")} & {"Cc", "Cf", "Cs"} == set()
    shown.encode()  # half of a character pair would raise


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_can_be_seen_is_shown_as_it_is(text: str) -> None:
    assert visible(f"{text}\n{text}") == f"{text}\n{text}"


def test_a_text_cannot_act_on_the_terminal(store: Store) -> None:
    evil = "\x1b[2Jclear \x9b31m \x07 \r\u202egnp.\u2066 [bold]x[/bold] :smile: \x1b]0;title\x07\r\nend"
    create_pool(store, "pool", [Text(evil, (), "base")], seed=1)
    screen = by_lines(store, "q")[1]
    assert set(re.findall(r"[^ -~\n]", screen)) <= {"─"}
    shown = r"\x1b[2Jclear \x9b31m \x07 \r\u202egnp.\u2066 [bold]x[/bold] :smile: \x1b]0;title\x07"
    assert f"{shown}\nend\n" in screen


# On a terminal ------------------------------------------------------------------------------------------------------

CHILD = """if True:
    import fcntl, sys, termios
    from pathlib import Path
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # as a login shell would: control-C and hanging up reach it
    from elk_sandbox.runtime.store import open_store
    from rlhf_lab.labelling import label_here
    label_here(open_store(Path(sys.argv[1])), "pool", "ann")
"""


class Terminal:
    """A terminal with a labelling process on it. What it must end with, and what it shows, is waited for."""

    def __init__(self, home: Path) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.home, self.shown = home, ""
        self.start()

    def start(self) -> None:
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        command = [sys.executable, "-c", CHILD, str(self.home)]
        ends = {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave}
        self.child = subprocess.Popen(command, start_new_session=True, env=environment, **ends)  # type: ignore[call-overload]

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def wait_for(self, words: str) -> str:
        """What is shown up to these words, which are then read; without colours."""
        end = time.monotonic() + 60
        while words not in self.shown:
            assert time.monotonic() < end, f"waited for {words!r}, saw {self.shown!r}"
            self.read(0.1)
        seen, _, self.shown = self.shown.partition(words)
        return seen

    def read(self, patience: float) -> bool:
        if not select.select([self.master], [], [], patience)[0]:
            return False
        self.shown += re.sub(r"\x1b\[[0-9;]*m", "", os.read(self.master, 4096).decode(errors="replace"))
        return True

    def forget(self) -> None:
        """Read what is left of a process that has ended."""
        while self.read(0):
            pass
        self.shown = ""

    def ends(self) -> int:
        return self.child.wait(30)

    @property
    def raw(self) -> bool:
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO)

    @property
    def restored(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for end in {self.master, self.slave}:
            os.close(end)


@pytest.fixture
def terminal(store: Store, tmp_path: Path) -> Iterator[Terminal]:
    pool(store, 8)
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


READY = "q: quit"


def test_one_key_a_label_stored_before_the_next_text(store: Store, terminal: Terminal) -> None:
    texts = [item.text for item in order(store, "pool", "ann")]
    terminal.wait_for(READY)
    assert terminal.raw
    for at, (key, value) in enumerate(zip("p2n", [1, 0, -1], strict=True), 1):
        terminal.type(key)  # no Enter
        terminal.wait_for(f"{at + 1} of 8")
        assert labels(store)[-1] == (texts[at - 1], value) and len(labels(store)) == at
        assert texts[at] in terminal.wait_for(READY)
    terminal.type("u")
    terminal.wait_for("withdrawn: negative")
    terminal.wait_for(READY)
    for key in ("\x1b[1~", "\x1bOP", "é", "\x1b[200~pppp\x1b[201~"):  # Home, F1, a letter, a paste: 1, p and P in them
        terminal.type(key)
        terminal.wait_for("is no answer")
    terminal.type("1pp3")  # typed ahead of texts that were not there yet
    terminal.wait_for("4 of 8")
    terminal.wait_for(READY)
    terminal.type("q")
    terminal.wait_for("3 of 8 labelled: go on with the same command")
    assert terminal.ends() == 0 and terminal.restored
    assert labels(store) == list(zip(texts[:3], [1, 0, -1], strict=True))


def test_killed_in_mid_session_it_goes_on_and_loses_nothing(store: Store, terminal: Terminal) -> None:
    texts = [item.text for item in order(store, "pool", "ann")]
    for at in range(8):
        if at in (2, 5):
            os.kill(terminal.child.pid, signal.SIGKILL)
            assert terminal.ends() == -signal.SIGKILL
            assert labels(store) == [(text, 1) for text in texts[:at]]  # all that were acknowledged
            termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)  # nobody else can
            terminal.forget()
            terminal.start()
        assert texts[at] in terminal.wait_for(READY)
        terminal.type("p")
        terminal.wait_for("-> positive")
    terminal.wait_for("All labelled")
    terminal.type("\x04")
    terminal.wait_for("8 of 8 labelled, all there are")
    assert terminal.ends() == 0 and terminal.restored
    assert labels(store) == [(text, 1) for text in texts]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_terminal_is_restored_however_it_ends(store: Store, terminal: Terminal, number: signal.Signals) -> None:
    terminal.wait_for(READY)
    assert terminal.raw
    if number == signal.SIGINT:
        terminal.type("\x03")  # control-C
    else:
        terminal.child.send_signal(number)
    assert terminal.ends() == (-number if number == signal.SIGINT else 128 + number)
    assert terminal.restored


def test_after_a_stop_keys_are_read_again(store: Store, terminal: Terminal) -> None:
    """Control-Z: the shell takes the terminal back to its own settings; in the foreground again it is the session's."""
    terminal.wait_for(READY)
    terminal.child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, terminal.child.pid, os.WSTOPPED)
    termios.tcsetattr(terminal.slave, termios.TCSANOW, terminal.before)
    terminal.child.send_signal(signal.SIGCONT)
    end = time.monotonic() + 10
    while not terminal.raw and time.monotonic() < end:
        time.sleep(0.01)
    terminal.type("p")
    terminal.wait_for(READY)
    terminal.type("q")
    assert terminal.ends() == 0 and terminal.restored


def test_a_terminal_that_is_closed_ends_the_session(store: Store, terminal: Terminal) -> None:
    terminal.wait_for(READY)
    terminal.type("p")
    terminal.wait_for("2 of 8")
    os.close(terminal.slave)
    os.close(terminal.master)
    terminal.master, terminal.slave = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    terminal.ends()
    assert len(labels(store)) == 1
