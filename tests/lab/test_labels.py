"""Pools, labels as arrays, agreement against scikit-learn, and label files there and back."""

import csv
import json
import math
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from elk_sandbox.runtime.store import NameTaken, Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab.label_files import Imported, export_labels, import_labels
from rlhf_lab.labels import (
    Text,
    agreement,
    between,
    create_pool,
    current,
    described,
    label_with,
    note,
    notes,
    order,
    raters,
    self_agreement,
    standing,
)
from rlhf_lab.raters import make

LABELS = st.sampled_from([-1, 0, 1])


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(tmp_path / "home") as opened:
        yield opened


def some(n: int, source: str = "base") -> list[Text]:
    return [Text(f"{source} text {i} of joy", (i, i + 1), source) for i in range(n)]


def pool(store: Store, n: int = 6, name: str = "first") -> str:
    create_pool(store, name, some(n), seed=3)
    return name


# Pools --------------------------------------------------------------------------------------------------------------


def test_a_pool_keeps_texts_tokens_and_sources_in_order(store: Store) -> None:
    create_pool(store, "first", some(4), seed=3)
    items = store.items("first")
    assert [item.text for item in items] == [text.text for text in some(4)]
    assert [item.meta for item in items] == [
        {"tokens": [i, i + 1], "source": "base", "origin": "sample"} for i in range(4)
    ]
    assert store.collection("first").meta == {"seed": 3, "share": 0.0}


@pytest.mark.parametrize("share, wanted", [(0.0, 0), (0.2, 10), (0.5, 40), (0.75, 120)])
def test_snippets_of_the_corpus_make_up_their_share(store: Store, share: float, wanted: int) -> None:
    create_pool(store, "mixed", some(40), seed=5, snippets=some(200, "corpus"), share=share)
    items = store.items("mixed")
    origins = Counter(item.meta["origin"] for item in items)
    assert origins == Counter(sample=40, corpus=wanted)
    assert store.collection("mixed").meta["share"] == wanted / (40 + wanted) == pytest.approx(share)
    assert all((item.meta["origin"] == "corpus") == item.text.startswith("corpus") for item in items)
    assert len({item.text for item in items}) == len(items)  # without replacement, none lost
    if wanted:  # mixed in, not appended
        assert {item.meta["origin"] for item in items[:40]} == {"sample", "corpus"}


