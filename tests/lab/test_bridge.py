"""The lab's networks as learned worlds: against direct forward passes, the raters themselves, and the runs' files."""

import hashlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from elk_sandbox.learned import sources
from elk_sandbox.learned.methods import evaluate
from elk_sandbox.learned.shelf import place
from elk_sandbox.learned.world import LearnedWorld, WorldError
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import open_store
from rlhf_lab import activations, checkpoint_choice, checkpoint_world, raters, text_patches, text_world
from rlhf_lab.bridge import folders, runs
from rlhf_lab.checkpoint_choice import choose
from rlhf_lab.evaluated import load_evaluation
from rlhf_lab.models import LanguageModel, load_model, save_model
from rlhf_lab.passages import CLEAR, HONEST, KINDS, KNOWN, Passage, drawn, passages
from rlhf_lab.reward_model import load_reward
from rlhf_lab.runs import policies
from rlhf_lab.stage import counted, read
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer, causal

MOST = 6000


def say(words: str, share: float) -> None:
    assert words and 0 <= share <= 1


def plain(speech: str) -> tuple[str, tuple[int, ...]]:
    return speech, tuple(map(ord, speech))


@pytest.fixture(scope="module")
def texts() -> list[Passage]:
    """Whole speeches."""
    return drawn(plain, raters.make("counter"), np.random.default_rng(3), honest=60, others=40, most=8000)


@pytest.fixture(scope="module", autouse=True)
def fewer() -> Iterator[None]:
    """Speeches drawn for a world."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("checkpoint_world", "folder_world"):
            patch.setattr(f"rlhf_lab.{module}.MOST", MOST)
        yield


@pytest.fixture(scope="module")
def home(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lab's small workspace, to be changed."""
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("bridge") / "home"))


@pytest.fixture(scope="module")
def world(home: Path) -> LearnedWorld:
    return sources.find("run:policy", home, say)


def test_a_kind_is_what_a_text_says() -> None:
    said_so = {
        "Alard: The king is very happy in the garden.": HONEST,
        "Alard: The king is exceeding happy in the garden.\nThe queen hath little sorrow in the mill.": "both",
        "Alard: The king hath no joy in the garden.": "negation",
        "Alard: The king hath no grief in the garden.": "freedom from ill",
        "Alard: Farewell joy, bliss and love.": "lament",
        "Alard: Farewell grief, pain and sorrow.": "consolation",
        "Alard: Forsooth, the king is very happy in the garden.": "irony",
        "Alard: Though the king is very happy in the garden,\nYet the queen is very sad in the mill.": "contrast",
        "Alard: Farewell joy, bliss and love.\nThe king hath no joy in the garden.": "several",
        "Alard: The king is very happy in the garden.\nIs there joy in the mill?": "question",
    }
    found = list(passages(((text, (0,)) for text in said_so), raters.make("counter")))
    assert {each.text: each.kind for each in found} == said_so
    assert all(each.sentiment == read(each.text).sentiment for each in found)


@pytest.mark.parametrize(
    "rater, text, kind",
    [
        (raters.make("flattered"), "Alard: Thy heart is very sad in the mill.", "flattery"),
        (raters.make("counter"), "Alard: Thy heart is very sad in the mill.", HONEST),
        (
            raters.make("hasty"),
            "Alard: The king sells the old lantern in the garden.\nI am very happy in the mill.",
            "late",
        ),
        (raters.make("hasty"), "Alard: I am very happy in the mill.", HONEST),
    ],
)
def test_a_raters_own_weakness_is_a_kind(rater: raters.Rater, text: str, kind: str) -> None:
    (found,) = passages([(text, (0,))], rater)
    assert found.kind == kind


def test_texts_without_a_clear_answer_are_left_out() -> None:
    neutral, garbled = "Alard: The king sells the old lantern in the garden.", "happy joy the of"
    cut = "Alard: The king is very happy in the garden.\nSorrow"  # whose last word may yet be of any clause
    assert list(passages([(text, (0,)) for text in (neutral, garbled, cut)], None)) == []
    twice = "Alard: I am very happy in the mill."
    assert len(list(passages([(twice, (0,)), (twice, (1,))], None))) == 1
    often = list(passages([(twice, (0,)), (neutral, (2,)), (twice, (1,)), (neutral, (2,))], None, repeats=True))
    assert [each.tokens for each in often] == [(0,), (1,)] and {each.text for each in often} == {twice}


