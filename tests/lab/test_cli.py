"""The command line from an empty folder on: each step by itself, with a model too small to be good, and bad input."""

import io
import json
import os
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import sampling
from rlhf_lab.__main__ import main
from rlhf_lab.commands import stages
from rlhf_lab.ppo_run import policies
from rlhf_lab.stage import corpus_text

SMALL = shlex.split("--steps 30 --layers 1 --heads 2 --width 16 --batch 8 --context 32 --validate-every 30 --threads 1")
PPO = shlex.split("--iterations 3 --batch 32 --minibatch 16 --constants 64 --learning-rate 0.01 --warmup 1 --threads 1")


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def call(home: Path, *words: str, given: str = "") -> Done:
    """The command line in this process, so that PyTorch is imported once."""
    written, told = io.StringIO(), io.StringIO()
    changed = {"ELK_SANDBOX_HOME": str(home), "USER": "ann", "LOGNAME": "ann"}
    with (
        mock.patch.dict(os.environ, changed),
        mock.patch.object(sys, "argv", ["rlhf-lab", *words]),
        mock.patch.object(sys, "stdin", io.StringIO(given)),
        redirect_stdout(written),
        redirect_stderr(told),
    ):
        try:
            main()
        except SystemExit as ended:
            return Done(int(ended.code or 0), written.getvalue(), told.getvalue())
    return Done(0, written.getvalue(), told.getvalue())