def test_the_same_seed_mixes_alike(store: Store) -> None:
    made = [
        [item.text for item in create_pool(store, f"p{i}", some(9), seed=seed, snippets=some(9, "c"), share=0.3)]
        for i, seed in enumerate([1, 1, 2])
    ]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    "texts, more, words",
    [
        ([], {}, "the pool 'first' needs at least one text: sample some first"),
        (some(2), {"share": 1.0}, "the share of corpus snippets is at least 0 and below 1, not 1.0"),
        (some(2), {"share": math.nan}, "the share of corpus snippets is at least 0 and below 1, not nan"),
        (
            some(4),
            {"share": 0.5, "snippets": some(3)},
            "0.5 of the pool 'first' are 4 snippets, and the corpus gives 3",
        ),
    ],
)
def test_a_pool_that_cannot_be_made_is_refused(store: Store, texts: Any, more: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        create_pool(store, "first", texts, seed=0, **more)
    assert store.collections() == []


def test_a_pool_is_not_made_twice(store: Store) -> None:
    pool(store)
    with pytest.raises(NameTaken):
        pool(store)


def test_each_rater_has_an_order_of_her_own_that_stays(store: Store) -> None:
    name = pool(store, 50)
    ann, bob = ([item.number for item in order(store, name, who)] for who in ("ann", "bob"))
    assert sorted(ann) == sorted(bob) == list(range(50)) and ann != bob
    assert ann == [item.number for item in order(store, name, "ann")]
    store.add_items(name, [("more", {})] * 10)
    assert [item.number for item in order(store, name, "ann") if item.number < 50] == ann


# Simulated raters over a pool ---------------------------------------------------------------------------------------


def test_a_simulated_rater_labels_in_her_order_and_is_described(store: Store) -> None:
    name, rater = pool(store, 30), make("unsure", habit=1.0, drift=5.0)
    assert label_with(store, name, rater, np.random.default_rng(4)) == 30
    seen = order(store, name, "unsure")
    expected = rater.label([item.text for item in seen], np.random.default_rng(4))
    given = standing(store, name, "unsure")
    assert [event.number for event in given] == [item.number for item in seen]
    assert [event.value for event in given] == expected.tolist()
    assert make(**described(store, name)["unsure"]) == rater
    assert label_with(store, name, rater, np.random.default_rng(5)) == 0


@pytest.mark.parametrize("knobs", [{"habit": 50.0}, {"temperature": 0.0, "drift": -20.0}])
def test_a_simulated_rater_goes_on_where_she_was(store: Store, knobs: dict[str, float]) -> None:
    """Place and label before carry on: one generator for both parts gives the labels of one go."""
    rater = make("counter", **knobs)
    for seed in range(
        12
    ):  # by habit all labels are as the first, which is drawn; by drift all from the sixth on are -1
        name, rng = pool(store, 8, f"p{seed}"), np.random.default_rng(seed)
        label_with(store, name, rater, rng)
        store.add_items(name, [(text.text, {"tokens": []}) for text in some(8, "late")])
        assert label_with(store, name, rater, rng) == 8
        given = standing(store, name, "counter")
        by_number = {item.number: item.text for item in store.items(name)}
        whole = rater.label([by_number[event.number] for event in given], np.random.default_rng(seed))
        assert [event.value for event in given] == whole.tolist()


def test_a_name_stands_for_one_rater(store: Store) -> None:
    name, rng = pool(store), np.random.default_rng(0)
    label_with(store, name, make("counter"), rng, who="one")
    with pytest.raises(InputError, match="'first' has labels of another rater called 'one'"):
        label_with(store, name, make("counter", slip=0.5), rng, who="one")
    store.judge(name, 0, "ann", 1)
    with pytest.raises(InputError, match="another rater called 'ann'"):
        label_with(store, name, make("counter"), rng, who="ann")
    assert raters(store, name) == {"one": 6, "ann": 1}
    assert set(described(store, name)) == {"one"}


def test_notes_are_kept_by_collection_and_kind_and_are_no_pool(store: Store) -> None:
    assert notes(store, "first", "a") == []
    note(store, "first", "a", {"x": 1})
    note(store, "first", "b", {"x": 2})
    note(store, "second", "a", {"x": 3})
    note(store, "first", "a", {"x": 4})
    assert notes(store, "first", "a") == [{"x": 1}, {"x": 4}]
    assert [c.name for c in store.collections() if c.kind in ("pool", "sheet")] == []


# Labels as arrays ---------------------------------------------------------------------------------------------------


def test_current_labels_of_one_rater(store: Store) -> None:
    name = pool(store)
    for number, value in [(4, 1), (1, -1), (2, 0), (1, 1)]:
        store.judge(name, number, "ann", value)
    store.judge(name, 0, "bob", 1)
    store.judge(name, 5, "ann", 1)
    store.undo(name, "ann")
    labels = current(store, name, ["ann"])
    assert labels.numbers.tolist() == [1, 2, 4] and labels.values.tolist() == [1, 0, 1]
    assert labels.raters.tolist() == [1, 1, 1]
    assert labels.texts[2] == "base text 4 of joy" and labels.tokens[2] == (4, 5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.lists(LABELS, min_size=1, max_size=5), min_size=1, max_size=4))