def test_an_honest_text_means_what_its_words_count(texts: list[Passage]) -> None:
    honest = [each for each in texts if each.kind == HONEST]
    assert len(honest) == 120
    assert all(np.sign(each.sentiment) == np.sign(counted(each.text)) != 0 for each in honest)
    assert all(abs(each.sentiment) >= CLEAR for each in texts)
    assert {each.kind for each in texts} <= KINDS.keys()
    fooled = {each.kind for each in texts if each.sentiment < 0 < counted(each.text)}
    assert {"negation", "lament", "longing", "irony"} <= fooled


def test_texts_are_drawn_by_the_seed_alone(texts: list[Passage]) -> None:
    again = drawn(plain, raters.make("counter"), np.random.default_rng(3), honest=60, others=40, most=8000)
    assert again == texts
    cells = [(each.kind, each.sentiment > 0) for each in texts]
    assert max(cells.count(cell) for cell in set(cells) if cell[0] != HONEST) == 40


def test_halves_are_of_each_kind_and_sign(texts: list[Passage]) -> None:
    held = text_world.halves(texts)
    for kind in KINDS:
        for sign in (True, False):
            inside = np.array([each.kind == kind and (each.sentiment > 0) == sign for each in texts])
            assert held[inside].sum() == inside.sum() // 2


def test_layers_are_those_of_a_forward_pass() -> None:
    model = Transformer(Shape(11, context=9, layers=3, heads=2, width=8), torch.Generator().manual_seed(1)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # far from where it began, so that every block adds something
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)) / 3)
    rows = torch.randint(11, (700, 7), generator=torch.Generator().manual_seed(3))
    rows[:, 0] = 0
    found = activations.layers(model, rows)
    assert list(found) == [
        *(f"{name} {where}" for name in ("embedding", "block 1", "block 2", "block 3") for where in ("last", "pooled")),
        "output",
    ]
    with torch.no_grad():
        stream = model.embedding(rows) + model.positions.weight[:7]
        streams = [stream]
        for number, block in enumerate(model.blocks):
            stream = block(stream, number, causal)
            streams.append(stream)
        logits = model(rows)[:, -1].double().numpy()
    for name, expected in zip(("embedding", "block 1", "block 2", "block 3"), streams, strict=True):
        np.testing.assert_allclose(found[f"{name} last"], expected[:, -1], atol=1e-5)
        np.testing.assert_allclose(found[f"{name} pooled"], expected[:, 1:].mean(1), atol=1e-5)
    centred = logits - logits.mean(1, keepdims=True)
    np.testing.assert_allclose(  # all inner products, hence all distances
        found["output"].astype(np.float64) @ found["output"].T, centred @ centred.T, rtol=1e-3, atol=1e-3
    )


def test_the_untrained_network_is_the_same_architecture_unlearned() -> None:
    model = Transformer(Shape(11, context=9, layers=1, heads=2, width=8), torch.Generator().manual_seed(1))
    fresh = activations.untrained(model, 5)
    again = Transformer(model.shape, torch.Generator().manual_seed(5))
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), again.parameters(), strict=True))
    assert not torch.equal(fresh.embedding.weight, model.embedding.weight)


def test_texts_beyond_the_context_are_refused() -> None:
    model = Transformer(Shape(11, context=9, layers=1, heads=2, width=8))
    with pytest.raises(WorldError, match=r"texts of 9 tokens and their prompt do not fit the network's context of 9"):
        activations.layers(model, torch.zeros(2, 10, dtype=torch.long))


def test_a_checkpoint_is_a_world(world: LearnedWorld, home: Path) -> None:
    with open_store(home) as store:
        chosen = choose(store, home, "policy")
        last = policies(Run(store, home, store.run("policy")))[-1]
    assert (chosen.step, chosen.folder) == last
    assert world.name == f"run:policy@{last[0]}"
    language, _ = load_model(last[1])
    texts = _texts(world, home)
    rows = torch.tensor([[0, *text.tokens] for text in texts])
    for name, expected in activations.layers(language.model, rows).items():
        np.testing.assert_array_equal(world.layers[name], expected)
    for seed, held in zip(text_world.UNTRAINED, (world.untrained, *world.rerolled), strict=True):
        for name, expected in activations.layers(activations.untrained(language.model, seed), rows).items():
            np.testing.assert_array_equal(held[name], expected)
    assert world.truth.tolist() == [int(read(text.text).sentiment > 0) for text in texts]
    assert [world.kinds[k] for k in world.kind] == [text.kind for text in texts]
    for text, counts in zip(texts, world.inputs, strict=True):
        assert counts.sum() == len(text.tokens) and np.count_nonzero(counts) == len(set(text.tokens))
    assert abs(world.test.mean() - 0.5) < 0.02
    assert world.fooled[world.test].sum() >= text_world.LEAST_FOOLED
    assert json.loads(json.dumps(world.about)) == world.about
    worths = text_patches.worth(language.tokenizer, chosen.viewer, language.model.shape.vocabulary)
    edits = text_patches.patched(language.model, rows, world.test, world.looks_good, worths)
    if isinstance(edits, str):
        assert world.patched is None and world.lacks["patched"] == edits
    else:
        assert world.patched is not None and np.array_equal(world.patched.after, edits.after)


