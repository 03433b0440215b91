"""The reward model page without a browser: scores, one's own sentence, and what two models like."""

import shutil
from pathlib import Path

import pytest
import torch

from elk_sandbox.runtime.store import open_store
from rlhf_lab import checkpoints
from rlhf_lab.reward_evaluation import mean_interval
from rlhf_lab.reward_labels import split
from rlhf_lab.reward_model import load_reward
from rlhf_lab.tokenizer import Tokenizer
from tests.lab.look_pages.opening import charts, opened, tables, told


def test_scores_stand_beside_the_bag_of_words(home: Path) -> None:
    app = opened("reward", rm_run="rm")
    evaluation = load_reward(home / "runs" / "rm" / "model")[1]["evaluation"]
    shown = told(app)
    assert f"of {evaluation['model']['accuracy']['count']} labels held out" in shown
    assert "bag of words" in shown and "Spearman with the label" in shown
    scores, calibration = charts(app)
    assert str(evaluation["model"]["spearman"]["value"]) in scores
    for each in (*evaluation["reliability"], *evaluation["baseline_reliability"]):
        if each["count"]:
            low, _ = mean_interval(each["observed"], each["count"])
            assert str(each["predicted"]) in calibration and str(low) in calibration


def test_the_model_that_the_newest_policy_was_trained_on_is_shown_first(home: Path) -> None:
    assert opened("reward").selectbox(key="rm_run").value == "rm"  # though `pooled` is newer
    with open_store(home) as store:
        store.create_run("last", "ppo", {}, {"base": "base", "reward": "rater:counter"})
        assert opened("reward").selectbox(key="rm_run").value == "rm"
        store.create_run("another", "ppo", {}, {"base": "base", "reward": "pooled"})
    assert opened("reward").selectbox(key="rm_run").value == "pooled"
    assert opened("reward", rm_run="rm").selectbox(key="rm_run").value == "rm"


def test_the_highest_and_the_lowest_are_those_of_the_model(home: Path) -> None:
    model, meta = load_reward(home / "runs" / "rm" / "model")
    tensors, _ = checkpoints.load(home / "runs" / "rm" / "labels")
    score = model.logit(tensors["tokens"])
    tokenizer = Tokenizer.from_json(meta["tokenizer"])
    _, held = split(len(score), 0.2, 0)
    for end, order in (("Highest", score.argsort(descending=True)), ("Lowest", score.argsort())):
        (table,) = tables(opened("reward", rm_run="rm", rm_end=end))
        cells = [row["cells"][0] for row in table["rows"]]
        assert len(cells) == 5
        rewards = [float(cell["note"].split()[1].replace("\N{MINUS SIGN}", "-")) for cell in cells]
        assert rewards == pytest.approx(score[order[:5]].tolist(), abs=0.006)
        first = int(order[0])
        assert cells[0]["pieces"] == tokenizer.spans(tensors["tokens"][first, 1:].tolist())
        assert sum(cells[0]["values"][0]) == pytest.approx(
            float(score[first] - model.logit(torch.zeros(1, 1, dtype=torch.long))), abs=1e-4
        )
        label = {0.0: "negative", 0.5: "neutral", 1.0: "positive"}[float(tensors["targets"][first])]
        assert f"labelled {label}, {'held out' if first in held else 'trained on'}" in cells[0]["note"]


def test_ones_own_sentence_is_scored_by_both(home: Path) -> None:
    app = opened("reward", rm_run="rm", rm_beside="pooled", rm_text="I have joy, qqqq.")
    own, _ = tables(app)
    assert [c["title"] for c in own["columns"]] == ["rm", "pooled"]
    (row,) = own["rows"]
    for cell, name in zip(row["cells"], ("rm", "pooled"), strict=True):
        model, meta = load_reward(home / "runs" / name / "model")
        ids = Tokenizer.from_json(meta["tokenizer"]).encode("I have joy, qqqq.")
        reward = float(model.logit(torch.tensor([[0, *ids]])))
        assert cell["note"].startswith(f"reward {reward:.2f}, of which".replace("-", "\N{MINUS SIGN}"))
        assert "stands for what it never saw" in cell["note"]
        assert len(cell["values"][0]) == len(ids)
    app.text_input(key="rm_text").set_value("").run()
    assert len(tables(app)) == 1
    assert "see which words the reward comes from" in told(app)


def test_a_sentence_that_is_too_long_is_told(home: Path) -> None:
    app = opened("reward", rm_run="rm", rm_text="joy " * 60)
    assert "shorten it." in told(app)
    assert len(tables(app)) == 1


def test_a_model_that_was_altered_is_told(home: Path) -> None:
    file = home / "runs" / "rm" / "model" / "tensors.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    (error,) = [e.value for e in opened("reward", rm_run="rm").error]
    assert "cannot be read" in error


def test_an_empty_workspace_says_what_will_be_here(home: Path) -> None:
    shutil.rmtree(home)
    assert "learns from labels" in told(opened("reward"))