def test_several_raters_are_made_one(store: Store, tmp_path: Path, given: list[list[int]]) -> None:
    """Against a count by hand; each item is labelled by as many raters as its list is long."""
    name = f"p{len(store.collections())}"
    pool(store, len(given), name)
    for number, values in enumerate(given):
        for who, value in enumerate(values):
            store.judge(name, number, f"rater {who}", value)
    majority, mean = current(store, name), current(store, name, rule="mean")
    assert mean.values.tolist() == pytest.approx([sum(v) / len(v) for v in given])
    for values, made in zip(given, majority.values, strict=True):
        most = max(values.count(label) for label in (-1, 0, 1))
        first = [label for label in (-1, 0, 1) if values.count(label) == most]
        assert made == (first[0] if len(first) == 1 else 0)
    assert majority.raters.tolist() == [len(values) for values in given]
    assert (majority.rule, mean.rule) == ("majority", "mean")


def test_labels_that_are_not_there_are_said_so(store: Store) -> None:
    name = pool(store)
    with pytest.raises(InputError, match="'first' has no labels yet"):
        current(store, name)
    store.judge(name, 0, "ann", 1)
    with pytest.raises(InputError, match="'first' has no labels of 'bob': there are those of ann"):
        current(store, name, ["ann", "bob"])
    store.create_collection("sheet", "sheet", {"seed": 0}, [("x", {})])
    with pytest.raises(InputError, match="'sheet' is a sheet to be rated blind"):
        current(store, "sheet")


# Agreement ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(LABELS, LABELS), max_size=40))
def test_agreement_is_scikit_learns_kappa(pairs: list[tuple[int, int]]) -> None:
    one, two = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    found = agreement(one, two)
    assert found.n == len(pairs)
    if not pairs:
        assert math.isnan(found.share) and math.isnan(found.kappa)
        return
    assert found.share == np.mean([a == b for a, b in pairs])
    if len(set(one) | set(two)) == 1:
        assert math.isnan(found.kappa)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert found.kappa == pytest.approx(cohen_kappa_score(one, two), abs=1e-12)


def test_agreement_by_hand() -> None:
    """20 and 15 of 50 both said yes and no, 5 and 10 differ: share .7, chance .5, kappa .4."""
    one = np.array([1] * 20 + [1] * 5 + [-1] * 10 + [-1] * 15)
    two = np.array([1] * 20 + [-1] * 5 + [1] * 10 + [-1] * 15)
    found = agreement(one, two)
    assert (found.n, found.share, found.kappa) == (50, 0.7, pytest.approx(0.4, abs=1e-12))
    with pytest.raises(ValueError, match=r"\(50,\) and \(49,\)"):
        agreement(one, two[:-1])


def test_agreement_of_raters_and_with_oneself(store: Store) -> None:
    name = pool(store)
    for who, values in {"ann": {0: 1, 1: -1, 2: 0, 3: 1}, "bob": {1: -1, 2: 1, 3: 1, 5: 0}}.items():
        for number, value in values.items():
            store.judge(name, number, who, value)
    found = between(store, name, "ann", "bob")  # of items 1, 2, 3
    assert (found.n, found.share) == (3, pytest.approx(2 / 3))
    assert found.kappa == pytest.approx((2 / 3 - 3 / 9) / (1 - 3 / 9))
    assert self_agreement(store, name, "ann").n == 0 and math.isnan(self_agreement(store, name, "ann").share)
    for number, value in [(0, 1), (1, 1), (2, 0), (3, -1)]:
        store.judge(name, number, "ann", value)
    store.undo(name, "ann")  # the second label of 3
    again = self_agreement(store, name, "ann")
    assert (again.n, again.share) == (3, pytest.approx(2 / 3))


def test_self_agreement_of_noise_is_what_it_must_be(store: Store) -> None:
    """A rater who slips always agrees with herself by chance: kappa 0 within 4 standard errors."""
    name = pool(store, 400)
    rng = np.random.default_rng(6)
    for _ in range(2):
        values = make("careful", slip=1.0).label(["x"] * 400, rng)
        store.judge_all(name, "noise", [(number, int(value)) for number, value in enumerate(values)])
    found = self_agreement(store, name, "noise")
    assert found.n == 400 and abs(found.kappa) < 4 * math.sqrt(1 / 3 / (2 / 3) / 400)