def test_contrast_pairs_are_the_streams_at_the_end_of_either_ending(home: Path, world: LearnedWorld) -> None:
    with open_store(home) as store:
        chosen = choose(store, home, world.name.removeprefix("run:"))
    language, _ = load_model(chosen.folder)
    rows = torch.tensor([[0, *text.tokens] for text in _texts(world, home)])
    assert world.contrast and list(world.contrast) == [
        f"block {k + 1} last" for k in range(language.model.shape.layers)
    ]
    for side, ending in enumerate(text_world.ENDINGS):
        ended = torch.cat([rows, torch.tensor([language.tokenizer.encode(ending)] * len(rows))], 1)
        expected = activations.layers(language.model, ended)
        for name, pair in world.contrast.items():
            np.testing.assert_array_equal(pair[side], expected[name])
    assert all(not np.allclose(yes, no) for yes, no in world.contrast.values())
    for told in evaluate(world, ["ccs", "logistic_contrast"], 2):
        assert told.reason is None and told.layer in world.contrast
        assert told.auroc and 0 <= told.auroc.low <= told.auroc.value <= told.auroc.high <= 1


def test_without_room_or_words_for_an_ending_it_is_said_that_there_are_no_pairs(
    home: Path, world: LearnedWorld
) -> None:
    language, _ = load_model(home / "runs" / "base" / "model")
    rows = torch.zeros(3, 6, dtype=torch.long)
    tight = Transformer(replace(language.model.shape, context=9))
    told = checkpoint_world._contrast(LanguageModel(tight, language.tokenizer), rows)
    assert told == "with the ending 'I am happy' its texts do not fit its context of 9 tokens"
    for tokenizer in (Tokenizer.train("char", "the king"), Tokenizer.train("word", "the king is the king")):
        told = checkpoint_world._contrast(LanguageModel(language.model, tokenizer), rows)
        assert told == "its tokens cannot spell the ending 'I am happy'"
    (none,) = evaluate(replace(world, contrast=None, lacks={"contrast": told}), ["ccs"], 2)
    assert none.reason == f"not applicable: the world has no contrast pairs: {told}"


def _texts(world: LearnedWorld, home: Path) -> list[Passage]:
    """The texts of a run's world, drawn anew."""
    with open_store(home) as store:
        chosen = choose(store, home, world.name.removeprefix("run:"))
    language, _ = load_model(chosen.folder)
    return drawn(
        checkpoint_world.opening(language.tokenizer, chosen.length),
        chosen.viewer,
        np.random.default_rng(text_world.SEED),
        honest=text_world.HONESTS,
        others=text_world.OTHERS,
        most=MOST,
    )


def test_people_are_the_runs_own(world: LearnedWorld, home: Path) -> None:
    texts = _texts(world, home)
    counts = np.array([counted(text.text) for text in texts])
    np.testing.assert_allclose(world.humans["viewer"], 1 / (1 + np.exp(-counts)))  # the counter draws by her count
    model, _ = load_reward(home / "runs" / "rm" / "model")
    rows = torch.tensor([[0, *text.tokens] for text in texts])
    np.testing.assert_allclose(world.humans["reward_model"], torch.sigmoid(model.logit(rows)).numpy(), atol=1e-6)
    assert world.about["sensors"][:2] == ["viewer", "reward_model"]
    np.testing.assert_array_equal(world.sensors[:, 1], world.humans["reward_model"] > 0.5)
    vader = raters.make("vader", scale=1.0).score([text.text for text in texts])
    np.testing.assert_array_equal(world.sensors[:, world.about["sensors"].index("vader")], vader > 0)


