"""Training: every head learns a rule, goes on to the same bits, and weighs its parts as scikit-learn would."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints
from rlhf_lab.bag_of_words import STRENGTHS, BagOfWords, folds, logistic
from rlhf_lab.models import LanguageModel, digest
from rlhf_lab.reward_labels import split
from rlhf_lab.reward_settings import RewardConfig
from rlhf_lab.reward_training import RewardTraining, fit, mix
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

WORDS = "joy bliss mirth grief woe loss the a of day not night king\n"
TOKENIZER = Tokenizer.train("word", WORDS)
HEADS = ("last", "every", "pooled")
QUICK = RewardConfig(epochs=30, batch=16, learning_rate=3e-3, weight_decay=0.01, threads=1, precision="fp32")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # for models of this size two only wait for each other
    yield
    torch.set_num_threads(before)


def base(seed: int = 0) -> LanguageModel:
    return LanguageModel(
        Transformer(Shape(TOKENIZER.size, 12, 2, 2, 32), torch.Generator().manual_seed(seed)), TOKENIZER
    )


def labelled(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of 8 words after the prompt; positive if more happy than sad ones, neutral for as many."""
    tokens = torch.randint(2, TOKENIZER.size, (count, 9), generator=torch.Generator().manual_seed(seed))
    tokens[:, 0] = 0
    happy, sad = ([TOKENIZER.pieces.index(word) for word in words] for words in (WORDS.split()[:3], WORDS.split()[3:6]))
    sign = (torch.isin(tokens, torch.tensor(happy)).sum(1) - torch.isin(tokens, torch.tensor(sad)).sum(1)).sign()
    return tokens, (sign + 1) / 2


def trained(config: RewardConfig, count: int = 60) -> RewardTraining:
    tokens, targets = labelled(count)
    return RewardTraining(base(), tokens, targets, config, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("head", HEADS)
def test_a_head_learns_a_rule(head: str) -> None:
    reward = fit(base(), *labelled(400), replace(QUICK, head=head), torch.Generator().manual_seed(1))
    tokens, targets = labelled(400, seed=9)
    right = ((reward.logit(tokens) > 0) == (targets > 0.5))[targets != 0.5]
    assert right.float().mean() > 0.9


@pytest.mark.parametrize("head", HEADS)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(
    head: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = replace(QUICK, head=head, epochs=5)
    whole = trained(config)
    while not whole.done:
        whole.advance()
    stopped = trained(config)
    for _ in range(data.draw(st.integers(1, whole.step - 1), label="steps before the kill")):
        stopped.advance()
    folder = tmp_path_factory.mktemp("kill") / "checkpoint"
    checkpoints.save(folder, *stopped.state())
    resumed = trained(config)
    resumed.restore(stopped.step, *checkpoints.load(folder))
    while not resumed.done:
        resumed.advance()
    assert resumed.step == whole.step and resumed.mixture == whole.mixture
    assert resumed.report() == whole.report()
    assert digest(resumed.model) == digest(whole.model)


def test_a_checkpoint_of_other_settings_is_refused() -> None:
    training = trained(QUICK)
    training.advance()
    with pytest.raises(InputError, match=r"batch 16 then, 8 now"):
        trained(replace(QUICK, batch=8)).restore(1, *training.state())


def test_votes_that_say_nothing_are_left_out_and_the_transformer_is_not_run() -> None:
    """The base model is asked about noise but for one word, which the bag of words sees at once."""
    tokens, _ = labelled(300)
    targets = (tokens == TOKENIZER.pieces.index("king")).any(1).float()
    config = replace(QUICK, epochs=1, learning_rate=1e-9)
    training = RewardTraining(base(), tokens, targets, config, torch.Generator().manual_seed(0))
    before = training.total_steps
    while not training.done:
        training.advance()
    assert training.mixture is not None and training.mixture.votes == 0 and training.step < before
    training.model.trunk.features = lambda tokens: pytest.fail("asked")  # type: ignore[method-assign]
    assert ((training.model.logit(tokens) > 0) == (targets > 0.5)).all()


@pytest.mark.parametrize(
    ("kinds", "line"),
    [([1.0, 0.0] * 9, "18 labels to train on are too few"), ([1.0] * 30, "30 are positive and 0 negative")],
)
@pytest.mark.parametrize("head", HEADS)
def test_labels_that_nothing_can_be_learned_from_are_refused(head: str, kinds: list[float], line: str) -> None:
    tokens, _ = labelled(len(kinds))
    with pytest.raises(InputError, match=line):
        fit(base(), tokens, torch.tensor(kinds), replace(QUICK, head=head), torch.Generator())


def test_a_loss_that_is_no_number_ends_it_with_a_line() -> None:
    training = trained(QUICK)
    with torch.no_grad():
        training.model.trunk.norm.weight.fill_(float("nan"))
    training.advance()
    with pytest.raises(InputError, match="clone the run with a lower learning_rate"):
        training.report()


@given(count=st.integers(0, 500), share=st.floats(0, 0.99), seed=st.integers(0, 9))
def test_splits_are_disjoint_complete_and_of_the_size_asked_for(count: int, share: float, seed: int) -> None:
    train, held = split(count, share, seed)
    assert sorted([*train, *held]) == list(range(count)) and len(held) == round(share * count)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=10, max_size=60), st.integers(0, 99))
