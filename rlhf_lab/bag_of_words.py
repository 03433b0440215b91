"""Bags of words: logistic regression on the words of texts, and the same on token rows without decoding them.

The first is the baseline of every reward model. The second is a term of one: a word there is a longest run of letters
and digits in lower case, whatever tokens spell it; marks inside a token are passed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from rlhf_lab.tokenizer import Tokenizer

__all__ = ["BagOfWords", "Logistic", "Words", "folds", "key_of", "logistic", "outside"]

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # scikit-learn's C: the inverse of the penalty on the squared weights
FOLDS = 5
BASE = 0x9E3779B97F4A7C15  # odd, so that a word keeps all 64 bits of its key


@dataclass(frozen=True, eq=False)
class Logistic:
    """P(positive) = 1 / (1 + exp(-(counts @ weights + intercept)))."""

    weights: Float[np.ndarray, "word"]  # nats a word
    intercept: float  # nats
    strength: float  # C, chosen by cross-validation


def folds(targets: Float[np.ndarray, "text"], count: int, rng: np.random.Generator) -> Int[np.ndarray, "text"]:
    """The fold of each text, 0 .. count - 1: at random, but with as many of each target in every fold as can be."""
    order = np.lexsort((rng.random(len(targets)), targets))
    fold = np.empty(len(targets), np.int64)
    fold[order] = np.arange(len(targets)) % count
    return fold


def outside(
    counts: sp.csr_matrix, targets: Float[np.ndarray, "text"], fold: Int[np.ndarray, "text"], strength: float
) -> Float[np.ndarray, "text"]:
    """The logit of each text by the regression on all other folds."""
    logit = np.empty(len(targets))
    for held in np.unique(fold):
        logit[fold == held] = _fitted(counts[fold != held], targets[fold != held], strength).decision_function(
            counts[fold == held]
        )
    return logit


def logistic(counts: sp.csr_matrix, targets: Float[np.ndarray, "text"], rng: np.random.Generator) -> Logistic:
    """Fit word counts (text, word) to targets P(positive) in [0, 1] by scikit-learn's LogisticRegression.

    A target between 0 and 1 enters as both classes with its weight and the rest. C is the one of `STRENGTHS` with the
    smallest cross-entropy over five folds. Needs at least two texts of each kind, positive and negative.
    """
    fold = folds(targets, FOLDS, rng)
    losses = []
    for strength in STRENGTHS:
        logit = outside(counts, targets, fold, strength)
        losses.append(float((np.logaddexp(0, logit) - targets * logit).sum()))
    best = STRENGTHS[int(np.argmin(losses))]
    fitted = _fitted(counts, targets, best)
    return Logistic(fitted.coef_[0], float(fitted.intercept_[0]), best)


def _fitted(counts: sp.csr_matrix, targets: Float[np.ndarray, "text"], strength: float) -> LogisticRegression:
    weight = np.concatenate([targets, 1 - targets])
    given = weight > 0
    label = np.repeat([1, 0], len(targets))
    model = LogisticRegression(C=strength, solver="newton-cg", max_iter=1000, tol=1e-8)  # a tenth of lbfgs's time
    return model.fit(sp.vstack([counts, counts]).tocsr()[given], label[given], sample_weight=weight[given])


class BagOfWords:
    """The baseline: scikit-learn's word counts and logistic regression."""

    def __init__(self, texts: Sequence[str], targets: Float[np.ndarray, "text"], rng: np.random.Generator) -> None:
        self.vectorizer = CountVectorizer()
        self.fitted = logistic(self.vectorizer.fit_transform(texts).tocsr(), targets, rng)

    def logit(self, texts: Sequence[str]) -> Float[np.ndarray, "text"]:
        """log P(positive) / P(negative) of each text."""
        found = self.vectorizer.transform(texts) @ self.fitted.weights
        return np.asarray(found + self.fitted.intercept, np.float64)


