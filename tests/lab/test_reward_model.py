"""Heads and losses against float64 by hand, words against decoded text, and that a head learns a rule."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints
from rlhf_lab.bag_of_words import Words, key_of
from rlhf_lab.models import LanguageModel, save_model
from rlhf_lab.reward_model import Head, RewardModel, constants, load_reward, loss, save_reward
from rlhf_lab.tokenizer import Kind, Tokenizer
from rlhf_lab.transformer import Shape, Transformer

TEXT = (
    "I have joy and no grief.\nI have lost bliss.\n\nThe day is plain, and I am merry.\n\nMy heart is full of sorrow.\n"
    * 3
)
HEADS: tuple[Head, ...] = ("last", "every", "pooled")


def model(head: Head, seed: int = 0, vocabulary: int = 7) -> RewardModel:
    """In float64, with label rows that have an opinion."""
    generator = torch.Generator().manual_seed(seed)
    trunk = Transformer(Shape(vocabulary, 8, 2, 2, 8), generator)
    torch.nn.init.normal_(trunk.embedding.weight, generator=generator)
    words = Words(Tokenizer.train("word", "a b c d e f g\n", size=vocabulary)) if head == "pooled" else None
    return RewardModel(trunk, head, words).double()


def batch(seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.randint(7, (6, 8), generator=torch.Generator().manual_seed(seed))
    return tokens, torch.tensor([0.0, 0.5, 1.0, 1.0, 0.5, 0.25], dtype=torch.float64)


def nats(logits: np.ndarray, target: float) -> float:
    """Cross-entropy of one position by hand, between the label tokens: the last two of the vocabulary."""
    happy, sad = logits[-2:] - np.log(np.sum(np.exp(logits[-2:])))
    return float(-target * happy - (1 - target) * sad)


@pytest.mark.parametrize("head", HEADS)
def test_the_loss_is_the_one_computed_by_hand_in_float64(head: Head) -> None:
    reward, (tokens, targets) = model(head), batch()
    features = reward.trunk.features(tokens).detach().numpy()
    logits = features @ reward.trunk.embedding.weight.detach().numpy().T
    rows = []
    for row, target in zip(logits, targets.tolist(), strict=True):
        if head == "last":
            rows.append(nats(row[-1], target))  # all other positions are masked
        elif head == "every":
            rows.append(0.5 * nats(row[-1], target) + 0.5 * np.mean([nats(at, target) for at in row[1:]]))
        else:
            odds = sum(at[-2] - at[-1] for at in row[1:])
            rows.append(target * np.log1p(np.exp(-odds)) + (1 - target) * np.log1p(np.exp(odds)))
    assert loss(reward, tokens, targets).item() == pytest.approx(np.mean(rows), rel=1e-6)


def test_only_the_last_position_reaches_the_loss_of_the_exercise() -> None:
    reward, (tokens, targets) = model("last"), batch()
    features = reward.trunk.features(tokens).detach().requires_grad_()
    reward.trunk.features = lambda tokens: features  # type: ignore[method-assign]
    loss(reward, tokens, targets).backward()
    assert features.grad is not None
    reached = features.grad.abs().sum((0, 2)) > 0
    assert reached.tolist() == [False] * 7 + [True]


@pytest.mark.parametrize("head", HEADS)
def test_the_logit_is_that_of_the_two_labels_alone_and_turns_with_them(head: Head) -> None:
    reward, (tokens, _) = model(head), batch()
    logit = reward.logit(tokens)
    if head != "pooled":
        labels = (reward.trunk.features(tokens)[:, -1] @ reward.trunk.embedding.weight.T)[:, -2:]
        torch.testing.assert_close(torch.log_softmax(labels, -1)[:, 0], reward.score(tokens).double())
    torch.testing.assert_close(reward.score(tokens, "logit"), logit)
    with torch.no_grad():
        reward.trunk.embedding.weight[-2:] = reward.trunk.embedding.weight[-2:].flip(0)
    torch.testing.assert_close(reward.logit(tokens), -logit)


@pytest.mark.parametrize("kind", ["char", "word", "bpe"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_words_of_tokens_are_those_of_the_decoded_text(kind: Kind, seed: int) -> None:
    """Any tokens, also such as no text is encoded to: words torn apart and put together in every way."""
    tokenizer = Tokenizer.train(kind, TEXT, size=60 if kind == "bpe" else None)
    rng = np.random.default_rng(seed)
    tokens = rng.integers(tokenizer.size, size=(3, 12))
    texts = [tokenizer.decode(row.tolist()) for row in tokens]
    if kind == "word":  # its pieces are words, whatever stands between them
        texts = [" ".join(tokenizer.pieces[i] for i in row) for row in tokens]
    found = [re.findall(r"[a-z0-9]+", text.lower()) for text in texts]
    vocabulary = sorted({word for words in found for word in words})
    weight = {word: float(rng.normal()) for word in vocabulary}
    words = Words(tokenizer)
    counts, known = words.counts(torch.from_numpy(tokens))
    spelled = {key_of(word): word for word in vocabulary}
    assert known.tolist() == sorted(spelled)
    assert counts.sum(0).tolist() == [[sum(each.count(spelled[key]) for each in found) for key in known.tolist()]]
    words.learn(known, np.array([weight[spelled[key]] for key in known.tolist()]))
    expected = [sum(weight[word] for word in each) for each in found]
    np.testing.assert_allclose(words(torch.from_numpy(tokens)).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_what_is_loaded_scores_as_what_was_saved(head: Head, tmp_path: Path) -> None:
    tokenizer = Tokenizer.train("word", TEXT)
    reward = RewardModel(
        Transformer(Shape(tokenizer.size, 8, 1, 2, 8), torch.Generator().manual_seed(0)),
        head,
        Words(tokenizer) if head == "pooled" else None,
    )
    tokens = torch.randint(tokenizer.size, (9, 8), generator=torch.Generator().manual_seed(0))
    if reward.words is not None:
        _, known = reward.words.counts(tokens)
        reward.words.learn(known, np.linspace(-1, 1, len(known)))
        reward.word_scale.fill_(0.7)
        reward.intercept.fill_(-0.2)
    save_reward(tmp_path / "model", reward, tokenizer, {"run": "here"})
    loaded, meta = load_reward(tmp_path / "model")
    assert meta["run"] == "here" and meta["tokenizer"] == tokenizer.to_json()
    assert torch.equal(loaded.logit(tokens), reward.logit(tokens))


def test_another_checkpoint_is_no_reward_model(tmp_path: Path) -> None:
    tokenizer = Tokenizer.train("word", TEXT)
    save_model(tmp_path / "model", LanguageModel(Transformer(Shape(tokenizer.size, 8, 1, 2, 8)), tokenizer))
    with pytest.raises(checkpoints.CheckpointError, match="no reward model but a language model"):
        load_reward(tmp_path / "model")


def test_the_constants_recentre_and_scale_the_samples_that_they_come_from() -> None:
    scores = torch.randn(500, generator=torch.Generator().manual_seed(0)) * 3 - 5
    shaped = constants(scores).shaped(scores)
    assert float(shaped.mean()) == pytest.approx(0, abs=1e-5) and float(shaped.std()) == pytest.approx(1)
    for useless in (torch.ones(10), torch.tensor([1.0, float("nan")])):
        with pytest.raises(InputError, match="do not differ"):
            constants(useless)
