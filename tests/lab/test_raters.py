"""Raters against the closed forms of `choose`; each knob alone, at its neutral value, and measured."""

import json
import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from elk_sandbox.oversight.core import Overseer, choose
from elk_sandbox.terminal import InputError
from rlhf_lab.raters import FLATTERY, KNOBS, RATERS, TYPICAL_WORDS, Rater, make
from rlhf_lab.stage import counted, read, speeches

TEXTS = [speech.text for speech in speeches(np.random.default_rng(0), 400)]
texts = st.sampled_from(TEXTS)
places = st.integers(0, 500)
names = st.sampled_from(sorted(RATERS))
# A value of each knob that does change something.
TELLING: dict[str, Any] = {
    "reader": "vader",
    "scale": 1.5,
    "temperature": 1.0,
    "neutral": None,
    "counting": 0.5,
    "first_words": 5,
    "slip": 0.2,
    "fatigue": 0.01,
    "rest": 50,
    "drift": 1.0,
    "flattery": 0.7,
    "length": 0.3,
    "first_option": 0.8,
    "habit": 0.9,
}
settings = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([knob.neutral, TELLING[name]]) for name, knob in KNOBS.items()}
)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def gold(text: str) -> float:
    reading = read(text)
    return reading.sentiment if reading.well_formed else 0.0


def chances(rater: Rater, text: str, place: int = 0, before: int | None = None) -> list[float]:
    """The probabilities of -1, 0, 1."""
    dist = rater.chances(text, place, before)
    return [dist[y] for y in (-1, 0, 1)]


# The closed forms ---------------------------------------------------------------------------------------------------


@given(texts)
def test_the_counter_is_bernoulli_by_the_sigmoid_of_the_count(text: str) -> None:
    p = sigmoid(counted(text))
    assert chances(make("counter"), text) == pytest.approx([1 - p, 0, p], abs=1e-12)


@given(texts, st.floats(0, 3), st.floats(0.2, 5))
def test_with_a_neutral_option_it_is_the_multinomial_logistic(text: str, neutral: float, temperature: float) -> None:
    s = 4 * gold(text)
    weights = [math.exp((abs(y) * -neutral + y * s) / 2 / temperature) for y in (-1, 0, 1)]
    rater = make("careful", neutral=neutral, temperature=temperature)
    assert chances(rater, text) == pytest.approx(np.array(weights) / sum(weights), abs=1e-12)


@given(texts, st.floats(0.01, 6))
def test_sign_labels_are_neutral_within_the_threshold(text: str, neutral: float) -> None:
    s = 4 * gold(text)
    if abs(abs(s) - neutral) > 1e-6:
        expected = 0 if abs(s) < neutral else int(np.sign(s))
        assert make("careful", neutral=neutral).chances(text)[expected] == 1


@given(texts, st.floats(0, 1), names)
def test_slip_mixes_in_even_labels(text: str, slip: float, name: str) -> None:
    clear = make(name, slip=0.0)
    n = len(clear.moves)
    expected = [
        (1 - slip) * p + slip / n * (p > 0 or n == 3 or y != 0)
        for p, y in zip(chances(clear, text), (-1, 0, 1), strict=True)
    ]
    assert chances(make(name, slip=slip), text) == pytest.approx(expected, abs=1e-12)


@given(texts, places, st.floats(-3, 3))
def test_drift_moves_the_threshold_with_the_place(text: str, place: int, drift: float) -> None:
    moved = make("counter", drift=drift)
    assert moved.chances(text, place)[1] == pytest.approx(sigmoid(counted(text) + drift * place / 100), abs=1e-12)


@given(texts, places, st.floats(0, 1), st.integers(1, 200), st.floats(0, 1))
def test_fatigue_slips_more_until_the_rest(text: str, place: int, fatigue: float, rest: int, slip: float) -> None:
    rater = make("counter", fatigue=fatigue, rest=rest, slip=slip)
    attention = (1 - slip) * (1 - fatigue) ** (place % rest)
    p = attention * sigmoid(counted(text)) + (1 - attention) / 2
    assert rater.chances(text, place)[1] == pytest.approx(p, abs=1e-12)
    assert chances(rater, text, place + rest) == chances(rater, text, place)


@given(texts, st.floats(-3, 3), st.sampled_from([-1, 0, 1, None]))
def test_an_option_gains_log_odds_by_its_position(text: str, gain: float, before: int | None) -> None:
    plain = make("counter").chances(text)
    first = make("counter", first_option=gain).chances(text)
    assert math.log(first[-1] / first[1]) == pytest.approx(math.log(plain[-1] / plain[1]) + gain, abs=1e-9)
    habitual = make("counter", habit=gain).chances(text, 7, before)
    shift = gain * {1: 1, -1: -1}.get(before or 0, 0)
    assert math.log(habitual[1] / habitual[-1]) == pytest.approx(math.log(plain[1] / plain[-1]) + shift, abs=1e-9)


