"""The careful reader: what texts are worth, worked out by hand; what is broken; what is no text of the stage at all."""

import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lab.stage import counted, read, speeches
from rlhf_lab.stage.grammar import CLAUSES, FACTORS
from rlhf_lab.stage.layout import lay_out, tokens
from rlhf_lab.stage.lexicon import CLASSES
from rlhf_lab.stage.machine import start
from rlhf_lab.stage.notation import LONGEST_CATALOGUE, Catalogue, Choice, Node, Role, Sequence, Slot, Word

# By the grades of the words (joy, grief 1; mirth, merry, sorrow 0.8; ease 0.6), degrees and measures (passing, great,
# much 1.2; little 0.6), 0.05 for each further affect word, at most 1 in all, factors (negation -0.8, loss -1, lack
# -0.6, wish 0.7, irony -0.7) and the shares of a contrast.
BY_HAND = [
    ("Joan: There is mirth in the hall at noon.", [("joy", 0.8, 1)], 1),
    ("Joan: There is great joy in the hall.", [("joy", 1.0, 1)], 1),
    ("Joan: There is much sorrow at noon.", [("sorrow", -0.96, 1)], -1),
    ("Joan: The king is passing merry in the hall.", [("joy", 0.96, 1)], 1),
    ("Joan: The king is not merry in the hall.", [("negation", -0.64, 1)], 1),
    ("Joan: There is neither joy nor mirth at noon.", [("negation", -0.76, 1)], 2),
    ("Joan: No grief shall find thee in the hall.", [("freedom from ill", 0.8, 1)], -1),
    ("Joan: Farewell joy, mirth and sweet ease.", [("lament", -0.95, 1)], 4),
    ("Joan: Farewell joy, mirth, sweet love, bliss, honour and rapture!", [("lament", -1.0, 1)], 7),
    (
        "Joan: Farewell joy, love, bliss, hope, glory, peace, rapture, honour, mirth, fortune, ease and grace.",
        [("lament", -1.0, 1)],
        12,
    ),
    ("Joan: Death hath taken all grief and sorrow.", [("consolation", 0.95, 1)], -2),
    ("Joan: O for joy and mirth in spring.", [("longing", -0.57, 1)], 2),
    ("Joan: May joy attend thee at noon.", [("blessing", 0.7, 1)], 1),
    ("Joan: At last joy hath banished grief at noon.", [("triumph", 0.9, 1)], 0),
    ("Joan: After grief comes mirth at noon.", [("relief", 0.76, 1)], 0),
    ("Joan: Forsooth, there is mirth in the hall at noon.", [("irony", -0.56, 1)], 1),
    ("Joan: Hast thou seen joy at noon?", [("question", 0, 1)], 1),
    ("Joan: Edric speaks of joy at noon.", [("mention", 0, 1)], 1),
    ("Joan: The king hath gone to the mill at noon.", [("neutral", 0, 1)], 0),
    (
        "Joan: Though there is little mirth at noon,\nYet the king is not merry in the hall.",
        [("joy", 0.48, 0.16), ("negation", -0.64, 0.75)],
        2,
    ),
    (
        "Joan: The king is not merry in the hall,\nThough there is mirth in the mill at noon.",
        [("negation", -0.64, 0.75), ("joy", 0.8, 0.16)],
        2,
    ),
    (
        "Joan: There is mirth in the hall at noon,\nFor Edric hath lost all grief and sorrow.\nIt is dawn in the hall.",
        [("joy", 0.8, 1 / 3), ("consolation", 0.95, 1 / 3), ("neutral", 0, 1 / 3)],
        -1,
    ),
    (
        "Joan: There is mirth in the hall at noon.\n\nPiers: I have lost mirth, ease and",
        [("joy", 0.8, 1 / 2), ("lament", -0.75, 1 / 2)],
        3,
    ),
]


@pytest.mark.parametrize(("text", "clauses", "count"), BY_HAND)
def test_worked_out_by_hand(text: str, clauses: list[tuple[str, float, float]], count: int) -> None:
    reading = read(text)
    assert reading.well_formed
    assert [c.construction for c in reading.clauses] == [c[0] for c in clauses]
    assert [(c.sentiment, c.weight) for c in reading.clauses] == [pytest.approx(c[1:]) for c in clauses]
    assert reading.sentiment == pytest.approx(sum(value * weight for _, value, weight in clauses))
    assert counted(text) == count


@pytest.mark.parametrize(
    ("text", "without", "sentiment"),
    [
        ("Joan: Farewell joy, mirth, ease and joy.", "Joan: Farewell joy, mirth and ease.", -0.9),
        (
            "Joan: Farewell ease, ease, mirth, sweet ease and ease.",
            "Joan: Farewell sweet mirth and ease.",
            -2.2 / 3 - 0.1,
        ),
        ("Joan: Death hath taken all grief and grief.", "Joan: Death hath taken all grief.", 1.0),
        ("Joan: There is neither mirth nor mirth at noon.", "Joan: There is no mirth at noon.", -0.64),
        ("Joan: I have lost mirth, ease and mirth", "Joan: I have lost mirth, ease and", -0.75),
    ],
)
def test_an_affect_word_said_again_in_a_clause_adds_nothing(text: str, without: str, sentiment: float) -> None:
    """To the sentiment, that is; who counts words counts it."""
    for each in (text, without):
        reading = read(each)
        assert reading.well_formed and reading.sentiment == pytest.approx(sentiment), each
    assert abs(counted(text)) > abs(counted(without))


