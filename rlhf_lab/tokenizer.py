"""Text to tokens and back: characters, words, or pairs merged by frequency (BPE).

Token 0 is `<start>`: it stands for a blank line, which separates documents, and a sample begins with it. Tokens are
pieces of text, and a text is its pieces joined; between words, the usual single blanks are left out and put back.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, get_args

import tokenizers

from elk_sandbox.terminal import InputError

__all__ = ["START", "Kind", "Tokenizer"]

Kind: TypeAlias = Literal["char", "word", "bpe"]

START: Final = "\n\n"
UNKNOWN: Final = "<unknown>"
MOST_SYMBOLS: Final = 4096  # of the character tokenizer
WORDS, PAIRS = 4096, 2048  # tokens of word and of bpe, where no size is asked for

# Words have apostrophes and hyphens inside and apostrophes around ('tis, father's, lords'); all else is single marks.
WORD = re.compile(r"\n\n|'?\w+(?:['\u2019-]\w+)*'?|.", re.DOTALL)
CLOSES, OPENS = frozenset("\n,.;:!?)]}\u201d\u2019"), frozenset("\n([{\u201c\u2018")  # among them the curled quotes
EXACTLY = ["", " "]  # pieces of the word tokenizer for what is unusual: no blank between words, and further blanks

# BPE merges within a word and its leading blank, marks and the line break after them, or blanks; never across words.
CHUNK = tokenizers.Regex(r" ?[\p{L}\p{N}'\x{2019}]+| ?[^\s\p{L}\p{N}'\x{2019}]+\n?|\n|\s+")


class Tokenizer:
    """`size` text tokens, `pieces` the text of each. Made by `train` or `from_json`."""

    def __init__(self, kind: Kind, pieces: Sequence[str], symbols: str, merges: Sequence[Sequence[str]] = ()) -> None:
        self.kind: Final[Kind] = kind
        self.size: Final = len(pieces)
        self.pieces: Final = tuple(pieces)
        self.symbols: Final = symbols  # every character it has seen, sorted
        self._merges = [(left, right) for left, right in merges]
        self._ids = {piece: i for i, piece in enumerate(pieces)}
        if kind == "bpe":
            self._library = _library(self._ids, self._merges)

    @classmethod
    def train(cls, kind: str, text: str, *, size: int | None = None, alphabet: str = "") -> "Tokenizer":
        """Learn tokens from a text, at most `size` of them, `<start>` and `<unknown>` among them.

        Characters and BPE also cover each symbol of `alphabet`. Raises InputError for a kind that there is not, a size
        below 4, and more distinct symbols than tokens.
        """
        symbols = "".join(sorted(set(text) | set(alphabet)))
        if size is not None and size < 4:
            raise InputError(f"a vocabulary of {size} tokens is too small: at least 4")
        if kind == "char":
            if size is not None:
                raise InputError("the text's own characters are the vocabulary: give no size, or use word or bpe")
            if len(symbols) > MOST_SYMBOLS:
                raise InputError(
                    f"{len(symbols)} distinct symbols are too many for characters, at most {MOST_SYMBOLS}: use word"
                )
            return cls("char", [START, *symbols], symbols)
        if kind == "word":
            return cls("word", _words(text, size or WORDS), symbols)
        if kind == "bpe":
            if len(symbols) >= (size or PAIRS):
                raise InputError(
                    f"the text has {len(symbols)} distinct symbols: BPE needs a vocabulary of more than that, "
                    f"not {size or PAIRS}"
                )
            return cls("bpe", *_merged(text, symbols, size or PAIRS))
        raise InputError(f"no tokenizer is called {kind!r}: choose one of {', '.join(get_args(Kind))}")

    def encode(self, text: str) -> list[int]:
        """The tokens of a text. Raises InputError for a symbol without a token; an unknown word is `<unknown>`."""
        if self.kind == "word":
            unknown = self._ids[UNKNOWN]
            return [self._ids.get(piece, unknown) for piece in _separated(text)]
        if missing := set(text) - set(self.symbols):
            shown = " ".join(map(repr, sorted(missing)[:5])) + (" ..." if len(missing) > 5 else "")
            raise InputError(f"the model has no token for {shown}: leave it out")
        documents = text.split(START)
        if self.kind == "char":
            parts: Iterable[list[int]] = ([self._ids[symbol] for symbol in document] for document in documents)
        else:
            parts = (each.ids for each in self._library.encode_batch_fast(documents))
        ids = [i for part in parts for i in (0, *part)]
        return ids[1:]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens. Raises ValueError for a number that is no text token."""
        return "".join(self.spans(ids))

    def spans(self, ids: Sequence[int]) -> list[str]:
        """What each token is in the text of them all, its leading blank included: joined, they are the text.

        Raises ValueError for a number that is no text token.
        """
        if wrong := [i for i in ids if not 0 <= i < self.size]:
            raise ValueError(f"{wrong[0]} is none of the {self.size} text tokens")
        pieces = [self.pieces[i] for i in ids]
        if self.kind != "word":
            return pieces
        return [
            " " + piece if blank_between(before, piece) else piece
            for before, piece in zip(["\n", *pieces], pieces, strict=False)
        ]

    def spelling(self, text: str) -> float:
        """Nats to spell out the words that `<unknown>` stands for: symbol by symbol and an end, all equally likely.

        Together with the nats of the tokens it makes what a model needs for the whole text, whatever the tokenizer.
        """
        if self.kind != "word":
            return 0.0
        unknown = [piece for piece in _separated(text) if piece not in self._ids]
        return sum(len(piece) + 1 for piece in unknown) * math.log(len(self.symbols) + 1)

    def to_json(self) -> dict[str, Any]:
        """Plain values from which `from_json` makes the same tokenizer."""
        return {
            "format": 1,
            "kind": self.kind,
            "pieces": list(self.pieces),
            "symbols": self.symbols,
            "merges": [list(pair) for pair in self._merges],
        }

    @classmethod
    def from_json(cls, d: Mapping[str, Any]) -> "Tokenizer":
        """Raises InputError for values that `to_json` did not write."""
        if d.get("format") != 1 or d.get("kind") not in get_args(Kind):
            raise InputError("this is no tokenizer that this version can read")
        return cls(d["kind"], d["pieces"], d["symbols"], d["merges"])