def test_flattery_and_length_add_to_the_score() -> None:
    text = "Thou noble lord, thy sea is the sea."
    assert {"thou", "thy", "noble"} <= FLATTERY
    plain = make("counter").score([text])[0]
    assert make("counter", flattery=0.5).score([text])[0] == plain + 3 * 0.5
    assert make("counter", length=0.25).score([text])[0] == plain + (8 - TYPICAL_WORDS) * 0.25
    assert make("counter", length=0.25, flattery=0.5).score([text])[0] == plain + 1.5 - 3


@given(texts, st.floats(0, 1), st.floats(0, 8))
def test_counting_lies_between_reading_and_counting(text: str, counting: float, scale: float) -> None:
    score = make("careful", counting=counting, scale=scale).score([text])[0]
    assert score == pytest.approx((1 - counting) * scale * gold(text) + counting * counted(text), abs=1e-12)


def test_vader_is_vaders_compound() -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    real = ["I love thee well, my gentle friend.", "What dreadful grief and hateful death!", "The table has four legs."]
    compounds = [analyzer.polarity_scores(text)["compound"] for text in real]
    assert make("vader").score(real) == pytest.approx([4 * c for c in compounds])
    assert make("vader").label(real, np.random.default_rng(0)).tolist() == [1, -1, 0]


# Laws ---------------------------------------------------------------------------------------------------------------


@given(settings, texts, places, st.sampled_from([-1, 0, 1, None]), st.sampled_from(sorted(KNOBS)))
def test_a_knob_at_its_neutral_value_is_the_identity(
    setting: dict[str, Any], text: str, place: int, before: int | None, knob: str
) -> None:
    without = {name: value for name, value in setting.items() if name != knob}
    a, b = make("careful", **without), make("careful", **without, **{knob: KNOBS[knob].neutral})
    assert a == b and chances(a, text, place, before) == chances(b, text, place, before)


@pytest.mark.parametrize("knob", sorted(set(KNOBS) - {"rest"}))
def test_every_knob_changes_something(knob: str) -> None:
    for name in ("careful", "unsure"):
        a, b = make(name), make(name, **{knob: TELLING[knob] if name == "careful" or knob != "temperature" else 0.5})
        if any(chances(a, text, 99, 1) != chances(b, text, 99, 1) for text in TEXTS):
            return
    pytest.fail(f"{knob} changes nothing")


@given(settings, texts, places, st.sampled_from([-1, 0, 1, None]))
def test_a_rater_is_an_overseer(setting: dict[str, Any], text: str, place: int, before: int | None) -> None:
    rater = make("careful", **setting)
    overseer = rater.at(place, before)
    assert isinstance(overseer, Overseer)
    assert rater.moves == ((-1, 0, 1) if rater.neutral is not None else (-1, 1))
    dist = choose(overseer, (text, place), rater.moves)
    assert chances(rater, text, place, before) == [dist[y] for y in (-1, 0, 1)]
    assert overseer.beta == (1 / rater.temperature if rater.temperature else math.inf)
    assert overseer.slip == rater.slip or rater.fatigue
    differ = overseer.judge((text, place), 1) - overseer.judge((text, place), -1)
    gained = rater.habit * ((before == 1) - (before == -1)) - rater.first_option
    assert differ == pytest.approx(rater.score([text])[0] + rater.drift * place / 100 + gained, abs=1e-9)
    later = overseer.judge((text, place + 100), 1) - overseer.judge((text, place + 100), -1)
    assert later == pytest.approx(differ + rater.drift, abs=1e-9)  # the situation has the place that she judges by


@given(settings, texts, texts, st.integers(1, 12), places, st.sampled_from([-1, 0, 1, None]))
def test_equal_views_are_judged_equally(
    setting: dict[str, Any], text: str, other: str, k: int, place: int, before: int | None
) -> None:
    """The first k words, all that she attends to, are the same in both; what follows differs."""
    rater = replace(make("careful", **setting), first_words=k)
    head = " ".join(text.split()[:k])
    one, two = f"{head} {text}", f"{head}\n{other}"
    if len(head.split()) == k:
        assert rater.view(one) == rater.view(two) == head
        assert chances(rater, one, place, before) == chances(rater, two, place, before)


