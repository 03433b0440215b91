"""What command line and app share to enter and clone runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab.launch import check_parent, cloned, enter, go_on, length_for
from rlhf_lab.runs import before_the_stop, listed, marks
from tests.lab.pages.visit import finished, note_starts


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def model(home: Path, name: str, **meta: Any) -> None:
    folder = home / "runs" / name / "model"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"check": "", "meta": meta}))


@pytest.mark.parametrize(("kind", "context", "length"), [("word", 32, 24), ("bpe", 64, 48), ("char", 20, 19)])
def test_a_raters_policy_writes_as_much_as_suits_the_tokens(
    tmp_path: Path, kind: str, context: int, length: int
) -> None:
    model(tmp_path, "base", tokenizer={"kind": kind}, shape={"context": context})
    assert length_for(tmp_path, "base", "rater:careful") == length


def test_a_model_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rm/model/meta\.json cannot be read"):
        length_for(tmp_path, "base", "rm")


def test_parents_are_looked_at_before_anything_is_entered(tmp_path: Path, store: Store) -> None:
    finished(store, tmp_path, "base", "pretrain")
    store.create_run("young", "pretrain", {}, {})
    with pytest.raises(InputError, match="'young' is new, not done"):
        enter(store, tmp_path, "reward", "rm", {"pool": "p"}, {"base": "young"})
    with pytest.raises(InputError, match="'base' is a pretrain run; --reward names a reward run"):
        enter(store, tmp_path, "ppo", "policy", {}, {"base": "base", "reward": "base"})
    with pytest.raises(InputError, match="rater:noisy would be rater:careful: noisy differs in the labels"):
        enter(store, tmp_path, "ppo", "policy", {}, {"base": "base", "reward": "rater:noisy"})
    assert len(store.runs()) == 2
    run = enter(store, tmp_path, "reward", "rm", {"pool": "p"}, {"base": "base"})
    assert run.config["pool"] == "p" and run.config["epochs"] == 10  # all, whatever the defaults become
    check_parent("base", finished(store, tmp_path, "other", "pretrain"))


def test_a_clone_keeps_the_length_and_a_bad_change_enters_nothing(tmp_path: Path, store: Store) -> None:
    finished(store, tmp_path, "policy", "ppo", {"base": "base"})
    run = cloned(store, tmp_path, "policy", "again", {"length": 0, "seed": 4})
    assert (run.config["length"], run.config["seed"], run.parents) == (24, 4, {"base": "base"})
    with pytest.raises(InputError, match="must hold whole minibatches"):
        cloned(store, tmp_path, "policy", "third", {"minibatch": 100})
    assert len(store.runs()) == 2


def test_what_is_done_is_not_done_again(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = note_starts(monkeypatch)
    with pytest.raises(InputError, match="'base' is done"):
        go_on(finished(store, tmp_path, "base", "pretrain"))
    assert not noted.runs


def test_a_list_says_what_each_summary_says(tmp_path: Path, store: Store) -> None:
    finished(store, tmp_path, "one", "pretrain")
    store.record("one", [("validation/nats_per_character", step, 1 / (1 + step)) for step in (0, 5, 9)])
    store.record("one", [("train/loss", 12, 3.0)])
    store.create_run("two", "ppo", {}, {})
    two, one = listed(store, tmp_path)
    assert (two.row.name, two.state, two.headline) == ("two", "new", {})
    assert (one.state, one.headline) == ("done", {"validation/nats_per_character": 0.1})


def test_the_last_checkpoint_before_the_stop(tmp_path: Path, store: Store) -> None:
    run = finished(store, tmp_path, "policy", "ppo")
    assert marks(run) == [] and before_the_stop(run) is None
    for step, nats in ((0, 0.0), (4, 9.9), (6, 10.1), (7, 9.0)):
        (run.folder / "checkpoints" / f"{step:06}").mkdir(parents=True)
        store.record("policy", [("kl/exact", step, nats)])
    assert marks(run) == [(0, 0.0), (4, 9.9), (6, 10.1), (7, 9.0)]
    assert before_the_stop(run) == 4