def blank_between(before: str, after: str) -> bool:
    """Whether a blank usually stands between two pieces of the word tokenizer."""
    return not (before in EXACTLY or after in EXACTLY or before[-1] in OPENS or after[0] in CLOSES)


def _separated(text: str) -> list[str]:
    """The pieces of the word tokenizer: words, marks, line breaks, and a piece for each unusual blank or lack of it."""
    pieces: list[str] = []
    before, blanks = "\n", 0
    for piece in [*WORD.findall(text), "\n"]:  # the break at the end settles the blanks before it
        if piece == " ":
            blanks += 1
            continue
        if blanks != blank_between(before, piece):
            pieces += [" "] * blanks or [""]
        pieces.append(piece)
        before, blanks = piece, 0
    return pieces[:-1]


def _words(text: str, size: int) -> list[str]:
    """The pieces that the text uses most, in that order; those used alike often by their spelling."""
    fixed = [START, UNKNOWN, *EXACTLY]
    counts = Counter(_separated(text))
    ranked = sorted(counts.keys() - set(fixed), key=lambda piece: (-counts[piece], piece))
    return [*fixed, *ranked[: size - len(fixed)]]


def _merged(text: str, symbols: str, size: int) -> tuple[list[str], str, list[tuple[str, str]]]:
    """The pieces, symbols and merges of BPE (Sennrich et al. 2016), learned by the library."""
    library = _library({}, [])
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size - 1, min_frequency=2, initial_alphabet=list(symbols), show_progress=False
    )
    library.train_from_iterator(text.split(START), trainer)
    model = json.loads(library.to_str())["model"]
    learned = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return [START, *learned], symbols, [(left, right) for left, right in model["merges"]]


def _library(ids: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> tokenizers.Tokenizer:
    library = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=dict(ids), merges=list(merges)))
    library.pre_tokenizer = tokenizers.pre_tokenizers.Split(CHUNK, "isolated")
    return library