def test_every_fold_has_its_share_of_every_kind(targets: list[float], seed: int) -> None:
    fold = folds(np.array(targets), 5, np.random.default_rng(seed))
    for kind in {0.0, 0.5, 1.0}:
        sizes = [((fold == f) & (np.array(targets) == kind)).sum() for f in range(5)]
        assert max(sizes) - min(sizes) <= 1


def texts(count: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    tokens, targets = labelled(count, seed)
    return [TOKENIZER.decode(row) for row in tokens[:, 1:].tolist()], targets.double().numpy()


def test_the_baseline_is_scikit_learns_cross_validated_regression() -> None:
    """On labels without neutral ones, which scikit-learn's own cross-validation can take."""
    written, targets = texts(200)
    written, targets = [t for t, y in zip(written, targets, strict=True) if y != 0.5], targets[targets != 0.5]
    counts = CountVectorizer().fit_transform(written)
    fold = folds(targets, 5, np.random.default_rng(7))
    cv = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(5)]
    theirs = LogisticRegressionCV(
        Cs=STRENGTHS, cv=cv, scoring="neg_log_loss", solver="newton-cg", max_iter=1000, tol=1e-8,
        use_legacy_attributes=False, l1_ratios=(0.0,),
    ).fit(counts, targets)  # fmt: skip
    ours = BagOfWords(written, targets, np.random.default_rng(7))
    assert ours.fitted.strength == float(theirs.C_)
    np.testing.assert_allclose(ours.logit(written), theirs.decision_function(counts), atol=1e-4)


def test_a_neutral_label_is_half_of_each() -> None:
    written, targets = texts(150)
    counts = CountVectorizer().fit_transform(written).tocsr()
    ours = logistic(counts, targets, np.random.default_rng(0))
    rows = [(i, y) for i, y in enumerate(targets.tolist())]
    twice = [i for i, _ in rows for _ in range(2)]
    label = [label for _, y in rows for label in ((0, 1) if y == 0.5 else (y, y))]
    model = LogisticRegression(C=ours.strength, max_iter=5000, tol=1e-8)
    theirs = model.fit(counts[twice], label, sample_weight=np.full(len(twice), 0.5))
    np.testing.assert_allclose(ours.weights, theirs.coef_[0], atol=1e-3)


def test_the_mixture_is_the_regression_of_the_targets_on_both() -> None:
    rng = np.random.default_rng(0)
    votes, words = rng.normal(size=(2, 500)) * [[3.0], [0.5]]
    targets = (rng.random(500) < 1 / (1 + np.exp(-(0.3 * votes + 2 * words - 0.4)))).astype(float)
    theirs = LogisticRegression(C=np.inf).fit(np.stack([votes, words], 1), targets)
    ours = mix(votes, words, targets)
    found = [ours.votes, ours.words, ours.intercept]
    np.testing.assert_allclose(found, [*theirs.coef_[0], theirs.intercept_[0]], rtol=1e-2)


def test_the_mixture_leaves_out_what_is_worth_nothing_or_less() -> None:
    rng = np.random.default_rng(1)
    words = rng.normal(size=400)
    targets = (rng.random(400) < 1 / (1 + np.exp(-2 * words))).astype(float)
    against = -words + 0.1 * rng.normal(size=400)
    assert mix(against, words, targets).votes == 0
    assert mix(words, against, targets).words == 0
    shares = [mix(rng.normal(size=400), words, targets).votes == 0 for _ in range(60)]
    assert np.mean(shares) > 0.8  # by chance a vote gains a nat in P(chi2_1 > 2) / 2 = 8 % of cases