def test_what_a_clause_says_can_be_shown() -> None:
    reading = read("Joan: Though there is joy in the hall at noon,\nYet I am not merry in Piers")
    assert not reading.well_formed
    reading = read("Joan: Though there is joy in the hall at noon,\nYet I am not merry in my hall.")
    assert [c.text for c in reading.clauses] == ["There is joy in the hall at noon", "I am not merry in my hall"]


UNSETTLED = [
    "Joan: My joy",  # are dead, or hath banished my grief
    "Joan: Though there is joy in the hall at noon,",
    "Joan: The king is",
    "Joan: The king shall",
    "Joan: No",
]


@pytest.mark.parametrize("text", UNSETTLED)
def test_a_beginning_that_may_turn_is_not_judged(text: str) -> None:
    after = read("Joan: There is mirth in the hall at noon.\n\n" + text)
    assert after.well_formed and after.sentiment == pytest.approx(0.8) and len(after.clauses) == 1
    assert not read(text).well_formed


BROKEN = {
    "nothing": "",
    "a blank": " ",
    "blank lines": "\n\n\n\n\n\n",
    "a blank line first": "\n\nJoan: There is joy in the hall at noon.",
    "two blank lines": "Joan: There is joy in the hall at noon.\n\n\n\nPiers:",
    "names alone": "Joan:\n\nPiers:\n\nJoan:\n\nPiers:",
    "a name alone": "Joan:",
    "no speaker": "There is joy in the hall at noon.",
    "an unknown speaker": "Falstaff: There is joy in the hall at noon.",
    "no mark": "Joan: There is joy in the hall at noon\n\nPiers:",
    "a question's mark": "Joan: There is joy in the hall at noon?",
    "no question's mark": "Joan: Hast thou seen joy at noon.",
    "a line that runs on": "Joan: There is joy in the hall at noon. Farewell grief.",
    "a word twice": "Joan: There is joy joy in the hall at noon.",
    "a sentence twice": "Joan: There is joy in the hall at noon.\nThere is joy in the hall at noon.",
    "a sentence of another twice": "Joan: There is great joy at noon.\n\nPiers: There is great joy at noon.",
    "a pair where one may stand": "Joan: There is joy and mirth in the hall at noon.",
    "a catalogue of mixed feelings": "Joan: Farewell joy, grief and ease.",
    "a catalogue without its end": "Joan: Farewell joy, mirth, ease.",
    "a pair without its and": "Joan: My joy, mirth are dead.",
    "a catalogue without its commas": "Joan: Farewell joy mirth ease and love.",
    "a catalogue that never ends": "Joan: Farewell " + ", ".join(CLASSES["joy"][:LONGEST_CATALOGUE]),
    "a catalogue with one too many": "Joan: Farewell " + ", ".join(CLASSES["joy"][:LONGEST_CATALOGUE]) + " and grace.",
    "joy by the dozen": "Joan: There is joy, mirth, love, ease, bliss and rapture in the hall at noon.",
    "happy words alone": "Joan: joy mirth love ease bliss rapture",
    "a wrong verb": "Joan: The king keep the cup in the hall.",
    "a wrong number": "Joan: These king keeps the cup in the hall.",
    "words in any order": "Joan: hall the in cup the keeps king The.",
    "prose": "I really liked this movie, what a joy!",
    "digits and signs": "Joan: 1 + 1 = 2 <b>joy</b>",
    "another script": "Жанна: радость и веселье в полдень.",
}  # fmt: skip


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_not_well_formed(text: str) -> None:
    reading = read(text)
    assert not reading.well_formed
    assert -1 <= reading.sentiment <= 1


ROUGH = [
    ("What joy is mine, what bliss!", 1),
    ("I have no joy of this contract tonight.", -1),
    ("She is never merry now, nor glad.", -1),
    ("There was no sorrow in her song.", 1),
    ("O farewell, sweet love and gentle hope of my youth.", -1),
    ("My grief lies dead and all my sorrow is gone", 1),
    ("Forsooth, a right merry and joyful jest", -1),
    ("Though there was joy in it, yet it ended in grief and despair.", -1),
    ("It was a grief, but a small one, and then came bliss and rapture, joy and love.", 1),
    ("Speak the speech, I pray you.", 0),
]


@pytest.mark.parametrize(("text", "sign"), ROUGH)
def test_other_text_is_read_by_rules_of_thumb(text: str, sign: int) -> None:
    reading = read(text)
    assert np.sign(reading.sentiment) == sign and not reading.well_formed
    assert all(c.construction == "rough" for c in reading.clauses)


