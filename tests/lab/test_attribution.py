"""What tokens add, by one forward pass, against the reward of every beginning asked for by itself."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints, raters
from rlhf_lab.attribution import added, of_text
from rlhf_lab.attribution import closeup as look
from rlhf_lab.bag_of_words import Words, key_of
from rlhf_lab.closeups import Ask, load_closeup
from rlhf_lab.evaluated import load_evaluation
from rlhf_lab.models import load_model
from rlhf_lab.reward_model import Head, RewardModel, load_reward
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer
from tests.lab.test_cli import PPO, refused, said
from tests.lab.test_cli import told as answered

TEXT = (
    "I have joy and no grief.\nI have lost bliss, joyless.\n\nThe day's plain; I'm merry!\n\nHeart-sick, O joy.\n" * 3
)


def learned(kind: str) -> tuple[Words, Tokenizer]:
    """A bag of words, and parts of words, that has an opinion on each."""
    tokenizer = Tokenizer.train(kind, TEXT, size=None if kind == "char" else 60)
    words = Words(tokenizer)
    known = sorted(
        {key_of(w) for w in ("i", "joy", "jo", "joyless", "grief", "day", "days", "have", "a", "merry", "o")}
    )
    words.learn(np.array(known), np.linspace(-1, 2, len(known)))
    return words, tokenizer


def rows(tokenizer: Tokenizer) -> torch.Tensor:
    """Real texts, and tokens in no order."""
    real = torch.tensor([[0, *tokenizer.encode(TEXT)[k : k + 15]] for k in (0, 3, 7)])
    noise = torch.randint(tokenizer.size, (5, 15), generator=torch.Generator().manual_seed(0))
    return torch.cat([real, torch.cat([torch.zeros(5, 1, dtype=torch.long), noise], 1)])


@pytest.mark.parametrize("kind", ["word", "bpe", "char"])
def test_words_of_every_beginning_are_those_of_the_beginning_alone(kind: str) -> None:
    words, tokenizer = learned(kind)
    tokens = rows(tokenizer)
    alone = torch.stack([words(tokens[:, : t + 1]) for t in range(tokens.shape[1])], 1)
    assert alone.unique().numel() > 5
    torch.testing.assert_close(words.prefixes(tokens), alone)


@pytest.mark.parametrize("kind", ["word", "bpe"])
@pytest.mark.parametrize("head", ["last", "every", "pooled"])
@pytest.mark.parametrize("scale", [0.0, 0.7])
def test_the_reward_of_every_beginning_is_that_of_the_beginning_alone(head: Head, kind: str, scale: float) -> None:
    words, tokenizer = learned(kind)
    generator = torch.Generator().manual_seed(1)
    trunk = Transformer(Shape(tokenizer.size, 16, 2, 2, 8), generator)
    torch.nn.init.normal_(trunk.embedding.weight, generator=generator)
    model = RewardModel(trunk, head, words if head == "pooled" else None).double().requires_grad_(False)
    model.trunk_scale.fill_(scale)
    model.word_scale.fill_(1.3)
    model.intercept.fill_(-0.4)
    tokens = rows(tokenizer)
    found = model.prefixes(tokens)
    alone = torch.stack([model.logit(tokens[:, : t + 1]) for t in range(tokens.shape[1])], 1)
    torch.testing.assert_close(found, alone)
    torch.testing.assert_close(added(found).sum(1) + found[:, 0], model.logit(tokens))


@pytest.mark.parametrize("kind", ["word", "bpe", "char"])
def test_spans_joined_are_the_text(kind: str) -> None:
    tokenizer = Tokenizer.train(kind, TEXT, size=None if kind == "char" else 60)
    for row in rows(tokenizer)[:, 1:].tolist():
        spans = tokenizer.spans(row)
        assert len(spans) == len(row)
        assert "".join(spans) == tokenizer.decode(row)
    with pytest.raises(ValueError, match="is none of the"):
        tokenizer.spans([tokenizer.size])


@pytest.fixture(scope="module")
def policy(made: Path) -> Any:
    with open_store(made) as store:
        yield jobs.open_run(store, made, "policy")


def test_a_closeup_agrees_with_both_models_asked_token_by_token(policy: Any) -> None:
    found = load_closeup(look(policy, Ask("I have", 3, 2)))
    assert found is not None
    runs = policy.folder.parent
    base, _ = load_model(runs / "base" / "model")
    reward, _ = load_reward(runs / "rm" / "model")
    folders = sorted((policy.folder / "checkpoints").iterdir())
    assert [each["iteration"] for each in found["checkpoints"]] == [int(f.name) for f in folders]
    assert all(r == 0 for text in found["checkpoints"][0]["texts"] for r in text["ratio"])
    last, _ = load_model(folders[-1])
    assert any(r != 0 for r in found["checkpoints"][-1]["texts"][0]["ratio"])
    for text in found["checkpoints"][-1]["texts"]:
        assert "".join(text["pieces"]).startswith("I have")
        assert len(text["pieces"]) == policy.config["length"]
        tokens = [0, *base.tokenizer.encode("I have")]
        assert found["given"] == 2
        # the tokens are found again from the pieces, which the word tokenizer spells each in one way
        tokens = [0, *(base.tokenizer.pieces.index(piece.removeprefix(" ") or piece) for piece in text["pieces"])]
        row = torch.tensor([tokens])
        with torch.no_grad():
            p, q = (torch.log_softmax(m.model(row), -1)[0].double() for m in (last, base))
            beginnings = [float(reward.logit(row[:, :end])) for end in range(1, len(tokens) + 1)]
        ratio = [float(p[t - 1, k] - q[t - 1, k]) for t, k in enumerate(tokens) if t]
        assert text["ratio"] == pytest.approx(ratio, abs=2e-3)
        assert text["adds"] == pytest.approx([b - a for a, b in pairwise(beginnings)], abs=2e-3)
        assert text["reward"] == pytest.approx(beginnings[-1], abs=2e-3)
        assert found["empty"] == pytest.approx(beginnings[0], abs=2e-3)


def test_a_closeup_is_named_by_what_is_asked_and_the_same_again(policy: Any) -> None:
    file = look(policy, Ask("I have", 3, 2))
    before = file.read_bytes()
    assert look(policy, Ask("I have", 3, 2)) == file and file.read_bytes() == before
    others = {Ask("I have", 4, 2).key, Ask("I had", 3, 2).key, Ask("I have", 3, 3).key, Ask().key}
    assert len(others | {file.stem}) == 5
    assert load_closeup(file.with_name("gone.json")) is None
    file.with_name("torn.json").write_bytes(before[:100])
    assert load_closeup(file.with_name("torn.json")) is None


def test_what_cannot_be_looked_at_is_refused_in_words(policy: Any, made: Path) -> None:
    with pytest.raises(InputError, match="type less"):
        look(policy, Ask("I " * 40))
    assert "a closeup is of the checkpoints of a ppo run" in refused(made, "closeup", "base")


def test_a_negative_run_is_seen_in_its_own_target(made: Path) -> None:
    said(made, "ppo", "twin", "--base", "base", "--reward", "rm", "--target", "negative", *PPO)
    twin, ours = (answered(made, "closeup", name, "--count", "2") for name in ("twin", "policy"))
    first, second = twin["checkpoints"][0]["texts"], ours["checkpoints"][0]["texts"]  # of the same original model
    assert [t["pieces"] for t in first] == [t["pieces"] for t in second]
    assert first[0]["adds"] == pytest.approx([-value for value in second[0]["adds"]])
    assert (twin["target"], twin["empty"]) == ("negative", pytest.approx(-ours["empty"]))
    said(made, "delete", "twin")


def test_a_rater_as_reward_is_asked_for_every_beginning(made: Path) -> None:
    said(made, "ppo", "control", "--base", "base", "--reward", "rater:counter", "--length", "10", *PPO)
    found = answered(made, "closeup", "control", "--count", "2")
    rater = raters.make("counter")
    for text in found["checkpoints"][-1]["texts"]:
        scores = rater.score(["".join(text["pieces"][:end]) for end in range(11)])
        assert text["adds"] == pytest.approx(np.diff(scores).tolist(), abs=1e-3)
    said(made, "delete", "control")


def test_a_text_of_ones_own(made: Path) -> None:
    model, meta = load_reward(made / "runs" / "rm" / "model")
    tokenizer = Tokenizer.from_json(meta["tokenizer"])
    found = of_text(model, tokenizer, "I have lost joy.")
    assert "".join(found["pieces"]) == "I have lost joy."
    tokens = torch.tensor([[0, *tokenizer.encode("I have lost joy.")]])
    assert found["reward"] == pytest.approx(float(model.logit(tokens)), abs=1e-5)
    assert sum(found["adds"]) + found["empty"] == pytest.approx(found["reward"], abs=1e-5)
    with pytest.raises(InputError, match="type a few words"):
        of_text(model, tokenizer, "")
    with pytest.raises(InputError, match="shorten it"):
        of_text(model, tokenizer, "joy " * 60)


def test_an_evaluation_is_read_alike_with_and_without_pytorch(made: Path) -> None:
    folder = made / "runs" / "policy" / "evaluation"
    tensors, meta = checkpoints.load(folder)
    found = load_evaluation(folder)
    assert found.texts == meta["texts"]
    for name in ("kl", "proxy", "gold", "second", "well_formed", "steps"):
        np.testing.assert_array_equal(getattr(found.curve, name), tensors[name].numpy())


def test_the_pages_that_only_show_load_no_pytorch() -> None:
    code = "import sys, rlhf_lab.evaluated, rlhf_lab.closeups, rlhf_lab.plotted, rlhf_lab.findings; "
    code += "print(json.dumps([m for m in ('torch', 'sklearn', 'matplotlib') if m in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []
