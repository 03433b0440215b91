"""Pretraining: its score against closed forms, a step against the book, and that a resumed run has the same bits."""

import math
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.run import Run
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.terminal import InputError
from rlhf_lab import checkpoints, corpus, pretrain
from rlhf_lab.models import digest, load_model
from rlhf_lab.optimizers import scheduled
from rlhf_lab.presets import SHAKESPEARE, STAGE, PretrainConfig, chosen_for
from rlhf_lab.pretrain import Dropout, Training, nats_per_character
from rlhf_lab.stage import corpus_text
from rlhf_lab.tokenizer import Tokenizer
from rlhf_lab.transformer import Shape, Transformer

SMALL = PretrainConfig(
    tokenizer="char", context=16, layers=1, heads=2, width=16, steps=60, batch=4, learning_rate=3e-3, warmup=5,
    weight_decay=0.1, dropout=0.1, documents=0.5, precision="fp32", validate_every=15, save_every=10, threads=1,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """So small a model is slower on several, and much slower on a machine that is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def config(tmp_path: Path) -> PretrainConfig:
    (tmp_path / "play.txt").write_text(corpus_text(0, 12_000))
    return replace(SMALL, corpus=str(tmp_path / "play.txt"))


def create(store: Store, tmp_path: Path, name: str, config: PretrainConfig) -> Run:
    return jobs.create(store, tmp_path, name, "pretrain", asdict(config), {})


def carry_out(run: Run) -> str:
    return jobs.execute(run, lambda run: pretrain.pretrain(PretrainConfig(**run.config), run))


def lasting(run: Run) -> tuple[str, dict[str, list[tuple[int, float]]]]:
    """What two equal runs share: the weights' digest, and the metrics but for those of the clock."""
    metrics = {key: rows for key, rows in run.metrics().items() if not key.startswith("time/")}
    return digest(load_model(run.folder / "model")[0].model), metrics


def training(text: str, **changes: object) -> Training:
    config = replace(SMALL, **changes)  # type: ignore[arg-type]
    return Training(config, corpus.Corpus("text", text, "0"), torch.device("cpu"))


@pytest.mark.parametrize("length", [1, 15, 16, 17, 47, 16 * 130])
def test_a_uniform_model_needs_the_logarithm_of_its_vocabulary(length: int) -> None:
    """Whatever the length: every token is counted once, and divided by characters, of which a blank line has two."""
    tokenizer = Tokenizer.train("char", "ab\n")
    model = Transformer(Shape(tokenizer.size, context=16, layers=1, heads=1, width=8))
    torch.nn.init.zeros_(model.embedding.weight)
    text = ("ab\n\n" * length)[:length]
    tokens = len(text) - text.count("\n\n")
    assert nats_per_character(model, tokenizer, text) == pytest.approx(tokens * math.log(4) / len(text), rel=1e-6)


def test_nats_per_character_are_the_probability_of_the_text() -> None:
    """By the chain rule, a token at a time, each after what stands before it in its window."""
    text = corpus_text(2, 400)
    tokenizer = Tokenizer.train("bpe", text, size=80)
    model = Transformer(Shape(tokenizer.size, context=8, layers=2, heads=2, width=16), torch.Generator().manual_seed(0))
    stream, nats = [0, *tokenizer.encode(text)], 0.0
    for i in range(1, len(stream)):
        begin = (i - 1) // 8 * 8
        logits = model(torch.tensor([stream[begin:i]]))[0, -1]
        nats -= float(torch.log_softmax(logits, -1)[stream[i]].detach())
    assert nats_per_character(model, tokenizer, text) == pytest.approx(nats / len(text), rel=1e-5)


def test_unknown_words_are_paid_for() -> None:
    """Else the smallest vocabulary would score best."""
    text = corpus_text(2, 4_000)
    shape = {"context": 16, "layers": 1, "heads": 1, "width": 8}
    scores = []
    for size in (None, 20):
        tokenizer = Tokenizer.train("word", text, size=size)
        model = Transformer(Shape(tokenizer.size, **shape))
        torch.nn.init.zeros_(model.embedding.weight)
        scores.append(nats_per_character(model, tokenizer, text))
    assert scores[0] < scores[1]
    tokens = len(tokenizer.encode(text))
    assert scores[1] == pytest.approx((tokens * math.log(20) + tokenizer.spelling(text)) / len(text))


def test_half_of_the_crops_begin_after_a_blank_line() -> None:
    text = corpus_text(0, 4_000)
    made = training(text, batch=64, context=8)
    stream = made.tokens
    crops = torch.cat([made.crops() for _ in range(40)])
    assert crops.shape == (64 * 40, 9)
    windows = {tuple(window.tolist()) for window in stream.unfold(0, 9, 1)}
    assert {tuple(row) for row in crops.tolist()} <= windows, "every crop is a stretch of the text"
    share = float((crops[:, 0] == 0).double().mean())
    natural = float((stream == 0).double().mean())
    assert share == pytest.approx(0.5 + natural / 2, abs=0.02)
    assert training(text, documents=0.0, batch=64).crops()[:, 0].count_nonzero() > 55
    starts = {tuple(row[:5]) for row in crops.tolist() if row[0] == 0}
    assert tuple(stream[:5].tolist()) in starts, "the first document has a start too"


def test_the_schedule() -> None:
    rates = [scheduled(1.0, step, 100, 10) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert rates[10:] == pytest.approx([(100 - i) / 90 for i in range(10, 100)])
    assert scheduled(1.0, 3, 4, 10) == 0.5, "the warm-up takes at most half of the steps"


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_a_step_is_muon_and_adamw_by_the_book(scale: float) -> None:
    """In float64, by hand: the gradient cut at norm 1; layers' matrices decayed and moved by the polynomial of their
    gradient that makes its singular values about 1; all else by the gradient's sign, as AdamW's first step is."""
    made = training(corpus_text(0, 4_000), dropout=0.0, warmup=1, learning_rate=0.01, weight_decay=3.0)
    torch.nn.init.constant_(made.model.norm.weight, scale)
    state = made.generator.get_state()
    crops = made.crops()
    made.generator.set_state(state)
    before = {name: p.detach().double() for name, p in made.model.named_parameters()}
    twin = Transformer(made.model.shape).double()
    twin.load_state_dict(made.model.state_dict())
    loss = F.cross_entropy(twin(crops[:, :-1]).flatten(0, 1), crops[:, 1:].flatten())
    loss.backward()
    gradients = {name: p.grad for name, p in twin.named_parameters() if p.grad is not None}
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients.values()))
    made.advance()
    assert (norm > 1) == (scale > 1)
    assert float(made.total) == pytest.approx(float(loss.detach()), rel=1e-6)
    for name, after in made.model.named_parameters():
        g = gradients[name] / max(norm, 1)
        if name.startswith("blocks.") and after.dim() == 2:
            step = 0.01 * 0.2 * math.sqrt(max(g.shape)) * newton_schulz(g)
            apart = after.double() - (before[name] * (1 - 0.01 * 3.0) - step)
            assert apart.norm() < 0.1 * step.norm()  # PyTorch's goes through bf16, which small singular values feel
            assert before[name].norm() * 0.03 > 0.2 * step.norm()  # so that a decay that is missing would be seen
        else:
            torch.testing.assert_close(after.double(), before[name] - 0.003 * g / (g.abs() + 1e-8), rtol=0, atol=1e-4)