def test_a_view_keeps_the_lines_of_what_is_seen() -> None:
    assert make("careful", first_words=4).view("JULIA:\nO joy,  my\nlove is here") == "JULIA:\nO joy,  my"
    assert make("careful", first_words=9).view(" a b\n") == " a b"
    assert make("careful", first_words=3).view("") == ""
    assert make("careful").view(" a b\n") == " a b\n"


@given(names, settings)
def test_a_rater_is_rebuilt_from_its_json(name: str, setting: dict[str, Any]) -> None:
    rater = make(name, **setting)
    assert make(**json.loads(json.dumps(rater.to_json(), allow_nan=False))) == rater


def test_raters_and_knobs_are_listed_with_a_line_of_meaning() -> None:
    for name, (knobs, meaning) in RATERS.items():
        assert meaning and "\n" not in meaning
        assert make(name).to_json() == {"name": name} | {k: v.neutral for k, v in KNOBS.items()} | knobs
    assert all(knob.meaning and "\n" not in knob.meaning for knob in KNOBS.values())


# Labels drawn -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["counter", "noisy", "unsure", "tired", "drifting", "first-option", "flattered"])
def test_rates_are_the_exact_probabilities(name: str) -> None:
    """1,000 labels of one text at one place: each count within the two-sided 1e-6 bounds of its binomial."""
    rater, text, place, n = make(name), TEXTS[3], 60, 1000
    rng = np.random.default_rng(5)
    counts = Counter(int(rater.label([text], rng, first_place=place)[0]) for _ in range(n))
    for y, p in zip((-1, 0, 1), chances(rater, text, place), strict=True):
        low, high = binom.ppf([5e-7, 1 - 5e-7], n, p)
        assert low <= counts[y] <= high, (y, p, counts)


def test_labels_in_parts_are_the_labels_in_one() -> None:
    rater = make("unsure", habit=2.0, drift=3.0, fatigue=0.01, rest=30)
    whole = rater.label(TEXTS, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    head = rater.label(TEXTS[:150], rng)
    tail = rater.label(TEXTS[150:], rng, first_place=150, before=int(head[-1]))
    assert np.array_equal(whole, np.concatenate([head, tail]))
    assert set(whole) == {-1, 0, 1} and whole.dtype == np.int64
    assert rater.label([], rng).shape == (0,)


def test_a_habit_makes_labels_repeat() -> None:
    """With habit h and nothing to read P(same as before) is sigmoid(h), a closed form."""
    rater, n = make("counter", habit=2.0), 1000
    labels = rater.label(["x"] * n, np.random.default_rng(2))
    low, high = binom.ppf([5e-7, 1 - 5e-7], n - 1, sigmoid(2.0))
    assert low <= np.sum(labels[1:] == labels[:-1]) <= high


def test_two_thousand_texts_take_a_second() -> None:
    """In an interpreter without the checks of shapes that tests put around `choose`."""
    code = """if True:
        import time, numpy
        from rlhf_lab.raters import make
        from rlhf_lab.stage import speeches
        texts = [speech.text for speech in speeches(numpy.random.default_rng(9), 2000)]
        for name in ("counter", "careful"):
            start = time.perf_counter()
            make(name).label(texts, numpy.random.default_rng(0))
            print(time.perf_counter() - start)
    """
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert min(map(float, run.stdout.split())) < 1


# What a user may get wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, knobs, words",
    [
        ("conter", {}, "no rater 'conter': did you mean 'counter'?"),
        ("qqq", {}, "no rater 'qqq': there are careful, counter, "),
        ("counter", {"slipp": 0.1}, "no knob 'slipp' of a rater: did you mean 'slip'?"),
        ("counter", {"slip": 1.5}, "a rater's slip is a number from 0 to 1, not 1.5"),
        ("counter", {"slip": math.nan}, "a rater's slip is a number from 0 to 1, not nan"),
        ("counter", {"slip": None}, "a rater's slip is a number from 0 to 1, not None"),
        ("counter", {"slip": True}, "a rater's slip is a number from 0 to 1, not True"),
        ("counter", {"drift": math.inf}, "a rater's drift is a number, not inf"),
        ("counter", {"temperature": -1}, "a rater's temperature is a number at least 0, not -1"),
        ("counter", {"first_words": 0}, "a rater's first_words is a whole number at least 1, or none, not 0"),
        ("counter", {"first_words": 8.0}, "a rater's first_words is a whole number at least 1, or none, not 8.0"),
        ("careful", {"neutral": "wide"}, "a rater's neutral is a number at least 0, or none, not 'wide'"),
        ("careful", {"reader": "me"}, "a rater's reader is one of careful, vader, not 'me'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(name: str, knobs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as found:
        make(name, **knobs)
    assert str(found.value).startswith(words) and "\n" not in str(found.value)