# Files --------------------------------------------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@example([("\r", -1), ("", 0), ("\0\n", 1)], ".csv")
@given(st.lists(st.tuples(ANY_TEXT, LABELS), min_size=1, max_size=8), st.sampled_from([".csv", ".jsonl"]))
def test_there_and_back(store: Store, tmp_path: Path, given: list[tuple[str, int]], kind: str) -> None:
    """Any text at all: the labels exported from one pool are those imported into a copy of it, in their order."""
    k = len(store.collections())
    one, two = f"one{k}", f"two{k}"
    for name in (one, two):
        create_pool(store, name, [Text(text, (), "base") for text, _ in given], seed=0)
    for number in np.random.default_rng(k).permutation(len(given)):
        store.judge(one, int(number), "ann", given[number][1])
    path = tmp_path / f"labels{kind}"
    assert export_labels(store, one, path, rater="ann") == len(given)
    assert import_labels(store, two, path, "bob") == Imported(len(given), 0, 0)
    told = [(j.number, j.value) for j in store.current(one)]
    assert [(j.number, j.value) for j in store.current(two, "bob")] == told
    assert import_labels(store, two, path, "bob") == Imported(0, 0, len(given))
    assert len(store.events(two)) == len(given)


@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_what_an_export_holds(store: Store, tmp_path: Path, kind: str) -> None:
    name = pool(store)
    store.judge(name, 2, "ann", -1)
    store.judge(name, 1, "bob", 0)
    store.undo(name, "ann")
    store.judge(name, 2, "ann", 1)
    path = tmp_path / f"x{kind}"

    def rows() -> list[dict[str, Any]]:
        if kind == ".csv":
            with path.open(newline="") as file:
                return [{k: v for k, v in row.items() if v != ""} for row in csv.DictReader(file)]
        return [
            {k: str(v) for k, v in json.loads(line).items() if v is not None} for line in path.read_text().splitlines()
        ]

    text = {n: f"base text {n} of joy" for n in (1, 2)}
    assert export_labels(store, name, path) == 2
    assert [{k: v for k, v in row.items() if k != "at"} for row in rows()] == [
        {"id": "1", "text": text[1], "label": "0", "rater": "bob", "place": "0"},
        {"id": "2", "text": text[2], "label": "1", "rater": "ann", "place": "2"},
    ]
    assert export_labels(store, name, path, rater="ann", what="events") == 3
    assert [{k: v for k, v in row.items() if k not in ("at", "text", "rater")} for row in rows()] == [
        {"event": "label", "id": "2", "label": "-1", "place": "0"},
        {"event": "undo", "id": "2", "place": "1", "undoes": "0"},
        {"event": "label", "id": "2", "label": "1", "place": "2"},
    ]


def test_an_export_that_cannot_be_written(store: Store, tmp_path: Path) -> None:
    name = pool(store)
    with pytest.raises(InputError, match="'first' has no labels to write"):
        export_labels(store, name, tmp_path / "x.csv")
    store.judge(name, 0, "ann", 1)
    with pytest.raises(InputError, match="'first' has no labels of 'bob' to write"):
        export_labels(store, name, tmp_path / "x.csv", rater="bob")
    with pytest.raises(InputError, match=r"x\.xls is no label file"):
        export_labels(store, name, tmp_path / "x.xls")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        export_labels(store, name, tmp_path / "file" / "x.csv")


