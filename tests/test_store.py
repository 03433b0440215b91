"""The store against a model in memory, under writers that are killed, and with files that it cannot use."""

import itertools
import math
import os
import random
import selectors
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from elk_sandbox.runtime.store import NameTaken, Store, open_store
from elk_sandbox.runtime.tables import Event, Progress
from elk_sandbox.terminal import InputError

REPOSITORY = Path(__file__).parents[1]
RATERS = st.sampled_from(["ada", "Ćiro, 'the third'"])
LABELS = st.sampled_from([-1, 0, 1])
FLOATS = st.floats(allow_nan=True, allow_infinity=True)
NAMES = st.sampled_from(["one", "two"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@dataclass
class Pool:
    """A collection, told plainly."""

    texts: list[str] = field(default_factory=list)
    said: list[tuple[str, int, int | None, int | None]] = field(default_factory=list)  # rater, number, value, undoes

    def stands(self, at: int) -> bool:
        return self.said[at][2] is not None and all(undoes != at for *_, undoes in self.said)

    def current(self, rater: str | None) -> list[tuple[str, int, int | None]]:
        latest: dict[tuple[str, int], int] = {}
        for at, (who, number, _, _) in enumerate(self.said):
            if self.stands(at) and rater in (None, who):
                latest[who, number] = at
        return [self.said[at][:3] for at in sorted(latest.values())]


class Model(RuleBasedStateMachine):
    """What any sequence of calls must give, whether or not the store is closed and opened in between."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = open_store(Path(self.folder.name))
        self.store.create_collection("one", "pool", {"by": "one"}, [(text, {"length": 1}) for text in "abc"])
        self.pools = {"one": Pool(list("abc"))}
        self.runs: dict[str, dict[str, dict[int, float]]] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(Path(self.folder.name))

    @rule(name=NAMES, texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3))
    def create_collection(self, name: str, texts: list[str]) -> None:
        wanted = [(text, {"length": len(text)}) for text in texts]
        if name in self.pools:
            with pytest.raises(NameTaken, match=name):
                self.store.create_collection(name, "sheet", {}, wanted)
        else:
            self.store.create_collection(name, "pool", {"by": name}, wanted)
            self.pools[name] = Pool(list(texts))

    @rule(name=NAMES, texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=3))
    def add_items(self, name: str, texts: list[str]) -> None:
        wanted = [(text, {"length": len(text)}) for text in texts]
        if name not in self.pools:
            with pytest.raises(InputError, match=name):
                self.store.add_items(name, wanted)
            return
        first = len(self.pools[name].texts)
        assert [each.number for each in self.store.add_items(name, wanted)] == list(range(first, first + len(texts)))
        self.pools[name].texts += texts

    @rule(name=NAMES, rater=RATERS, values=st.lists(st.tuples(st.integers(0, 3), LABELS), max_size=3))
    def judge(self, name: str, rater: str, values: list[tuple[int, int]]) -> None:
        if name not in self.pools or any(number >= len(self.pools[name].texts) for number, _ in values):
            with pytest.raises(InputError, match=name):
                self.store.judge_all(name, rater, values)
            return
        got = self.store.judge_all(name, rater, values)
        assert [(each.number, each.rater, each.value) for each in got] == [(n, rater, value) for n, value in values]
        self.pools[name].said += [(rater, number, value, None) for number, value in values]

    @rule(name=NAMES, rater=RATERS)
    def undo(self, name: str, rater: str) -> None:
        if name not in self.pools:
            with pytest.raises(InputError, match=name):
                self.store.undo(name, rater)
            return
        pool = self.pools[name]
        mine = [at for at, (who, *_) in enumerate(pool.said) if who == rater and pool.stands(at)]
        withdrawn = self.store.undo(name, rater)
        if not mine:
            assert withdrawn is None
            return
        assert withdrawn is not None
        assert (rater, withdrawn.number, withdrawn.value, None) == pool.said[mine[-1]]
        pool.said.append((rater, withdrawn.number, None, mine[-1]))

    @rule(name=NAMES)
    def create_run(self, name: str) -> None:
        config = {"rate": math.inf, "shape": [1, 2], "none": None}
        if name in self.runs:
            with pytest.raises(NameTaken, match=name):
                self.store.create_run(name, "pretrain", config, {})
        else:
            assert self.store.create_run(name, "pretrain", config, {}).config == config
            self.runs[name] = {}

    @rule(name=NAMES)
    def delete_run(self, name: str) -> None:
        if name in self.runs:
            self.store.delete_run(name)
            del self.runs[name]
        else:
            with pytest.raises(InputError, match=name):
                self.store.delete_run(name)

    @rule(name=NAMES, values=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2**40), FLOATS)))
    def record(self, name: str, values: list[tuple[str, int, float]]) -> None:
        if name not in self.runs:
            if values:
                with pytest.raises(InputError, match=name):
                    self.store.record(name, values)
            return
        self.store.record(name, values)
        for key, step, value in values:
            self.runs[name].setdefault(key, {})[step] = value

    @invariant()
    def is_as_told(self) -> None:
        assert {each.name for each in self.store.collections()} == set(self.pools)
        for name, pool in self.pools.items():
            assert self.store.collection(name).meta == {"by": name}
            kept = [(each.number, each.text, each.meta) for each in self.store.items(name)]
            assert kept == [(number, text, {"length": len(text)}) for number, text in enumerate(pool.texts)]
            events = self.store.events(name)
            at = {event.id: place for place, event in enumerate(events)}
            said = [(e.rater, e.number, e.value, None if e.undoes is None else at[e.undoes]) for e in events]
            assert said == pool.said
            assert_places(events)
            for rater in (None, "ada", "nobody"):
                got = [(each.rater, each.number, each.value) for each in self.store.current(name, rater)]
                assert got == pool.current(rater)
        assert {each.name for each in self.store.runs()} == set(self.runs)
        for name, wanted in self.runs.items():
            metrics = self.store.metrics(name)
            assert list(metrics) == sorted(wanted)
            for key, values in metrics.items():
                assert [step for step, _ in values] == sorted(wanted[key])
                assert all(same(value, wanted[key][step]) for step, value in values)


Model.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestModel = Model.TestCase


WORDS = st.tuples(RATERS, st.integers(0, 2), LABELS | st.none())  # rater, item, value; None is an undo


def test_what_stands_after_any_words_and_undos(store: Store) -> None:
    names = (f"pool{i}" for i in itertools.count())

    @given(words=st.lists(WORDS, max_size=25))
    @settings(max_examples=40, deadline=None)
    def check(words: list[tuple[str, int, int | None]]) -> None:
        name, pool = next(names), Pool(list("abc"))
        store.create_collection(name, "pool", {}, [(text, {}) for text in pool.texts])
        for rater, number, value in words:
            if value is not None:
                store.judge(name, number, rater, value)
                pool.said.append((rater, number, value, None))
            elif mine := [at for at, said in enumerate(pool.said) if said[0] == rater and pool.stands(at)]:
                withdrawn = store.undo(name, rater)
                assert withdrawn is not None and (withdrawn.number, withdrawn.value) == pool.said[mine[-1]][1:3]
                pool.said.append((rater, withdrawn.number, None, mine[-1]))
            else:
                assert store.undo(name, rater) is None
        assert_places(store.events(name))
        for who in (None, "ada"):
            got = [(each.rater, each.number, each.value) for each in store.current(name, who)]
            assert got == pool.current(who)

    check()


def assert_places(events: list[Event]) -> None:
    """Each rater's events are numbered from 0 in the order of time."""
    places = defaultdict(list)
    for event in events:
        places[event.rater].append(event.place)
    assert all(found == list(range(len(found))) for found in places.values())


WRITER = """
import itertools, os, sys
from pathlib import Path
from elk_sandbox.runtime.store import open_store
store, me = open_store(Path(sys.argv[1])), sys.argv[2]
for n in itertools.count(int(sys.argv[3])):
    if n % 10:
        said = [store.judge("pool", n % 50, "single" + me, n)]
    else:
        said = store.judge_all("pool", "triple" + me, [(n % 50, n), (n % 50, n + 1), (n % 50, n + 2)])
    for each in said:
        os.write(1, f"{each.id} {each.rater} {each.number} {each.value}\\n".encode())
"""


def test_eight_writers_of_which_some_are_killed(tmp_path: Path) -> None:
    assert_that_no_acknowledged_label_is_lost(tmp_path, labels=1000, kills=3, period=0.5)


@pytest.mark.slow
def test_ten_thousand_labels_by_eight_writers_one_killed_every_second(tmp_path: Path) -> None:
    assert_that_no_acknowledged_label_is_lost(tmp_path, labels=10_000, kills=10, period=1.0)


def assert_that_no_acknowledged_label_is_lost(home: Path, labels: int, kills: int, period: float) -> None:
    """Label until there are as many labels and kills, of one writer in each period (seconds)."""
    store = open_store(home)
    store.create_collection("pool", "pool", {}, [(f"text {i}", {}) for i in range(50)])
    acknowledged: dict[str, list[tuple[int, int, int]]] = defaultdict(list)  # rater: (id, number, value)
    chance, killed = random.Random(0), 0
    ready = selectors.DefaultSelector()

    def start(slot: int, first: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", WRITER, str(home), str(slot), str(first)]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE)
        assert process.stdout is not None
        ready.register(process.stdout, selectors.EVENT_READ)
        return process

    def take(line: bytes) -> None:
        identity, rater, number, value = line.decode().split()
        acknowledged[rater].append((int(identity), int(number), int(value)))

    def kill(process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL  # it did not end by itself
        for line in process.stdout:  # what it said before it died
            take(line)
        ready.unregister(process.stdout)
        process.stdout.close()

    writers = [start(slot, 0) for slot in range(8)]
    try:
        due = time.monotonic() + period
        while sum(map(len, acknowledged.values())) < labels or killed < kills:
            for key, _ in ready.select(timeout=0.1):
                take(key.fileobj.readline())  # type: ignore[union-attr]
            if time.monotonic() > due:
                slot = chance.randrange(8)
                kill(writers[slot])
                killed += 1
                writers[slot] = start(slot, 100_000 * killed)
                counts = Counter(event.rater for event in store.events("pool"))
                assert all(count % 3 == 0 for rater, count in counts.items() if rater.startswith("triple"))
                due = time.monotonic() + period
    finally:
        for writer in writers:
            kill(writer)
    events = store.events("pool")
    store.close()
    kept = {event.id: event for event in events}
    assert len(kept) == len(events)
    assert_places(events)
    for rater, said in acknowledged.items():
        assert [identity for identity, *_ in said] == sorted({identity for identity, *_ in said})
        found = [kept[identity] for identity, *_ in said]
        assert [(event.id, event.number, event.value) for event in found] == said
        assert {event.rater for event in found} == {rater}
        # Killed after the commit and before it could say so: at most one transaction of each killed writer.
        assert sum(event.rater == rater for event in events) - len(said) <= 3 * (killed + 8)


def test_items_are_numbered_without_gaps_by_writers_at_once(tmp_path: Path) -> None:
    with open_store(tmp_path) as shared:
        shared.create_collection("pool", "pool")
        got: list[list[int]] = []

        def add(own: Store) -> None:
            for _ in range(10):
                got.append([each.number for each in own.add_items("pool", [("a", {}), ("b", {})])])

        stores = [open_store(tmp_path) for _ in range(2)]
        threads = [threading.Thread(target=add, args=[each]) for each in (shared, shared, *stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for each in stores:
            each.close()
        assert sorted(got) == [[2 * i, 2 * i + 1] for i in range(40)]
        assert [(each.number, each.text) for each in shared.items("pool")] == [(i, "ab"[i % 2]) for i in range(80)]


OPENER = """
import sys, time
from pathlib import Path
from elk_sandbox.runtime.store import open_store
home = Path(sys.argv[1])
print("up", flush=True)
while not (home / "go").exists():
    time.sleep(0.001)
with open_store(home / "new") as store:
    store.create_collection("c" + sys.argv[2], "pool")
"""


def test_several_make_the_store_at_once(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENER, str(tmp_path), str(i)], cwd=REPOSITORY, stdout=subprocess.PIPE)
        for i in range(5)
    ]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == b"up\n"
    (tmp_path / "go").touch()
    for process in processes:
        assert process.communicate()[0] == b"" and process.returncode == 0
    with open_store(tmp_path / "new") as store:
        assert {each.name for each in store.collections()} == {f"c{i}" for i in range(5)}


def test_metrics_keep_every_float(store: Store) -> None:
    store.create_run("run", "ppo", {}, {})

    @given(value=FLOATS)
    @settings(deadline=None)
    def check(value: float) -> None:
        store.record("run", [("kl", 3, 0.5), ("kl", 2, value), ("kl", 3, value)])
        assert [step for step, _ in store.metrics("run")["kl"]] == [2, 3]
        assert all(same(got, value) for _, got in store.metrics("run")["kl"])

    check()


def test_metrics_from_a_step_on_are_forgotten_of_one_run_alone(store: Store) -> None:
    for name in ("run", "other"):
        store.create_run(name, "ppo", {}, {})
        store.record(name, [(key, step, 0.5) for key in ("kl", "loss") for step in range(4)])
    store.forget_from("run", 2)
    assert store.metrics("run") == {key: [(0, 0.5), (1, 0.5)] for key in ("kl", "loss")}
    assert [step for step, _ in store.metrics("other")["kl"]] == [0, 1, 2, 3]


def test_a_run_is_marked(store: Store) -> None:
    store.create_run("base", "pretrain", {}, {})
    new = store.create_run("run", "ppo", {"n": 1}, {"model": "base"})
    assert (new.outcome, new.started, new.attempts, new.want_stop, new.progress) == (None, None, 0, False, None)
    assert (new.parents, [each.name for each in store.runs("ppo")]) == ({"model": "base"}, ["run"])
    told = Progress(1.0, 4.0, "step 1", None, 12.5)
    store.mark_started("run")
    store.ask_to_stop("run")
    store.mark_progress("run", told)
    row = store.run("run")
    assert (row.attempts, row.want_stop, row.progress, row.ended) == (1, True, told, None)
    store.mark_ended("run", "failed", "no more")
    row = store.run("run")
    assert (row.outcome, row.message, row.want_stop) == ("failed", "no more", False)
    assert row.started is not None and row.ended is not None and row.created <= row.started <= row.ended
    store.mark_started("run")
    assert (store.run("run").outcome, store.run("run").message, store.run("run").attempts) == (None, "", 2)


def test_what_others_build_on_stays_unless_forced(store: Store) -> None:
    store.create_run("base", "pretrain", {}, {})
    store.record("base", [("loss", 0, 1.0)])
    for name in ("reward", "reward2"):
        store.create_run(name, "reward", {}, {"trunk": "base"})
    with pytest.raises(InputError, match="reward, reward2 built on 'base'"):
        store.delete_run("base")
    assert store.metrics("base") == {"loss": [(0, 1.0)]}
    store.delete_run("base", force=True)
    assert [each.name for each in store.runs()] == ["reward", "reward2"]
    assert store.metrics("base") == {}


def test_a_close_match_is_named(store: Store) -> None:
    store.create_run("pretrain1", "pretrain", {}, {})
    store.create_collection("samples", "pool")
    with pytest.raises(InputError, match="did you mean 'pretrain1'"):
        store.run("pretrian1")
    for call in (store.items, store.current, store.events, store.collection):
        with pytest.raises(InputError, match="did you mean 'samples'"):
            call("sample")
    with pytest.raises(InputError, match="'samples' has no item 0"):
        store.judge("samples", 0, "ada", 1)


@pytest.mark.parametrize("name", ["", ".hidden", "-x", "a/b", "..", "a b", "ä", "x" * 65, "a\n"])
def test_names_are_plain(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a run"):
        store.create_run(name, "ppo", {}, {})
    with pytest.raises(InputError, match="cannot name a pool"):
        store.create_collection(name, "pool")


def test_nothing_is_kept_of_a_call_that_fails(store: Store) -> None:
    with pytest.raises(InputError, match="half of a character pair"):
        store.create_collection("pool", "pool", {}, [("good", {}), ("\ud800", {})])
    assert store.collections() == []
    store.create_collection("pool", "pool", {}, [("good", {})])
    with pytest.raises(TypeError):
        store.judge_all("pool", "ada", [(0, 1), (0, 0.5)])  # type: ignore[list-item]
    with pytest.raises(InputError, match="has no item 7"):
        store.judge_all("pool", "ada", [(0, 1), (7, 1)])
    assert store.events("pool") == []


def test_judgements_are_append_only(store: Store, tmp_path: Path) -> None:
    store.create_collection("pool", "pool", {}, [("a", {})])
    said = store.judge("pool", 0, "ada", 1)
    other = sqlite3.connect(tmp_path / "store.sqlite")
    for statement in ("UPDATE judgements SET value = 0", "DELETE FROM judgements"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(statement)
    other.close()
    assert store.current("pool") == [said]


def test_a_commit_is_on_the_disk(store: Store) -> None:
    with store._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_reader_waits_for_nobody(store: Store, tmp_path: Path) -> None:
    store.create_collection("pool", "pool", {}, [("a", {})])
    other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO judgements (collection, number, rater, place, value, at) VALUES ('pool',0,'b',0,1,0)")
    assert store.current("pool") == []
    other.execute("COMMIT")
    assert len(store.current("pool")) == 1
    other.close()


def test_locked_for_too_long(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_store(tmp_path, patience=0.1) as store:
        with pytest.raises(InputError, match=r"store\.sqlite has been locked by another program for 0\.1 s"):
            store.create_run("run", "ppo", {}, {})
        other.execute("ROLLBACK")
        store.create_run("run", "ppo", {}, {})
    other.close()


def test_files_that_are_no_store(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(InputError, match="is not a database"):
        open_store(tmp_path)
    (tmp_path / "store.sqlite").unlink()
    other = sqlite3.connect(tmp_path / "store.sqlite")
    other.execute("CREATE TABLE metrics (x)")
    with pytest.raises(InputError, match="another program's database"):
        open_store(tmp_path)
    other.close()
    with pytest.raises(InputError, match="cannot be made"):
        open_store(tmp_path / "store.sqlite" / "below")
    with pytest.raises(InputError, match="cannot be opened"):
        open_store(tmp_path, f"sqlite:///{tmp_path}/nowhere/file")


def test_a_newer_schema(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    other = sqlite3.connect(tmp_path / "store.sqlite")
    other.execute("UPDATE elk_sandbox_store SET version = 99")
    other.commit()
    other.close()
    with pytest.raises(InputError, match="newer version of elk-sandbox"):
        open_store(tmp_path)


def test_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("nonsense", "nonsense://x", "mysql://host/base", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(InputError, match="is not the URL of a database that lasts"):
            open_store(tmp_path, wrong)
    with pytest.raises(InputError, match=r"^postgresql\+pg8000://me:\*\*\*@host/x needs the Python package pg8000"):
        open_store(tmp_path, "postgresql+pg8000://me:secret@host/x")
    monkeypatch.setenv("ELK_SANDBOX_STORE", f"sqlite:///{tmp_path}/elsewhere.db")
    with open_store(tmp_path / "home") as store:
        store.create_run("run", "ppo", {}, {})
    assert (tmp_path / "elsewhere.db").is_file() and not (tmp_path / "home").exists()


FILLER = """
import resource, sys
from pathlib import Path
from elk_sandbox.runtime.store import open_store
from elk_sandbox.terminal import InputError
store = open_store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
said = 0
try:
    while True:
        store.judge("pool", said % 10, "ada", said)
        said += 1
except InputError as reason:
    print(said, reason)
"""


def test_a_full_disk(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.create_collection("pool", "pool", {}, [("a", {})] * 10)
        command = [sys.executable, "-c", FILLER, str(tmp_path)]
        run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        said, line = run.stdout.split(" ", 1)
        assert "store.sqlite cannot be written, nothing was changed: is the disk full?" in line
        assert [each.value for each in store.events("pool")] == list(range(int(said)))
        assert store.judge("pool", 0, "ada", 5).place == int(said) > 10


def test_a_store_is_not_carried_over_a_fork(store: Store) -> None:
    child = os.fork()
    if child == 0:
        try:
            store.runs()
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