def newton_schulz(g: torch.Tensor) -> torch.Tensor:
    """The singular values s of g / |g| five times through 3.4445 s - 4.775 s^3 + 2.0315 s^5 (Jordan et al. 2024)."""
    u, s, v = torch.linalg.svd(g / g.norm(), full_matrices=False)
    for _ in range(5):
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    return u @ torch.diag(s) @ v


def test_dropout_leaves_out_its_share_and_is_off_in_the_model() -> None:
    shape = Shape(20, context=8, layers=2, heads=2, width=32)
    model = Transformer(shape, torch.Generator().manual_seed(0))
    tokens = torch.arange(16).reshape(2, 8)
    plain = model(tokens)
    dropout = Dropout(model, 0.25)
    assert torch.equal(model(tokens), plain)
    dropout.draw(2, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert not torch.equal(model(tokens), plain)
    assert dropout.masks is not None and dropout.masks.shape == (5, 2, 1, 32)
    assert dropout.masks.unique().tolist() == pytest.approx([0, 1 / 0.75])
    dropout.masks = None
    assert torch.equal(model(tokens), plain)
    masks = []
    for _ in range(200):
        dropout.draw(2, torch.Generator().manual_seed(len(masks)), torch.device("cpu"))
        masks.append(dropout.masks)
    assert float(torch.stack(masks).mean()) == pytest.approx(1, abs=0.01), "so features keep their mean"


def test_it_learns(store: Store, tmp_path: Path, config: PretrainConfig) -> None:
    """More than which characters are common: its nats are well below the entropy of single characters."""
    run = create(
        store, tmp_path, "run", replace(config, steps=300, batch=16, width=32, learning_rate=1e-2, dropout=0.0)
    )
    assert carry_out(run) == "done"
    language, meta = load_model(run.folder / "model")
    source = corpus.load(config.corpus)
    _, validation = source.split()
    counts = torch.tensor([validation.count(symbol) for symbol in set(validation)]).double()
    alone = float(-(counts * (counts / counts.sum()).log()).sum() / counts.sum())
    ((step, nats),) = run.metrics()["validation/nats_per_character"]
    assert step == 300 and nats < 0.75 * alone
    assert nats == nats_per_character(language.model, language.tokenizer, validation)
    assert meta["corpus"] == {"name": config.corpus, "sha256": source.sha256}
    assert run.metrics()["parameters"] == [(300, language.model.parameter_count)]
    losses = [value for _, value in run.metrics()["train/loss"]]
    assert len(losses) == 15 and losses[-1] < losses[0]


def test_a_run_stopped_anywhere_and_resumed_has_the_same_bits(
    store: Store, tmp_path: Path, config: PretrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped at random steps, and killed between a checkpoint and what comes after it."""
    whole = create(store, tmp_path, "whole", config)
    assert carry_out(whole) == "done"
    pieces = create(store, tmp_path, "pieces", config)
    rng = random.Random(0)
    ended = []
    while not ended or ended[-1] != "done":
        left = rng.randrange(1, 25)
        with monkeypatch.context() as patch:
            step = Training.advance

            def advance(self: Training, step=step) -> None:  # type: ignore[no-untyped-def]
                nonlocal left
                step(self)
                left -= 1
                if left == 0 and len(ended) % 2:
                    raise KeyboardInterrupt
                pieces.signalled = left == 0

            patch.setattr(Training, "advance", advance)
            try:
                ended.append(carry_out(pieces))
            except KeyboardInterrupt:
                ended.append("killed")
    assert {"stopped", "killed"} <= set(ended)
    assert lasting(pieces) == lasting(whole)
    assert carry_out(pieces) == "done", "a run that is done can be executed again"
    assert lasting(pieces) == lasting(whole)


def killed_after(run: Run, steps: int, monkeypatch: pytest.MonkeyPatch, **settings: float) -> None:
    """Carry a run out with these settings of the module, and kill it once it has taken so many steps."""
    step = Training.advance

    def advance(self: Training) -> None:
        step(self)
        if self.step == steps:
            run.flush()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "advance", advance)
        for name, value in settings.items():
            patch.setattr(pretrain, name, value)
        with pytest.raises(KeyboardInterrupt):
            carry_out(run)


def test_a_resumed_run_shows_nothing_of_the_steps_that_it_has_yet_to_redo(
    store: Store, tmp_path: Path, config: PretrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create(store, tmp_path, "run", config)
    step, seen = Training.advance, []
    killed_after(run, 48, monkeypatch, LOG_EVERY=3)
    assert run.metrics()["train/loss"][-1][0] == 45 and run.metrics()["validation/part"][-1][0] == 45

    def look(self: Training) -> None:
        seen.append((self.step, max(at for rows in run.metrics().values() for at, _ in rows)))
        step(self)

    monkeypatch.setattr(Training, "advance", look)
    assert carry_out(run) == "done"
    assert seen[0] == (40, 39) and all(at <= taken for taken, at in seen)


def test_a_slow_run_saves_by_the_clock_too(
    store: Store, tmp_path: Path, config: PretrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = create(store, tmp_path, "whole", config)
    assert carry_out(whole) == "done"
    run = create(store, tmp_path, "run", config)
    killed_after(run, 28, monkeypatch, SAVE_SECONDS=0.0)
    assert max(int(path.name) for path in (run.folder / "checkpoints").iterdir() if path.name.isdecimal()) == 27
    assert carry_out(run) == "done"
    assert lasting(run) == lasting(whole)


def test_a_damaged_checkpoint_costs_steps_and_no_bits(store: Store, tmp_path: Path, config: PretrainConfig) -> None:
    whole, other = create(store, tmp_path, "whole", config), create(store, tmp_path, "other", config)
    for run in (whole, other):
        assert carry_out(run) == "done"
    newest = other.folder / "checkpoints" / "00000060" / "tensors.safetensors"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    assert carry_out(other) == "done"
    assert lasting(other) == lasting(whole)


def test_a_run_goes_on_only_as_it_began(store: Store, tmp_path: Path, config: PretrainConfig) -> None:
    run = create(store, tmp_path, "run", config)
    assert carry_out(run) == "done"

    def refused(changed: PretrainConfig, line: str) -> None:
        with pytest.raises(InputError, match=line):
            pretrain.pretrain(changed, run)

    refused(replace(config, batch=8), r"began otherwise \(batch 4 then, 8 now\): clone it")
    refused(replace(config, threads=2), "threads 1 then, 2 now")
    torch.set_num_threads(1)
    Path(config.corpus).write_text(corpus_text(1, 12_000))
    refused(config, "began otherwise .corpus")


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint(
    store: Store, tmp_path: Path, config: PretrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Training.advance

    def advance(self: Training) -> None:
        if self.step == 24:
            with torch.no_grad():
                self.model.norm.weight.fill_(math.nan)
        step(self)

    run = create(store, tmp_path, "run", config)
    monkeypatch.setattr(Training, "advance", advance)
    assert carry_out(run) == "failed"
    message = store.run("run").message
    assert "the loss is no number at step 30: clone the run with a lower learning_rate" in message
    newest = checkpoints.Series(run.folder / "checkpoints").newest()
    assert newest is not None and newest[0] == 20
    assert not (run.folder / "model").exists()
    monkeypatch.undo()
    assert carry_out(run) == "done"


@pytest.mark.parametrize(
    "text, changes, line",
    [
        ("a b\n", {}, "is too short: 3 tokens for training and 1, its last tenth, for validation; both must be more"),
        ("word " * 100, {"tokenizer": "word"}, "is too short: .* than the context of 16"),
    ],
)
def test_a_corpus_that_is_too_short(text: str, changes: dict[str, str], line: str) -> None:
    with pytest.raises(InputError, match=line):
        training(text * 1, **changes)
    assert training("ab\n\n" * 60).starts[0] == 0


def test_what_is_left_to_the_corpus() -> None:
    for name, suits in (("stage", STAGE), ("shakespeare", SHAKESPEARE), ("/some/file", SHAKESPEARE)):
        chosen = chosen_for(PretrainConfig(corpus=name))
        assert {key: getattr(chosen, key) for key in suits} == suits
        assert chosen_for(chosen) == chosen
    own = PretrainConfig(layers=7, dropout=0.0, weight_decay=0.0, tokenizer="char", learning_rate=1e-4)
    assert chosen_for(own) == replace(
        own, **{key: STAGE[key] for key in ("context", "heads", "width", "documents", "steps", "batch")}
    )


@pytest.mark.parametrize(
    "changes, line",
    [
        ({"steps": -1}, "steps is -1: it must be above 0"),
        ({"dropout": 1.0}, "dropout is 1.0: it must be at least 0 and below 1"),
        ({"documents": 1.5}, "documents is 1.5: it must be from 0 to 1"),
        ({"save_every": 0}, "intervals are at least 1"),
        ({"warmup": -1}, "warm-up and threads"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, float], line: str) -> None:
    with pytest.raises(InputError, match=line):
        PretrainConfig(**changes)  # type: ignore[arg-type]


def test_the_estimate_is_of_the_right_size(config: PretrainConfig) -> None:
    config = replace(config, steps=200)
    told = pretrain.estimate(config)
    made = Training(config, corpus.load(config.corpus), torch.device("cpu"))
    assert f"{made.model.parameter_count:,} parameters" in told.words
    assert told.seconds > 200 * told.step > 0