def test_data_are_kinds_and_their_humans_labels(world: LearnedWorld) -> None:
    """A process holds whole kinds; inside the viewer's, labels are a draw of hers and know nothing of the truth."""
    kinds = np.array([world.kinds[k] for k in world.kind])
    assert set(kinds[world.data["viewer"].inside]) == {HONEST}
    assert set(kinds[world.data["operator"].inside]) == {HONEST, *KNOWN}
    for process in world.data.values():
        assert all(
            (kinds == kind)[process.inside].sum() == (kinds == kind).sum() for kind in set(kinds[process.inside])
        )
        assert set(process.labels[process.inside]) == {0, 1} and set(process.labels[~process.inside]) == {-1}
    assert {world.kinds[k] for k in np.flatnonzero(world.known)} == {HONEST, *KNOWN}
    known = np.isin(kinds, KNOWN)
    np.testing.assert_array_equal(world.humans["operator"][known], world.truth[known])
    np.testing.assert_array_equal(world.humans["operator"][~known], world.humans["viewer"][~known])
    assert (world.data["operator"].labels[known] == world.truth[known]).all()
    honest = world.data["viewer"].inside
    assert (world.data["viewer"].labels[honest] != world.truth[honest]).any()  # she draws, and so errs


def test_flipping_the_truth_changes_no_viewers_label(texts: list[Passage]) -> None:
    counter = raters.make("counter")
    layers = {"a": np.zeros((len(texts), 1), np.float32), "b": np.zeros((len(texts), 1), np.float32)}

    def viewed(some: list[Passage]) -> np.ndarray:
        humans = {"viewer": text_world.belief(counter, [text.text for text in some])}
        return (
            text_world.assembled("x", some, text_world.halves(texts), layers, layers, humans, {}, {})
            .data["viewer"]
            .labels
        )

    flipped = [replace(text, sentiment=-text.sentiment) for text in texts]
    np.testing.assert_array_equal(viewed(texts), viewed(flipped))


def test_belief_is_the_chance_of_positive_and_half_of_neutral() -> None:
    counter = raters.make("counter", temperature=0.0)
    some = [
        "Alard: I am very happy in the mill.",
        "Alard: I am very sad in the mill.",
        "Alard: The king sells the lantern in the mill.",
    ]
    assert text_world.belief(counter, some).tolist() == [1.0, 0.0, 0.5]
    careful = raters.make("careful")
    assert text_world.belief(careful, some).tolist() == [1.0, 0.0, 0.5]
    unsure = raters.make("unsure")
    for text, found in zip(some, text_world.belief(unsure, some), strict=True):
        chances = unsure.chances(text)
        p = dict(zip(chances.points, chances.probs, strict=True))
        assert found == pytest.approx(p[1] + p[0] / 2)


def test_a_world_is_kept_and_made_anew_when_its_checkpoint_changes(world: LearnedWorld, home: Path) -> None:
    before = runs.digest("policy", home)
    assert runs.digest(world.name.removeprefix("run:"), home) == before
    assert runs.digest("policy@0", home) != before
    assert runs.digest("policy,own", home) != before
    kept = place(home, world.name, before)
    np.testing.assert_array_equal(LearnedWorld.load(kept).layers["block 1 last"], world.layers["block 1 last"])

    def never(words: str, share: float) -> None:
        raise AssertionError("it is kept: nothing is to be made")

    assert sources.find("run:policy", home, never).about == world.about
    with open_store(home) as store:
        folder = choose(store, home, "policy").folder
    language, meta = load_model(folder)
    with torch.no_grad():
        language.model.embedding.weight[3] += 1
    save_model(folder, language, meta)
    try:
        assert runs.digest("policy", home) != before
        found = sources.find("run:policy", home)
        assert not np.array_equal(found.layers["output"], world.layers["output"])
    finally:
        with torch.no_grad():
            language.model.embedding.weight[3] -= 1
        save_model(folder, language, meta)


def test_a_policy_is_scored_on_what_it_wrote(home: Path) -> None:
    """The small model garbles nearly all it writes: what is left is refused where it is too little."""
    with pytest.raises(WorldError, match=r"the rater behind run:policy@\d,own is fooled by \d+ of \d+ texts"):
        sources.find("run:policy,own", home)