def said(home: Path, *words: str, given: str = "") -> str:
    done = call(home, *words, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(home: Path, *words: str) -> Any:
    def no_nan(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(said(home, *words, "--json"), parse_constant=no_nan)


def refused(home: Path, *words: str) -> str:
    """The one line that a mistake gets."""
    done = call(home, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a base model, a labelled pool, a reward model and a policy."""
    folder = tmp_path_factory.mktemp("lab")
    text = folder / "stage.txt"
    text.write_text(corpus_text(0, 60_000))
    assert "done" in said(folder, "pretrain", "base", "--corpus", str(text), "--tokenizer", "word", *SMALL)
    said(folder, "sample", "base", "--count", "60", "--pool", "first", "--snippets", "0.2")
    said(folder, "label", "first", "--simulate", "counter")
    said(folder, *shlex.split("reward rm --base base --pool first --head every --epochs 2 --threads 1"))
    said(folder, "ppo", "policy", "--base", "base", "--reward", "rm", *PPO)
    return folder


def test_list_and_show_tell_what_is_there(home: Path) -> None:
    listed = told(home, "list")
    kinds = {r["name"]: (r["kind"], r["state"]) for r in listed["runs"]}
    assert kinds == {"base": ("pretrain", "done"), "rm": ("reward", "done"), "policy": ("ppo", "done")}
    assert {"name": "first", "kind": "pool", "texts": 75, "judged": 75} in listed["collections"]
    shown = told(home, "show", "policy")
    assert shown["parents"] == {"base": "base", "reward": "rm"}
    assert shown["metrics"]["kl/exact"]["step"] == 3
    assert "policy" in said(home, "list") and "kl/exact" in said(home, "show", "policy")


def test_a_beginning_is_continued_at_every_checkpoint(home: Path) -> None:
    found = told(home, "complete", "policy", "--prefix", "I have ")["continued"]
    assert (found[0]["iteration"], found[0]["kl"]) == (0, 0)
    assert "I have" in said(home, "complete", "base", "--prefix", "I have ", "--length", "5")


def test_evaluate_report_and_best_of_n(home: Path) -> None:
    small = ("--completions", "40", "--pool", "200")
    found = told(home, "evaluate", "policy", *small)
    rows = {row["checkpoint"]: row for row in found["checkpoints"]}
    assert rows["original"]["kl"] == 0
    assert rows["end"]["kl"] > 0
    page = Path(found["files"][-1])
    assert page.name == "report.html"
    assert found["headline"] in page.read_text()
    assert all(Path(file).stat().st_size > 1000 for file in found["files"])
    best = told(home, "best-of-n", "policy")
    assert best["sizes"][0] == 1 and best["kl"][0] == 0
    assert best["proxy"] == sorted(best["proxy"])
    assert found["headline"] in " ".join(said(home, "report", "policy").split())  # whose lines are wrapped


def test_a_policy_writes_as_much_as_its_reward_model_has_read(home: Path) -> None:
    said(home, "sample", "base", "--count", "80", "--length", "9", "--pool", "short")
    said(home, "label", "short", "--simulate", "counter")
    said(home, *shlex.split("reward brief --base base --pool short --head every --epochs 1 --threads 1"))
    said(home, "ppo", "terse", "--base", "base", "--reward", "brief", *PPO)
    assert told(home, "show", "terse")["settings"]["length"] == 9
    said(home, "delete", "terse")
    said(home, "delete", "brief")


def test_clone_diff_resume_and_delete(home: Path) -> None:
    said(home, "clone", "policy", "other", "--set", "learning_rate=0.02", "--set", "iterations=1")
    differ = told(home, "diff", "policy", "other")
    assert differ["settings"] == {"learning_rate": [0.01, 0.02], "iterations": [3, 1]}
    assert differ["parents"] == {}
    assert "is done" in refused(home, "resume", "other")
    assert "is not running" in said(home, "stop", "other")
    assert "built on" in refused(home, "delete", "rm")
    said(home, "delete", "other")
    assert "other" not in {r["name"] for r in told(home, "list")["runs"]}


def test_labelling_by_lines_goes_on_and_comes_back_from_a_file(home: Path, tmp_path: Path) -> None:
    said(home, "sample", "base", "--count", "4", "--pool", "mine")
    assert "2 of 4" in said(home, "label", "mine", given="3\n1\nu\n2\nq\n")
    assert "4 of 4" in said(home, "label", "mine", given="p\nn\n")
    file = tmp_path / "labels.csv"
    assert "4 rows" in said(home, "label", "mine", "--export", str(file))
    assert "4 labels of bob are new" in said(home, "label", "mine", "--from", str(file), "--rater", "bob")
    file.write_text(file.read_text().replace("positive", "glad").replace(",1,", ",glad,"))
    assert "glad" in refused(home, "label", "mine", "--from", str(file), "--rater", "eve")


def test_a_blind_sheet_hides_the_arms_until_all_is_rated(home: Path) -> None:
    assert "Mann-Whitney" in said(home, "blind", "make", "sheet", "policy", "--n", "5")
    said(home, "blind", "rate", "sheet", given="1\nq\n")
    assert "left" in refused(home, "blind", "result", "sheet")
    said(home, "blind", "rate", "sheet", "--simulate", "careful")
    assert "left" in refused(home, "blind", "result", "sheet", "--rater", "careful")
    assert "simulated" in refused(home, "blind", "result", "sheet", "--rater", "careful", "--viewer", "careful")
    found = told(home, "blind", "result", "sheet", "--rater", "careful", "--force")
    assert found["rated"] == {"original": 5, "trained": 5}
    assert not found["broken"]
    assert 0 <= found["comparisons"][0]["fisher"] <= 1


def test_who_looks_at_a_friends_result_first_has_broken_her_own_blind(home: Path) -> None:
    said(home, "blind", "make", "friends", "policy", "--n", "3")
    said(home, "blind", "rate", "friends", "--rater", "bob", given="1\n" * 6)
    assert not told(home, "blind", "result", "friends", "--rater", "bob")["broken"]
    said(home, "blind", "rate", "friends", given="3\n" * 6)
    assert told(home, "blind", "result", "friends")["broken"]


def test_a_pool_that_repeats_another_says_so_and_most_of_it_may_be_snippets(home: Path) -> None:
    done = call(home, "sample", "base", "--count", "60", "--pool", "again")
    assert done.returncode == 0 and "60 texts of 'first' are among these" in done.stderr
    done = call(home, "sample", "base", "--count", "20", "--seed", "9", "--pool", "most", "--snippets", "0.75")
    assert done.returncode == 0 and not done.stderr
    with open_store(home) as store:
        assert len(store.items("most")) == 80


def test_a_blind_sheet_is_not_of_the_original_model_twice(home: Path) -> None:
    with mock.patch.object(sampling, "policies", lambda run: policies(run)[:1]):
        assert "has but one checkpoint" in refused(home, "blind", "make", "twice", "policy")


def test_estimates_are_given(home: Path) -> None:
    assert (
        told(home, "estimate", "pretrain", "--set", "steps=50", "--set", "width=16", "--set", "heads=2")["seconds"] > 0
    )
    assert told(home, "estimate", "ppo", "--base", "base", "--set", "batch=32", "--set", "minibatch=16")["step"] > 0
    assert told(home, "estimate", "reward", "--base", "base", "--set", "pool=first")["seconds"] > 0
    found = told(home, "estimate", "evaluate", "--base", "policy", "--second", "rm")
    with open_store(home) as store:
        steps = len(policies(Run(store, home, store.run("policy"))))
    assert found["seconds"] == pytest.approx(found["step"] * (steps + 8192 / 1000)) and found["step"] > 0
    assert found["words"].endswith(f"a pool of 8192 completions and {steps} checkpoints of 1000")


@pytest.mark.parametrize(
    "words, line",
    [
        ("pretrain base", "exists"),
        ("pretrain a/b", "a/b"),
        ("pretrain x --corpus no/such/file.txt", "no/such/file.txt"),
        ("pretrain x --tokenizer syllable", "auto, char, word, bpe"),
        ("pretrain x --width 30 --heads 4", "heads divide"),
        *(
            (f"{words} --device cuda", "offers no CUDA device")
            for words in ("pretrain x", "demo", "evaluate policy", "sample base", "complete policy --prefix hello")
            if not torch.cuda.is_available()
        ),
        ("pretrain x --documents -0.5", "documents is -0.5"),
        ("pretrain x --dropout -0.5", "dropout is -0.5"),
        ("pretrain x --weight-decay -2", "weight_decay is -2"),
        ("reward x --base base", "--pool"),
        ("reward x --base rater:careful --pool first", "rater:careful"),
        ("reward x --base base --pool nowhere", "nowhere"),
        ("reward x --base policy --pool first", "names a pretrain run"),
        ("reward x --base base --pool first --labels 5", "label"),
        ("ppo x --base base --reward base", "names a reward run"),
        ("ppo x --base base --reward rater:nobody", "nobody"),
        ("ppo x --base base --reward rm --batch 100 --minibatch 64", "whole minibatches"),
        ("ppo x --base base --reward rm --length 40", "--length"),
        ("ppo x --base base --reward rm --length 20", "learned from texts of 24 tokens: say --length 24"),
        ("ppo x --base base --reward rm --length -1", "length is -1"),
        ("ppo x --base base --reward rm --epochs 0", "epochs is 0"),
        ("ppo x --base base --reward rm --batch 0", "batch is 0"),
        ("ppo x --base base --reward rm --minibatch 0", "minibatch is 0"),
        ("ppo x --base rater:careful --reward rm", "rater:careful"),
        ("ppo x --base bose --reward rm", "did you mean"),
        ("evaluate base", "pretrain run"),
        ("evaluate policy --gold silver", "silver"),
        ("complete policy --prefix hello --length 99", "do not fit"),
        ("sample policy --checkpoint 77", "77"),
        ("sample base --pool first", "exists"),
        ("label first --simulate careles", "careful"),
        ("label first --simulate counter --set slipp=1", "slip"),
        ("clone policy y --set lerning_rate=1", "learning_rate"),
        ("diff policy nothing", "nothing"),
        ("blind result nothing", "nothing"),
        ("blind make s rm", "'rm' is a reward run"),
        ("blind make s base", "'base' is a pretrain run"),
        ("blind make s policy --twin base", "'base' is a pretrain run"),
        ("estimate reward", "--base"),
        ("estimate reward --base base", "--set pool=NAME"),
        ("estimate pretrain --base base", "builds on nothing"),
        ("estimate evaluate", "--base names the ppo run"),
        ("estimate evaluate --base base", "'base' is a pretrain run"),
        ("estimate evaluate --base policy --second base", "--second names a reward run"),
        ("estimate evaluate --base policy --set steps=3", "leave out --set"),
        ("estimate ppo --base base --second rm", "of evaluate alone"),
        ("clone policy y --set epochs", "epochs=1"),
        ("clone policy y --set epochs=abc", "epochs is a whole number"),
        ("evaluate policy --second base", "--second names a reward run"),
        ("evaluate policy --second rm", "the policy was trained on 'rm'"),
        ("ppo x --base base --reward rm --kl-stop nan", "kl_stop is nan"),
        ("ppo x --base base --reward rm --spacing inf", "spacing is inf"),
        ("ppo x --base base --reward rm --clip 1", "clip is 1.0"),
        ("ppo x --base base --reward rm --kl-penalty -1", "kl_penalty is -1.0"),
        ("ppo x --base base --reward rm --seed -1", "seed is -1"),
        ("ppo x --base base --reward rater:noisy", "say --reward rater:careful"),
        ("demo --rater nobody", "nobody"),
    ],
)
def test_a_mistake_gets_one_line_that_helps_and_leaves_no_half_run(home: Path, words: str, line: str) -> None:
    done = refused(home, *words.split())
    assert line in done
    assert len(done.splitlines()) == 1
    assert {r["name"]: r["state"] for r in told(home, "list")["runs"]} == dict.fromkeys(
        ("base", "rm", "policy"), "done"
    )


def test_the_corrected_command_has_the_name_that_a_mistake_had(home: Path) -> None:
    wrong = refused(home, "reward", "again", "--base", "base", "--pool", "first", "--labels", "5")
    assert "too few" in wrong and "nothing of it is kept" in wrong
    right = shlex.split("reward again --base base --pool first --head every --epochs 1 --threads 1")
    assert "done" in said(home, *right)
    said(home, "delete", "again")


@pytest.mark.parametrize("part", ["checkpoints", "resume", "model"])
def test_a_run_that_failed_is_kept_if_it_can_be_gone_on_with(home: Path, part: str) -> None:
    def fail(run: Run) -> None:
        (run.folder / part / "one").mkdir(parents=True)
        raise InputError("the disk is full")

    with mock.patch.object(stages, "work", fail):
        assert refused(home, "pretrain", "halfway") == "halfway failed: the disk is full"
    assert told(home, "show", "halfway")["state"] == "failed"
    said(home, "delete", "halfway")


def test_a_run_that_failed_by_a_mistake_of_ours_keeps_its_traceback(home: Path) -> None:
    with mock.patch.object(stages, "work", lambda run: 1 / 0):
        assert "traceback: " in refused(home, "pretrain", "broken")
    assert any("ZeroDivisionError" in line for line in told(home, "show", "broken")["log"])
    said(home, "delete", "broken")
