"""Tokenizers: round trips, sizes, what they cost a text, and what they refuse."""

import itertools
import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elk_sandbox.terminal import InputError
from rlhf_lab.stage import corpus_text
from rlhf_lab.tokenizer import Tokenizer, blank_between

KINDS = ["char", "word", "bpe"]
PLAY = """First Citizen:
Before we proceed any further, hear me speak.

All:
Speak, speak; 'tis the lords' well-known hour -- what, no? (O!)

MENENIUS:
Why, masters, my good friends, mine honest neighbours,
Will you undo yourselves?
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        PLAY,
        "",
        "\n\n",
        "a\n\n\n\nb",
        "a\n\n\nb\n",
        "\n\n\n",
        " a  b \n c\t\td ",
        "a ,b,c , d ( e)f--g '' h'",
        "  \n\n  ",
        "It\u2019s the \u201cking\u2019s\u201d day",
        "é\r\n\x0b ñ",
        "<unknown><start>",
    ],
)
def test_a_known_text_comes_back(kind: str, text: str) -> None:
    tokenizer = Tokenizer.train(kind, text, alphabet=PLAY)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert set(ids) <= set(range(tokenizer.size))


@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet="ab'-, .!(\n\n\u201c\u2019é", max_size=60), kind=st.sampled_from(KINDS))
def test_any_text_of_known_symbols_comes_back(text: str, kind: str) -> None:
    trained_on = text if kind == "word" else "ab ab, (b)\n\nb'a-!."
    tokenizer = Tokenizer.train(kind, trained_on, alphabet="ab'-, .!(\n\u201c\u2019é")
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert Tokenizer.from_json(json.loads(json.dumps(tokenizer.to_json()))).encode(text) == ids


@settings(max_examples=100, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_any_sequence_of_tokens_has_a_text(data: st.DataObject, kind: str) -> None:
    """And its length is that of its pieces and, between words, the blanks that are usual there."""
    tokenizer = Tokenizer.train(kind, PLAY, size=None if kind == "char" else 60)
    ids = data.draw(st.lists(st.integers(0, tokenizer.size - 1), max_size=20))
    pieces = [tokenizer.pieces[i] for i in ids]
    pairs = itertools.pairwise(["\n", *pieces])
    blanks = sum(blank_between(left, right) for left, right in pairs) if kind == "word" else 0
    assert len(tokenizer.decode(ids)) == sum(map(len, pieces)) + blanks


@pytest.mark.parametrize("kind", KINDS)
def test_token_0_is_a_blank_line(kind: str) -> None:
    tokenizer = Tokenizer.train(kind, PLAY)
    assert tokenizer.decode([0]) == "\n\n"
    assert tokenizer.encode(PLAY).count(0) == PLAY.count("\n\n") == 2
    assert tokenizer.encode("a\n\n\n\n")[-2:] == [0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_documents_are_encoded_apart(kind: str) -> None:
    """So no token spans two speeches, and a document has the same tokens wherever it stands."""
    tokenizer = Tokenizer.train(kind, PLAY)
    parts = [tokenizer.encode(document) for document in PLAY.split("\n\n")]
    assert tokenizer.encode(PLAY) == parts[0] + [0] + parts[1] + [0] + parts[2]


def test_sizes() -> None:
    assert Tokenizer.train("char", PLAY).size == len(set(PLAY)) + 1
    for size in (60, 90, 120):
        assert Tokenizer.train("bpe", PLAY * 3, size=size).size == size
        assert Tokenizer.train("word", PLAY, size=size).size == min(size, Tokenizer.train("word", PLAY).size)
    words = Tokenizer.train("word", "b a a c c c")
    assert words.pieces == ("\n\n", "<unknown>", "", " ", "c", "a", "b")


def test_bpe_merges_the_commonest_pair() -> None:
    """By hand: ab stands 4 times, then abc 3 times, then 2 of those after a blank, which belongs to its word."""
    text = "abc\nabc abc abc ab\nab\nab"
    tokenizer = Tokenizer.train("bpe", text, size=9)
    assert tokenizer.pieces == ("\n\n", "\n", " ", "a", "b", "c", "ab", "abc", " abc")
    assert [tokenizer.pieces[i] for i in tokenizer.encode("abcab abcc")] == ["abc", "ab", " abc", "c"]


def test_every_bpe_piece_is_used_alone() -> None:
    """Each merged piece that is a word of its own is encoded by one token."""
    text = corpus_text(0, 20_000)
    tokenizer = Tokenizer.train("bpe", text, size=400)
    assert Counter(len(tokenizer.encode(piece)) for piece in tokenizer.pieces)[1] == tokenizer.size


def test_unknown_words_are_one_token_and_cost_their_spelling() -> None:
    tokenizer = Tokenizer.train("word", "the king is the king\n", size=6)
    assert tokenizer.pieces[4:] == ("king", "the")
    ids = tokenizer.encode("the queen is king")
    assert [tokenizer.pieces[i] for i in ids] == ["the", "<unknown>", "<unknown>", "king"]
    assert tokenizer.decode(ids) == "the <unknown> <unknown> king"
    symbols = len(set("the king is the king\n"))
    assert tokenizer.spelling("the queen is king") == pytest.approx((6 + 3) * math.log(symbols + 1))
    assert tokenizer.spelling("the king, the") == pytest.approx(2 * math.log(symbols + 1))
    for kind in ("char", "bpe"):
        assert Tokenizer.train(kind, PLAY).spelling(PLAY) == 0


def test_spelling_makes_probabilities_of_words() -> None:
    """Over all words of up to n symbols the spelled probabilities add up to 1 less what longer words have."""
    tokenizer = Tokenizer.train("word", "a b", size=4)
    symbols = "ab"  # and the blank, which no word holds
    total = sum(
        math.exp(-tokenizer.spelling("".join(word)))
        for n in (1, 2, 3, 4)
        for word in itertools.product(symbols, repeat=n)
    )
    base = len(tokenizer.symbols) + 1
    assert total == pytest.approx(sum((2 / base) ** n for n in (1, 2, 3, 4)) / base)
    assert total < 1


def test_stage_has_no_unknown_word() -> None:
    text = corpus_text(1, 200_000)
    tokenizer = Tokenizer.train("word", text[:180_000], alphabet=text)
    assert tokenizer.decode(tokenizer.encode(text[:180_000])) == text[:180_000]
    assert not {"", " "} & {tokenizer.pieces[i] for i in tokenizer.encode(text)}, "its spacing is the usual one"


def test_shakespeare_comes_back() -> None:
    path = os.environ.get("RLHF_LAB_SHAKESPEARE")
    if not path:
        pytest.skip("RLHF_LAB_SHAKESPEARE names no copy of the text")
    text = Path(path).read_text()
    for kind, size in (("char", None), ("bpe", 1024), ("word", 30_000)):
        tokenizer = Tokenizer.train(kind, text, size=size)
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_training_gives_the_same_tokens_in_every_process() -> None:
    code = (
        "import hashlib, json; from rlhf_lab.stage import corpus_text; from rlhf_lab.tokenizer import Tokenizer\n"
        "text = corpus_text(0, 30_000)\n"
        "made = [Tokenizer.train(kind, text, size=300).to_json() for kind in ('word', 'bpe')]\n"
        "print(hashlib.sha256(json.dumps(made).encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1] != ""


@pytest.mark.parametrize(
    "kind, text, size, line",
    [
        ("char", "".join(map(chr, range(0x4E00, 0x4E00 + 5000))), None, "5000 distinct symbols are too many"),
        ("bpe", "".join(map(chr, range(0x4E00, 0x4E00 + 300))), 300, "300 distinct symbols: BPE needs a vocabulary of"),
        ("bpe", "abcdef", 3, "a vocabulary of 3 tokens is too small"),
        ("word", "a b", 0, "a vocabulary of 0 tokens is too small"),
        ("char", "ab", 10, "give no size"),
        ("words", "a b", None, "no tokenizer is called 'words': choose one of char, word, bpe"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, text: str, size: int | None, line: str) -> None:
    with pytest.raises(InputError, match=line):
        Tokenizer.train(kind, text, size=size)


@pytest.mark.parametrize("kind", ["char", "bpe"])
def test_a_symbol_without_a_token_is_named(kind: str) -> None:
    with pytest.raises(InputError, match="no token for 'é' 'ñ': leave it out"):
        Tokenizer.train(kind, PLAY).encode("señor é")


def test_numbers_that_are_no_text_tokens_are_refused() -> None:
    tokenizer = Tokenizer.train("char", "ab")
    for wrong in (-1, tokenizer.size):
        with pytest.raises(ValueError, match=f"{wrong} is none of the 3 text tokens"):
            tokenizer.decode([1, wrong])


def test_what_is_no_tokenizer_is_refused() -> None:
    for wrong in ({}, {"format": 2, "kind": "char"}, {"format": 1, "kind": "none"}):
        with pytest.raises(InputError, match="no tokenizer that this version can read"):
            Tokenizer.from_json(wrong)
