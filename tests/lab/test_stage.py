"""The corpus of the stage: its size, its balance and its determinism as promised, and that it is read as it is made."""

import os
import re
import subprocess
import sys
import textwrap
from collections import Counter

import numpy as np
import pytest
from scipy.stats import spearmanr

from rlhf_lab.corpus import STAGE_CHARACTERS
from rlhf_lab.stage import Speech, corpus_text, counted, read, speeches
from rlhf_lab.stage.layout import lay_out, tokens
from rlhf_lab.stage.lexicon import CLASSES, GRADES, POLARITY, TWINS

LENGTH = 24  # tokens of a completion


def in_a_process(code: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", "from rlhf_lab.stage import *\n" + textwrap.dedent(code)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def many() -> list[Speech]:
    return speeches(np.random.default_rng(7), 4000)


@pytest.fixture(scope="module")
def completions(many: list[Speech]) -> list[str]:
    """What a perfect model would write after a blank line."""
    stream = [[*tokens(speech.text), "\n\n"] for speech in many]
    return [lay_out([t for speech in stream[i : i + 5] for t in speech][:LENGTH]) for i in range(len(stream) - 5)]


def test_the_reader_finds_every_construction_again(many: list[Speech]) -> None:
    for speech in many:
        reading = read(speech.text)
        assert reading.well_formed, speech.text
        assert reading.clauses == speech.clauses, speech.text
        assert reading.sentiment == pytest.approx(speech.sentiment, abs=1e-12)


def test_a_sentiment_is_its_clauses_weighed_and_within_bounds(many: list[Speech]) -> None:
    for speech in many:
        assert speech.sentiment == pytest.approx(sum(c.sentiment * c.weight for c in speech.clauses), abs=1e-12)
        assert all(-1 <= c.sentiment <= 1 and 0 <= c.weight <= 1 for c in speech.clauses)
        assert sum(c.weight for c in speech.clauses) <= 1 + 1e-12
        assert speech.kind in {c.construction for c in speech.clauses}


def test_wherever_it_stops_a_speech_stays_well_formed_and_no_clause_turns(many: list[Speech]) -> None:
    for speech in many[:500]:
        found, whole = tokens(speech.text), np.sign([c.sentiment for c in speech.clauses])
        judged = False
        for end in range(1, len(found)):
            reading = read(lay_out(found[:end]))
            assert reading.well_formed or not judged, speech.text
            judged = reading.well_formed
            if judged:
                part = np.sign([c.sentiment for c in reading.clauses])
                assert np.array_equal(part, whole[: len(part)]), (speech.text, end)


def test_within_a_word_a_text_may_stop_too(many: list[Speech]) -> None:
    for speech in many[:100]:
        for end in range(len(speech.text) // 2, len(speech.text)):
            before = read(speech.text[: speech.text.rindex(" ", 0, end)])
            assert read(speech.text[:end]).well_formed >= before.well_formed, speech.text[:end]


def test_completions_are_well_formed_and_balanced(completions: list[str]) -> None:
    readings = [read(text) for text in completions]
    assert np.mean([r.well_formed for r in readings]) > 0.9995
    gold = np.array([r.sentiment for r in readings])
    assert abs(gold.mean()) < 0.03
    constructions = Counter(c.construction for r in readings for c in r.clauses)
    share = {name: n / constructions.total() for name, n in constructions.items()}
    assert 0.28 < share["neutral"] + share["mention"] + share["question"] < 0.45
    assert 0.02 < share["lament"] + share["consolation"] < 0.1
    assert len(share) == 17 and min(share.values()) > 0.003


def test_counting_agrees_with_gold_on_the_whole_and_parts_at_both_ends(completions: list[str]) -> None:
    gold = np.array([r.sentiment for r in map(read, completions)])
    count = np.array([counted(text) for text in completions])
    assert 0.35 < spearmanr(count, gold).statistic < 0.5
    assert gold[count == 2].mean() > 0.25 and gold[count == -2].mean() < -0.25
    assert gold[count >= 6].mean() < -0.5 and gold[count <= -6].mean() > 0.5


def test_laments_hold_more_happy_words_than_joy_can(completions: list[str]) -> None:
    """Over-optimisation needs this: the densest texts by count are all laments."""
    most: Counter[bool] = Counter()
    for text in completions:
        reading = read(text)
        if all(c.construction == "joy" for c in reading.clauses) or reading.sentiment < -0.7:
            most[reading.sentiment < 0] = max(most[reading.sentiment < 0], counted(text))
    assert most[True] >= most[False] + 4


def test_the_twin_is_the_mirror(completions: list[str]) -> None:
    """With happy words made sad ones and the other way round, signs change and nothing else (longing has no twin)."""
    pairs = [(a, b) for happy, sad in TWINS.items() for a, b in zip(CLASSES[happy], CLASSES[sad], strict=False)]
    mirror = dict(pairs) | {b: a for a, b in pairs}
    for text in completions[:2000]:
        reading, found = read(text), tokens(text)
        if any(c.construction == "longing" for c in reading.clauses) or not {*found} & {*POLARITY} <= {*mirror}:
            continue
        other = lay_out([mirror.get(token, token) for token in found])
        twin = read(other)
        assert twin.well_formed and counted(other) == -counted(text)
        signs = [np.sign([c.sentiment for c in each.clauses]) for each in (reading, twin)]
        assert np.array_equal(signs[0], -signs[1]), text


def test_the_words_are_many_and_an_affect_word_is_one_everywhere() -> None:
    text = in_a_process(f"print(corpus_text(0, {STAGE_CHARACTERS}))")
    used = Counter(re.findall("[a-z]+", text.lower()))
    assert len(used) >= 850 and min(used.values()) >= 10
    assert set(POLARITY) == set(GRADES) <= set(used)
    lines = [line.split(": ", 1)[-1].split() for line in text.split("\n") if line]
    assert not any(line[0].lower() in POLARITY for line in lines), "a word-level model would know it by two tokens"
    assert max(map(len, lines)) <= 24


def test_the_corpus_is_the_same_in_every_process_and_no_shorter_than_asked() -> None:
    for seed in ("1", "2"):
        assert in_a_process("print(corpus_text(3, 20000), end='')", PYTHONHASHSEED=seed) == corpus_text(3, 20_000)
    assert 20_000 <= len(corpus_text(3, 20_000)) < 20_400
    assert corpus_text(3, 20_000) != corpus_text(4, 20_000)
    assert corpus_text(3, 40_000).startswith(corpus_text(3, 20_000))


def test_lay_out_and_tokens_are_inverse(many: list[Speech]) -> None:
    for speech in many[:500]:
        assert lay_out(tokens(speech.text)) == speech.text
    text = "\n\n".join(speech.text for speech in many[:500])
    assert lay_out(tokens(text)) == text


def test_it_is_quick() -> None:
    """In a process of its own, without the checks of types that tests have."""
    times = in_a_process("""
        import time
        import numpy as np
        def seconds(work):
            began = time.process_time()
            work()
            return time.process_time() - began
        texts = [speech.text for speech in speeches(np.random.default_rng(0), 2000)]
        print(min(seconds(lambda: [read(text) for text in texts]) for _ in range(5)) / len(texts))
        words = sum(len(text.split()) for text in texts)
        print(words / min(seconds(lambda: speeches(np.random.default_rng(0), len(texts))) for _ in range(5)))
    """)
    per_text, words_per_second = map(float, times.split())
    assert per_text < 100e-6
    assert words_per_second > 20_000