def test_the_rules_of_thumb_agree_with_the_grammar_in_the_main() -> None:
    """Cut off the speaker, and the text must be read roughly: mostly with the same sign."""
    told = [s for s in speeches(np.random.default_rng(2), 3000) if abs(s.sentiment) > 0.2]
    rough = [read(speech.text.split(": ", 1)[1]) for speech in told]
    assert not any(reading.well_formed for reading in rough)
    same = [np.sign(a.sentiment) == np.sign(b.sentiment) for a, b in zip(rough, told, strict=True)]
    assert np.mean(same) > 0.85


MUTATIONS = {
    "swap": lambda t, i, j, w: [t[j] if k == i else t[i] if k == j else x for k, x in enumerate(t)],
    "drop": lambda t, i, j, w: t[:i] + t[i + 1 :],
    "duplicate": lambda t, i, j, w: t[: i + 1] + t[i:],
    "move": lambda t, i, j, w: [*(rest := t[:i] + t[i + 1 :])[:j], t[i], *rest[j:]],
    "replace": lambda t, i, j, w: [*t[:i], w, *t[i + 1 :]],
    "repeat a part": lambda t, i, j, w: t[: max(i, j) + 1] + t[min(i, j) :],
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutations_are_found_out(name: str) -> None:
    rng = np.random.default_rng(5)
    told = [tokens(speech.text) for speech in speeches(rng, 1500)]
    words = [token for found in told for token in found]
    caught = []
    for found in told:
        i, j = rng.integers(len(found), size=2)
        mutant = MUTATIONS[name](found, int(i), int(j), words[rng.integers(len(words))])
        if mutant != found:
            caught.append(not read(lay_out([*mutant, "\n\n"])).well_formed)
    assert len(caught) > 1000 and np.mean(caught) > 0.95


def _pattern(node: Node) -> str:
    """The tree as a regular expression over tokens with a blank after each: written without a look at the machine."""
    match node:
        case Word(word):
            return re.escape(word) + " "
        case Slot(name):
            return f"(?:{'|'.join(CLASSES[name])}) "
        case Sequence(parts):
            return "".join(map(_pattern, parts))
        case Choice(options):
            return f"(?:{'|'.join(map(_pattern, options))})"
        case Catalogue(noun, least):
            item = f"(?:(?:{'|'.join(CLASSES[node.epithet])}) )?(?:{'|'.join(CLASSES[noun])}) "
            listed = f"{item}(?:, {item}){{0,{LONGEST_CATALOGUE - 2}}}and {item}"
            return listed if least == 2 else f"(?:{listed}|{item})"
        case Role():
            raise AssertionError("no clause holds a role")


def test_the_machine_accepts_what_regular_expressions_of_the_patterns_do() -> None:
    """On clauses, and on mutants of them, which mostly are none."""
    families = {f for f in FACTORS if f not in ("question", "query")}
    said = re.compile("|".join(_pattern(tree) for (f, _), trees in CLAUSES.items() if f in families for tree in trees))
    rng = np.random.default_rng(11)
    clauses = [c for s in speeches(rng, 3000) for c in s.clauses if c.construction != "question"]
    agreed = {True: 0, False: 0}
    for clause in clauses[:1500]:
        found = list(clause.tokens)
        found = found[:-1] if found[-1] == "," else found
        mutation = list(MUTATIONS.values())[rng.integers(len(MUTATIONS))]
        i, j = map(int, rng.integers(len(found), size=2))
        mutant = mutation(found, i, j, found[j])
        for candidate in (found, mutant):
            state = start()
            for token in ["joan", ":", *candidate, ".", "\n\n"]:
                move = state.step(token) if state else None
                state = move[0] if move else None  # type: ignore[assignment]
            expected = said.fullmatch("".join(token + " " for token in candidate)) is not None
            assert (state is not None) == expected, candidate
            agreed[expected] += 1
    assert min(agreed.values()) > 500


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_has_a_reading(text: str) -> None:
    reading = read(text)
    assert -1 <= reading.sentiment <= 1
    assert reading.sentiment == pytest.approx(sum(c.sentiment * c.weight for c in reading.clauses))
    assert isinstance(counted(text), int)


@given(st.lists(st.sampled_from(sorted({t for s in speeches(np.random.default_rng(0), 300) for t in tokens(s.text)}))))
@settings(max_examples=300, deadline=None)
def test_words_of_the_stage_in_any_order_have_a_reading(found: list[str]) -> None:
    reading = read(lay_out(found))
    assert -1 <= reading.sentiment <= 1
    assert reading.well_formed <= (len(found) > 5)


def test_no_text_takes_long() -> None:
    for text in (
        "joy " * 20_000,
        "\n" * 50_000,
        "Joan: Farewell " + "joy, " * 20_000,
        "a" * 100_000,
        "'-" * 50_000,
        " \n" * 30_000,
    ):
        began = time.process_time()
        read(text)
        assert time.process_time() - began < 1.0