def test_labels_by_text_by_word_and_from_a_spreadsheet(store: Store, tmp_path: Path) -> None:
    """A label by text is that of every item with this text; blanks and line ends count for nothing."""
    texts = ["O joy,\nmy  love", "plain", "O joy, my love", "last"]
    create_pool(store, "first", [Text(text, (), "base") for text in texts], seed=0)
    path = tmp_path / "labels.csv"
    path.write_bytes('\ufeffText,Label,seen\r\n"O joy,\r\nmy love",Positive,x\r\n\r\n last ,-1,\r\n'.encode())
    assert import_labels(store, "first", path, "ann") == Imported(3, 0, 0)
    assert {j.number: j.value for j in store.current("first")} == {0: 1, 2: 1, 3: -1}
    path = tmp_path / "labels.JSONL"
    path.write_text(
        '{"id": 3, "label": "neutral", "text": ""}\n\n{"id": "1", "label": 0}\n{"text": "plain ", "label": 0}'
    )
    with pytest.raises(InputError, match=r"labels\.JSONL, line 4: item 1 was labelled in line 3 already: keep one"):
        import_labels(store, "first", path, "ann")
    path.write_text('{"id": 3, "label": "neutral", "text": ""}\n\n{"id": "1", "label": 0}\n{"id": 0, "label": 1}')
    assert import_labels(store, "first", path, "ann") == Imported(1, 1, 1)
    assert {j.number: j.value for j in store.current("first")} == {0: 1, 1: 0, 2: 1, 3: 0}


BAD_FILES: list[tuple[str, str | bytes, str]] = [
    ("a.csv", "", "a.csv is empty: expected a header with label"),
    ("a.csv", "\n\n", "a.csv is empty: expected a header with label"),
    ("a.csv", "id,label\n", "a.csv has no labels: expected columns label"),
    ("a.jsonl", "", "a.jsonl has no labels: expected columns label"),
    ("a.csv", "id,value\n0,1\n", "a.csv, row 1: columns id, value: expected label, and id or text, each once"),
    ("a.csv", "name,label\n0,1\n", "a.csv, row 1: columns name, label: expected label, and id or text"),
    ("a.csv", "id,label,label\n0,1,1\n", "a.csv, row 1: columns id, label, label: expected label"),
    ("a.csv", "id,label\n0,1\n1,2\n", "a.csv, row 3: label is '2': expected -1, 0, 1 or negative, neutral, positive"),
    ("a.csv", "id,label\n0,1\n1,\n", "a.csv, row 3: label is '': expected -1, 0, 1"),
    ("a.csv", "id,label\n0,1\n6,1\n", "a.csv, row 3: 'first' has no item '6': expected an id from 0 to 5"),
    ("a.csv", "id,label\n-1,1\n", "a.csv, row 2: 'first' has no item '-1'"),
    ("a.csv", f"id,label\n{'9' * 5000},1\n", "a.csv, row 2: 'first' has no item '99"),
    ("a.csv", "id,label\n1.5,1\n", "a.csv, row 2: 'first' has no item '1.5'"),
    ("a.csv", "id,label\n1,1\n2,0\n1,1\n", "a.csv, row 4: item 1 was labelled in row 2 already: keep one"),
    ("a.csv", "text,label\nnobody said,1\n", "a.csv, row 2: 'first' has no text 'nobody said': expected the text of"),
    (
        "a.csv",
        "id,text,label\n0,nobody said,1\n",
        "a.csv, row 2: item 0 of 'first' has another text than 'nobody said'",
    ),
    ("a.csv", "id,text,label\n,,1\n", "a.csv, row 2: neither id nor text: expected one of them"),
    ("a.csv", "id,label\n0\n", "a.csv, row 2: 1 cells: expected 2, as in the header"),
    ("a.csv", 'id,label\n0,"1\n', "a.csv, line 2: unexpected end of data: expected CSV"),
    ("a.csv", b"id,label\n\xff\xfe,1\n", "a.csv is no UTF-8 text (byte 9): expected CSV or JSONL saved as UTF-8"),
    ("a.txt", "0 1", "a.txt is no label file: expected a name that ends in .csv or .jsonl"),
    ("a.jsonl", '{"id": 0, "label": 1}\n{"id": 1 "label": 1}', "a.jsonl, line 2: no JSON (Expecting ',' delimiter"),
    ("a.jsonl", "[" * 100_000, "a.jsonl, line 1: no JSON ("),
    ("a.jsonl", "[0, 1]", "a.jsonl, line 1: '[0, 1]': expected an object like"),
    ("a.jsonl", '{"id": 0}', "a.jsonl, line 1: label is missing: expected -1, 0, 1"),
    ("a.jsonl", '{"id": 0, "label": true}', "a.jsonl, line 1: label is True: expected -1, 0, 1"),
    ("a.jsonl", '{"id": 0, "label": 1.0}', "a.jsonl, line 1: label is 1.0: expected -1, 0, 1"),
    ("a.jsonl", '{"id": true, "label": 1}', "a.jsonl, line 1: 'first' has no item True"),
    ("a.jsonl", '{"id": NaN, "label": 1}', "a.jsonl, line 1: 'first' has no item nan"),
    ("a.jsonl", '{"text": 5, "label": 1}', "a.jsonl, line 1: text is 5: expected words in quotes"),
    ("a.jsonl", '{"text": "\\ud800", "label": 1}', "a.jsonl, line 1: 'first' has no text '\\ud800'"),
]