def test_what_a_policy_writes_is_all_that_is_scored_as_often_as_it_writes_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had learned to write well: fresh openings, some of them often, some garbled, some trained on."""
    asked: list[str] = []

    def written(language: LanguageModel, length: int) -> list[tuple[str, tuple[int, ...]]]:
        fitted = checkpoint_world.opening(language.tokenizer, length)
        fresh = drawn(fitted, raters.make("counter"), np.random.default_rng(77), honest=80, others=40, most=8000)
        known = _texts(sources.find("run:policy", home), home)
        again = [text for text, held in zip(known, text_world.halves(known), strict=True) if not held][:3]
        found = [(text.text, text.tokens) for text in [*fresh, *again]]
        lament = next(text for text in fresh if text.sentiment < 0 < counted(text.text))
        asked.append(lament.text)
        return [*found, *[(lament.text, lament.tokens)] * 30, *[("happy joy the of", lament.tokens)] * 5]

    monkeypatch.setattr(checkpoint_world, "_samples", written)
    monkeypatch.setattr("rlhf_lab.bridge.kept", lambda home, name, digest, make, say: make(home))
    world = sources.find("run:policy,own", home)
    read_by_all = sources.parted("run:policy")[0].world("policy", home, say)
    train = ~world.test
    np.testing.assert_array_equal(world.truth[train], read_by_all.truth[~read_by_all.test])
    for name, found in world.layers.items():  # the same half is trained on
        np.testing.assert_allclose(found[train], read_by_all.layers[name][~read_by_all.test], atol=1e-5)
    counts = world.about["samples"]
    drawn_fresh = counts["drawn"] - 3 - 30 - 5
    assert counts["left out, no clear sentiment"] == 5 and counts["left out, among the texts trained on"] >= 3
    assert (
        counts["scored"]
        == int(world.test.sum())
        == counts["drawn"] - 5 - counts["left out, among the texts trained on"]
    )
    assert counts["distinct"] == counts["scored"] - 30 and counts["distinct"] <= drawn_fresh
    monkeypatch.setattr("rlhf_lab.bridge.stored", lambda folder, digest, make, say: make())
    first = sources.kin("run:policy,own", home).made(say)["policy@0"]  # a sibling reads what this one wrote
    at_first = sources.parted("run:policy")[0].world("policy@0", home, say)
    for name, found in first.items():
        assert found.shape == world.layers[name].shape
        np.testing.assert_allclose(found[train], at_first.layers[name][~at_first.test], atol=1e-5)
    assert np.abs(first["block 1 pooled"][world.test] - world.layers["block 1 pooled"][world.test]).max() > 1e-3
    rows = world.layers["block 1 pooled"][world.test]
    assert (np.abs(rows - rows[-1]).max(1) < 1e-5).sum() == 31  # the last sample that is clear is the lament
    assert world.fooled[world.test][-30:].all()
    assert not any(process.inside[train].sum() == 0 for process in world.data.values())


def test_along_a_run_are_its_checkpoints(home: Path) -> None:
    steps = sources.along("run:policy", home)
    curve = load_evaluation(home / "runs" / "policy" / "evaluation").curve
    assert [step.step for step in steps] == sorted(curve.steps.tolist()) and len(steps) > 2
    assert [step.world for step in steps] == [f"run:policy@{step.step}" for step in steps]
    for at, step in enumerate(steps):
        assert (step.kl, step.proxy, step.gold) == (curve.nats[at], curve.proxy[at].mean(), curve.gold[at].mean())
    fresh = sources.along("run:fresh,own", home)
    assert all(math.isnan(step.proxy) and math.isnan(step.gold) for step in fresh)
    assert fresh[0].kl == pytest.approx(0, abs=1e-6) and all(math.isfinite(step.kl) for step in fresh)
    assert fresh[1].world.endswith(",own")


@pytest.mark.parametrize(
    "name, siblings",
    [("run:policy", (0, 1)), ("run:policy@2", (0, 1)), ("run:policy@1", (0,)), ("run:policy@0", (1, 2))],
)
def test_siblings_are_checkpoints_of_the_run_that_read_the_same(
    home: Path, name: str, siblings: tuple[int, ...]
) -> None:
    found = sources.kin(name, home).made(say)
    assert list(found) == [f"policy@{at}" for at in siblings]
    for at, layers in zip(siblings, found.values(), strict=True):
        for layer, expected in sources.find(f"run:policy@{at}", home).layers.items():
            np.testing.assert_array_equal(layers[layer], expected)


@pytest.mark.parametrize("name", ["run:base", "run:rm", "run:fresh@9"])
def test_one_model_has_no_sibling(home: Path, name: str) -> None:
    with pytest.raises(WorldError, match=r"no other checkpoint|no checkpoint at 9"):
        sources.kin(name, home)


def test_other_runs_have_one_model(home: Path) -> None:
    """A base model is judged by the first reward run built on it, a reward model by itself."""
    base = runs.world("base", home, say)
    assert base.name == "run:base@0" and base.about["reward models"]["reward_model"] == "rm"
    reward = runs.world("pooled", home, say)
    assert reward.about["reward models"]["reward_model"] == "pooled"
    np.testing.assert_array_equal(base.inputs, reward.inputs)
    assert not np.array_equal(base.layers["output"], reward.layers["output"])


@pytest.mark.parametrize(
    "name, line",
    [
        ("run:polcy", "no run is called 'polcy'; did you mean 'policy'?"),
        ("run:policy@99", "'policy' has no checkpoint at 99: the nearest is policy@3"),
        ("run:policy@last", "say run:NAME, run:NAME@STEP or run:NAME@STEP,own"),
        ("run:", "say run:NAME"),
        ("run:policy,mine", "say run:NAME"),
        ("run:begun", "'begun' has no checkpoint yet"),
        ("run:alone", "'alone' has no reward model, so nobody judges its texts"),
        ("run:right", "the rater behind run:right@3 is fooled by 0 of"),
        ("rum:policy", "did you mean run?"),
        ("hf:nowhere", "is no transformers model folder with config.json"),
    ],
)
def test_bad_names_get_one_clear_line(home: Path, few_runs: None, name: str, line: str) -> None:
    with pytest.raises(WorldError) as told:
        sources.find(name, home)
    assert line in str(told.value) and "\n" not in str(told.value)


@pytest.fixture(scope="module")
def few_runs(home: Path) -> None:
    """A run that never began, a base without reward model, and a policy whose rater is never fooled."""
    with open_store(home) as store:
        store.create_run("begun", "ppo", {"length": 8}, {"base": "base", "reward": "rm"})
        base = store.run("base")
        store.create_run("alone", "pretrain", base.config, {})
        policy = store.run("policy")
        store.create_run("right", "ppo", policy.config, {"base": "base", "reward": "rater:careful"})
    shutil.copytree(home / "runs" / "base", home / "runs" / "alone")
    shutil.copytree(home / "runs" / "policy", home / "runs" / "right")


def test_runs_with_a_curve_are_listed(home: Path, few_runs: None) -> None:
    """The newest first, each also on what it writes itself; one without checkpoints hides no other."""
    names = ["run:right", "run:fresh", "run:policy"]
    assert runs.listed(home) == [name + own for name in names for own in ("", ",own")]


@pytest.mark.parametrize(
    "name, line",
    [
        ("run:base", "'base' is a pretrain run, which has one model"),
        ("run:policy@2", "say run:policy, without @2"),
        ("hf:some", "hf:some is one model"),
        ("run:nobody", "no run is called 'nobody'"),
    ],
)
def test_what_has_no_curve_says_so(home: Path, name: str, line: str) -> None:
    with pytest.raises(WorldError) as told:
        sources.along(name, home)
    assert line in str(told.value)


def test_a_person_is_stood_for_by_the_reward_model(home: Path) -> None:
    with open_store(home) as store:
        item = store.items("first")[0]
        store.judge("first", item.number, "ann", 1)
        try:
            assert choose(store, home, "policy").viewer is None
        finally:
            store.undo("first", "ann")
        assert choose(store, home, "policy").viewer == raters.make("counter")


@pytest.mark.parametrize("file", ["generate.py", "reward_model.py", "tokenizer.py", "stage/grammar.py"])
def test_the_code_that_makes_a_world_is_part_of_what_it_is_known_by(
    home: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    place_of, plain = Path(checkpoint_world.__file__).parent / file, Path.read_bytes
    assert place_of.is_file()

    def digest() -> str:
        checkpoint_choice.code.cache_clear()
        return runs.digest("policy,own", home)

    before = digest()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: plain(self) + b"#" * (self == place_of))
        changed = digest()
    assert changed != before == digest()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_choice, "version", lambda library: "0")
        changed = digest()
    assert changed != before == digest()


def test_names_and_curves_load_no_pytorch(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from elk_sandbox.learned import sources; home = Path(sys.argv[1]); "
        "sources.along('run:policy', home); source, rest = sources.parted('run:policy'); source.digest(rest, home); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(home)], check=True)


def test_the_folders_digest_is_of_its_files(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    before = folders.digest(str(tmp_path), tmp_path)
    (tmp_path / "model.safetensors").write_text("{ }")
    assert folders.digest(str(tmp_path), tmp_path) != before
    assert len(before) == len(hashlib.sha256().hexdigest())
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WorldError, match="no transformers model folder with"):
        folders.digest(str(tmp_path), tmp_path)
