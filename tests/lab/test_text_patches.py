"""A transformer's table of edits: each is what it computes if its stream is exchanged at some positions on the way."""

import numpy as np
import pytest
import torch
from torch import Tensor

from elk_sandbox.learned.patched import DONORS, Patched, drawn
from rlhf_lab import activations, raters
from rlhf_lab.text_patches import FOLLOWS, patched, worth
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

TEXTS, TIME = 60, 9  # with the prompt
SHAPE = Shape(vocabulary=12, context=16, layers=2, heads=2, width=8)
TEST = np.arange(TEXTS) >= 40
WORTHS = np.zeros((2, 12), np.int8)
WORTHS[0, :4], WORTHS[0, 4:8], WORTHS[1, 2], WORTHS[1, 7] = 1, -1, 1, -1
HALVES = {"the last token": slice(TIME - 1, TIME), "all tokens": slice(1, TIME), "the first half": slice(1, 5),
          "the second half": slice(5, TIME)}  # fmt: skip


def odds(model: Transformer, tokens: Tensor) -> np.ndarray:
    with torch.no_grad():
        likely = torch.softmax(model(tokens)[:, -1].double(), -1).numpy()
    return np.stack([np.log(likely @ (w == 1)) - np.log(likely @ (w == -1)) for w in WORTHS], axis=1)


@pytest.fixture(scope="module")
def model() -> Transformer:
    made = Transformer(SHAPE, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() == 2:
                parameter *= 25
    return made.eval()


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    rows = torch.randint(0, 12, (TEXTS, TIME), generator=torch.Generator().manual_seed(1))
    rows[:, 0] = 0
    return rows


@pytest.fixture(scope="module")
def table(model: Transformer, tokens: Tensor) -> Patched:
    found = patched(model, tokens, TEST, odds(model, tokens)[:, 0] > 0, WORTHS)
    assert isinstance(found, Patched)
    return found


@pytest.mark.parametrize("layer", range(SHAPE.layers + 1))
def test_each_edit_is_a_forward_pass_with_that_part_exchanged(
    model: Transformer, tokens: Tensor, table: Patched, layer: int
) -> None:
    rows, donors = drawn(TEST)
    name = ["embedding", "block 1", "block 2"][layer]
    left: list[Tensor] = []
    stages = [*model.blocks, model.norm]
    for words, where in HALVES.items():
        place = table.places.index(f"{name}, {words}")
        for d in range(DONORS):
            hook = stages[layer].register_forward_pre_hook(lambda _, given: left.append(given[0].clone()))
            activations.layers(model, tokens[donors[:, d]])
            hook.remove()
            stream = left.pop()

            def exchanged(
                _: object, given: tuple[Tensor, ...], stream: Tensor = stream, where: slice = where
            ) -> object:
                own = given[0].clone()
                own[:, where] = stream[:, where]
                return (own, *given[1:])

            hook = stages[layer].register_forward_pre_hook(exchanged)
            expected = np.concatenate(list(activations.layers(model, tokens[rows]).values()), axis=1)
            seen = odds(model, tokens[rows])
            hook.remove()
            edit = place * DONORS + d
            assert table.place[edit] == place
            if name != "embedding":  # which `layers` sees before it is exchanged
                expected[:, 2 * layer * 8 : 2 * (layer + 1) * 8] = table.after[
                    :, edit, 2 * layer * 8 : 2 * (layer + 1) * 8
                ]
            assert table.after[:, edit] == pytest.approx(expected, abs=0.01, rel=2e-3)
            assert np.array_equal(table.sensors[:, edit], (seen > 0).astype(np.int8))


def test_a_place_is_of_its_layer_and_of_what_it_sets(model: Transformer, tokens: Tensor, table: Patched) -> None:
    rows, donors = drawn(TEST)
    every = np.concatenate(list(activations.layers(model, tokens).values()), axis=1)
    assert len(table.places) == 3 * 4 + 1 and table.places[-1] == "output"
    for k, sets in enumerate(table.sets[:-1]):
        layer, words = k // 4, table.places[k].partition(", ")[2]
        last, pooled = 2 * layer * 8, (2 * layer + 1) * 8
        assert sets[pooled : pooled + 8].all()
        assert sets[last : last + 8].all() == (words != "the first half") == sets[last]
        assert sets.sum() == (8 if words == "the first half" else 16)
        if words == "all tokens":
            assert table.after[:, k * DONORS, last : pooled + 8] == pytest.approx(
                every[donors[:, 0]][:, last : pooled + 8], abs=0.01, rel=2e-3
            )
    assert table.sets[-1, -8:].all() and table.sets[-1].sum() == 8
    assert table.after[:, -DONORS, :-8] == pytest.approx(every[rows][:, :-8], abs=0.01, rel=2e-3)
    assert table.after[:, -DONORS, -8:] == pytest.approx(every[donors[:, 0]][:, -8:], abs=0.01, rel=2e-3)
    assert not TEST[table.rows].any()


def test_where_nothing_follows_from_a_text_there_is_no_table(model: Transformer, tokens: Tensor) -> None:
    good = np.random.default_rng(0).permutation(odds(model, tokens)[:, 0] > 0)
    told = patched(model, tokens, TEST, good, WORTHS)
    assert isinstance(told, str) and "\n" not in told and f"and {FOLLOWS} is needed" in told
    assert "does not follow" in told


def test_what_a_token_is_worth_is_what_its_reader_says_of_it() -> None:
    tokenizer = Tokenizer.train("word", "joy and grief, the king of joy and of grief")
    viewer = raters.make("counter")
    words = [tokenizer.decode([k]) for k in range(tokenizer.size)]
    counts, vader = worth(tokenizer, viewer, tokenizer.size)
    assert {w for w, v in zip(words, counts, strict=True) if v > 0} == {"joy"}
    assert {w for w, v in zip(words, counts, strict=True) if v < 0} == {"grief"}
    assert vader[words.index("joy")] == 1 and vader[words.index("grief")] == -1 and vader[words.index("king")] == 0
    assert np.array_equal(worth(tokenizer, None, tokenizer.size)[0], counts)