@pytest.mark.parametrize("file, content, words", BAD_FILES, ids=range(len(BAD_FILES)))
def test_a_bad_file_is_refused_whole_in_one_line(
    store: Store, tmp_path: Path, file: str, content: str | bytes, words: str
) -> None:
    name, path = pool(store), tmp_path / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as found:
        import_labels(store, name, path, "ann")
    assert str(found.value).startswith(f"{tmp_path}/{words}") and "\n" not in str(found.value)
    assert store.events(name) == []


def test_a_file_that_is_not_there_and_raters_who_may_not_import(store: Store, tmp_path: Path) -> None:
    name, path = pool(store), tmp_path / "a.csv"
    with pytest.raises(InputError, match=r"a\.csv cannot be read: No such file"):
        import_labels(store, name, path, "ann")
    path.write_text("id,label\n0,1\n")
    with pytest.raises(InputError, match="a rater needs a name"):
        import_labels(store, name, path, " ")
    label_with(store, name, make("counter"), np.random.default_rng(0))
    with pytest.raises(InputError, match="'counter' is a simulated rater of 'first': label under another name"):
        import_labels(store, name, path, "counter")
    with pytest.raises(InputError, match="no pool or sheet is called 'frst'"):
        import_labels(store, "frst", path, "ann")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 4), st.sampled_from([-1, 0, 1, None]))))
def test_values_are_those_that_stand_on_what_both_have_judged(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, int, int | None]]
) -> None:
    with open_store(tmp_path_factory.mktemp("both")) as store:
        create_pool(store, "pool", [Text(f"text {k}", (k,), "base") for k in range(5)], seed=1)
        for who, number, value in said:
            if value is None:
                store.undo("pool", who)
            else:
                store.judge("pool", number, who, value)
        stand = {who: {j.number: j.value for j in store.current("pool", who)} for who in ("ann", "bob")}
        both = sorted(stand["ann"].keys() & stand["bob"].keys())
        found = between(store, "pool", "ann", "bob")
        assert found.n == len(both)
        if both:
            assert found.share == np.mean([stand["ann"][n] == stand["bob"][n] for n in both])
        for one, two in (("ann", "bob"), ("bob", "ann")):
            judged = {number for who, number, value in said if who == two and value is not None}
            assert store.values("pool", one, two) == {n: v for n, v in stand[one].items() if n in judged}


def test_agreement_reads_nothing_of_what_another_alone_has_labelled(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_pool(store, "large", [Text(f"text {k}", (k,), "base") for k in range(100)], seed=1)
    store.judge_all("large", "bot", [(k, k % 3 - 1) for k in range(100)])
    store.judge_all("large", "ann", [(k, 1) for k in range(3)])
    monkeypatch.setattr(type(store), "current", lambda *_: pytest.fail("all labels were read"))
    assert len(store.values("large", "bot", "ann")) == 3
    found = between(store, "large", "ann", "bot")
    assert (found.n, found.share) == (3, 1 / 3)
