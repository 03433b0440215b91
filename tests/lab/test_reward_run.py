"""A reward run: what it learns from, what it leaves behind, and that it goes on to the same bits after a stop."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import raters
from rlhf_lab.bag_of_words import BagOfWords
from rlhf_lab.labels import Text, create_pool, label_with
from rlhf_lab.models import LanguageModel, digest, load_model, save_model
from rlhf_lab.reward_labels import split
from rlhf_lab.reward_model import load_reward
from rlhf_lab.reward_run import estimate, labelled, logits, reward
from rlhf_lab.reward_settings import RewardConfig
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

WORDS = "joy bliss mirth grief woe sorrow the a of day not night king .\n"
QUICK = RewardConfig(pool="pool", epochs=3, batch=16, save_every=0.0, threads=1, precision="fp32")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def prepared(store: Store, home: Path, count: int = 80, neutral: bool = False) -> Run:
    """A base model that was never trained, and a pool of random words labelled by who counts them."""
    run = jobs.create(store, home, "base", "pretrain", {}, {})
    tokenizer = Tokenizer.train("word", WORDS)
    model = Transformer(Shape(tokenizer.size, 12, 1, 2, 16), torch.Generator().manual_seed(0))
    jobs.execute(run, lambda r: save_model(r.folder / "model", LanguageModel(model, tokenizer)))
    rows = np.random.default_rng(0).integers(5, tokenizer.size, size=(count, 8)).tolist()
    create_pool(store, "pool", [Text(tokenizer.decode(row), tuple(row), "base") for row in rows], seed=0)
    rater = raters.make("counter", temperature=0.0, neutral=0.5 if neutral else None)
    label_with(store, "pool", rater, np.random.default_rng(0))
    return run


def start(store: Store, home: Path, name: str, **changes: Any) -> Run:
    return jobs.create(store, home, name, "reward", vars(QUICK) | changes, {"base": "base"})


def work(run: Run) -> None:
    reward(RewardConfig(**run.config), run)


def bits(run: Run) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Metrics, the hash of the weights, and all that is told of the model but the run's name."""
    model, meta = load_reward(run.folder / "model")
    return run.metrics(), digest(model), {key: value for key, value in meta.items() if key != "run"}


def stop_after(run: Run, steps: int) -> None:
    seen = 0

    def tell(done: float, total: float, words: str) -> None:
        nonlocal seen
        seen += 1
        run.signalled = seen == steps

    run.progress = tell  # type: ignore[method-assign]


@pytest.mark.parametrize("steps", [1, 5, 9, 11])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(store: Store, tmp_path: Path, steps: int) -> None:
    """Also if the pool gets further labels meanwhile: the run keeps those that it began with."""
    prepared(store, tmp_path)
    whole, stopped = start(store, tmp_path, "whole"), start(store, tmp_path, "stopped")
    assert jobs.execute(whole, work) == "done"
    stop_after(stopped, steps)
    assert jobs.execute(stopped, work) == "stopped"
    item = store.items("pool")[0]
    store.judge("pool", item.number, "somebody", 0)
    again = jobs.open_run(store, tmp_path, "stopped")
    assert jobs.execute(again, work) == "done"
    assert repr(bits(again)) == repr(bits(whole))  # repr: nan is itself


def test_the_evaluation_is_of_the_held_out_labels_beside_a_bag_of_words_from_the_others(
    store: Store, tmp_path: Path
) -> None:
    base = prepared(store, tmp_path, neutral=True)
    run = start(store, tmp_path, "reward", held_out=0.25)
    assert jobs.execute(run, work) == "done"
    model, meta = load_reward(run.folder / "model")
    data = labelled(store, RewardConfig(**run.config), load_model(base.folder / "model")[0])
    train, held = split(80, 0.25, 0)
    assert meta["trained_on"] == len(train) == 60 and meta["evaluation"]["count"] == len(held) == 20
    decided = data.targets[held] != 0.5
    baseline = BagOfWords([data.texts[i] for i in train], data.targets[train], np.random.default_rng(0))
    ours = {
        "model": logits(model, data.tokens[torch.from_numpy(held)]).numpy(),
        "baseline": baseline.logit([data.texts[i] for i in held]),
    }
    for role, logit in ours.items():
        right = np.mean((logit[decided] > 0) == (data.targets[held][decided] == 1))
        assert meta["evaluation"][role]["accuracy"]["value"] == pytest.approx(right)
        assert run.metrics()[f"{role}/accuracy"][-1][1] == pytest.approx(right)