class Words(nn.Module):
    """A weight for each word of a list, and none for other words; a row of tokens is worth the sum over its words."""

    key: Int[Tensor, "vocabulary"]  # a polynomial of the token's letters and digits, modulo 2^64
    power: Int[Tensor, "vocabulary"]  # BASE to the number of them
    continues: Tensor  # whether the token can go on with the word of the token before
    open: Tensor  # whether the next token can go on with its word
    known: Int[Tensor, "word"]  # keys of the words, sorted
    weights: Float[Tensor, "word"]  # nats

    def __init__(self, tokenizer: Tokenizer, words: int = 0) -> None:
        super().__init__()
        letters = ["".join(filter(str.isalnum, piece.lower())) for piece in tokenizer.pieces]
        glued = tokenizer.kind != "word"  # whose pieces are whole words
        powers = [_signed(pow(BASE, len(each), 1 << 64)) for each in letters]
        self.register_buffer("key", torch.tensor([key_of(each) for each in letters]))
        self.register_buffer("power", torch.tensor(powers))
        self.register_buffer("continues", torch.tensor([glued and p[:1].isalnum() for p in tokenizer.pieces]))
        self.register_buffer("open", torch.tensor([glued and p[-1:].isalnum() for p in tokenizer.pieces]))
        self.register_buffer("known", torch.zeros(words, dtype=torch.long))
        self.register_buffer("weights", torch.zeros(words))

    def keys(self, tokens: Int[Tensor, "batch time"]) -> Int[Tensor, "batch time"]:
        """The key of the word that ends at each token, put together from its pieces' keys; 0 where none does."""
        begun, goes_on = self._begun(tokens)
        return torch.where(goes_on, 0, begun)

    def _begun(self, tokens: Int[Tensor, "batch time"]) -> tuple[Int[Tensor, "batch time"], Tensor]:
        """The key of the word as far as it is spelled at each token, 0 where no token has a letter; does it go on?"""
        goes_on = self.continues[tokens[:, 1:]] & self.open[tokens[:, :-1]]
        no = goes_on.new_zeros(len(tokens), 1)
        key, power = self.key[tokens], self.power[tokens]
        for t in range(1, tokens.shape[1]):
            key[:, t] += goes_on[:, t - 1] * key[:, t - 1] * power[:, t]
        return torch.where(power == 1, 0, key), torch.cat([goes_on, no], 1)

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch"]:
        """The sum of the weights of a row's words, in nats."""
        return self._weights(self.keys(tokens)).sum(1)

    def prefixes(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
        """What `forward` gives of tokens[:, : t + 1], at every t: a word that is not ended counts as it stands."""
        begun, goes_on = self._begun(tokens)
        here = self._weights(begun)
        whole = torch.where(goes_on, 0, here)
        return whole.cumsum(1) - whole + here

    def _weights(self, keys: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
        """The weight of the word of each key, 0 of none."""
        if not len(self.known):
            return self.weights.new_zeros(keys.shape)
        at = torch.searchsorted(self.known, keys).clamp_(max=len(self.known) - 1)
        return torch.where(self.known[at] == keys, self.weights[at], 0)

    def counts(
        self, tokens: Int[Tensor, "batch time"], known: Int[np.ndarray, "word"] | None = None
    ) -> tuple[sp.csr_matrix, Int[np.ndarray, "word"]]:
        """How often each row has each word (batch, word), and the sorted keys of the words: `known`, or all found."""
        keys = self.keys(tokens).cpu().numpy()
        known = np.unique(keys[keys != 0]) if known is None else known
        row, column = np.nonzero(np.isin(keys, known))
        at = np.searchsorted(known, keys[row, column])
        return sp.csr_matrix((np.ones(len(row)), (row, at)), shape=(len(keys), len(known))), known

    def learn(self, known: Int[np.ndarray, "word"], weights: Float[np.ndarray, "word"]) -> None:
        """Take over these words, by their sorted keys, and their weights."""
        device = self.weights.device
        self.known, self.weights = torch.tensor(known, device=device), torch.tensor(weights, device=device).float()


def key_of(word: str) -> int:
    """The key of a word: a polynomial of its symbols, modulo 2^64."""
    key = 0
    for symbol in word:
        key = (key * BASE + ord(symbol) + 1) % (1 << 64)
    return _signed(key)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value