def test_two_runs_can_learn_from_disjoint_labels_of_one_pool(store: Store, tmp_path: Path) -> None:
    base = prepared(store, tmp_path)
    language, _ = load_model(base.folder / "model")
    one = labelled(store, RewardConfig(pool="pool", labels=40), language)
    other = labelled(store, RewardConfig(pool="pool", first=40, labels=40), language)
    assert sorted([*one.numbers, *other.numbers]) == [item.number for item in store.items("pool")]
    assert (one.tokens[:, 0] == 0).all() and one.tokens.shape == (40, 9)
    assert set(one.targets) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"pool": ""}, "name the pool"),
        ({"pool": "pol"}, "pool"),
        ({"rater": "nobody"}, "no labels of 'nobody'"),
        ({"labels": 81}, "has 80 labelled texts, not the 81 that are asked for"),
        ({"first": 80}, "has 80 labelled texts, not the 81"),
        ({"labels": 20}, "16 labels to train on are too few"),
    ],
)
def test_labels_that_do_not_do_fail_the_run_with_a_line(
    store: Store, tmp_path: Path, changes: dict[str, Any], line: str
) -> None:
    prepared(store, tmp_path)
    run = start(store, tmp_path, "reward", **changes)
    assert jobs.execute(run, work) == "failed"
    assert line in store.run("reward").message
    assert not (run.folder / "model").exists() and not (run.folder / "labels").exists()


def test_texts_of_another_models_tokens_are_refused(store: Store, tmp_path: Path) -> None:
    prepared(store, tmp_path)
    tiny = Tokenizer.train("word", "a\n")
    language = LanguageModel(Transformer(Shape(tiny.size, 12, 1, 2, 16)), tiny)
    with pytest.raises(InputError, match="another model's tokens"):
        labelled(store, QUICK, language)
    short = LanguageModel(Transformer(Shape(99, 8, 1, 2, 16)), tiny)
    with pytest.raises(InputError, match="have 8 tokens"):
        labelled(store, QUICK, short)


def test_nothing_held_out_is_an_evaluation_of_nothing(store: Store, tmp_path: Path) -> None:
    prepared(store, tmp_path)
    run = start(store, tmp_path, "reward", held_out=0.0)
    assert jobs.execute(run, work) == "done"
    assert load_reward(run.folder / "model")[1]["evaluation"]["count"] == 0
    assert "model/accuracy" not in run.metrics()


def test_the_estimate_counts_the_steps_that_are_taken(store: Store, tmp_path: Path) -> None:
    base = prepared(store, tmp_path)
    found = estimate(QUICK, base)
    assert found.step > 0 and found.seconds == found.step * (3 * 64 // 16 + 3 * (3 * 43 // 16))


@pytest.mark.parametrize("head", ["last", "pooled"])
def test_the_estimate_of_a_training_of_few_steps_ends_with_it(store: Store, tmp_path: Path, head: str) -> None:
    base = prepared(store, tmp_path, count=25)
    found = estimate(replace(QUICK, head=head, epochs=1, batch=32), base)
    assert found.step > 0 and found.seconds == found.step * (4 if head == "pooled" else 1)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch": 0}, {"held_out": 1.0}, {"learning_rate": 0.0}, {"first": -1}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        RewardConfig(**wrong)
