"""A small random GPT-2 as a learned world; slow, as transformers takes seconds to load."""

import sys
from pathlib import Path

import numpy as np
import pytest
import tokenizers
import torch
from safetensors.torch import load_file, save_file

from elk_sandbox.learned import sources
from elk_sandbox.learned.world import LearnedWorld, WorldError
from rlhf_lab import folder_world, raters
from rlhf_lab.stage import corpus_text

SIZES = {"vocab_size": 300, "n_embd": 12, "n_layer": 2, "n_head": 2, "bos_token_id": None, "eos_token_id": None}


@pytest.fixture(autouse=True)
def fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speeches drawn for a world."""
    monkeypatch.setattr(folder_world, "MOST", 4000)


def make(folder: Path, positions: int) -> Path:
    transformers = pytest.importorskip("transformers")
    learner = tokenizers.Tokenizer(tokenizers.models.BPE())
    learner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel()
    letters = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=300, initial_alphabet=letters, show_progress=False)
    learner.train_from_iterator([corpus_text(0, 20_000)], trainer)
    learner.save(str(folder / "tokenizer.json"))
    torch.manual_seed(7)
    config = transformers.GPT2Config(**SIZES, n_positions=positions)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
def test_a_folder_is_a_world(tmp_path: Path) -> None:
    """Its layers are those of a forward pass of each text alone: padding changes nothing."""
    folder = make(tmp_path, 256)
    world = sources.find(f"hf:{folder}", tmp_path)
    transformers = pytest.importorskip("transformers")
    model = transformers.GPT2LMHeadModel.from_pretrained(folder, use_safetensors=True).eval()
    learned = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = folder_world.drawn(
        lambda speech: (speech, tuple(learned.encode(speech).ids)), raters.make("counter"),
        np.random.default_rng(folder_world.SEED), honest=folder_world.HONESTS, others=folder_world.OTHERS, most=4000,
    )  # fmt: skip
    assert list(world.layers) == [
        *(f"{name} {where}" for name in ("embedding", "block 1", "block 2") for where in ("last", "pooled")),
        "output",
    ]
    logits = []
    for at in range(0, len(texts), len(texts) // 20):
        with torch.no_grad():
            found = model(torch.tensor([texts[at].tokens]), output_hidden_states=True)
        with torch.no_grad():  # the stream that the last block leaves is what its norm is given
            whole = model.transformer.h[1](found.hidden_states[1])
            whole = whole[0] if isinstance(whole, tuple) else whole
            torch.testing.assert_close(model.transformer.ln_f(whole), found.hidden_states[2])
        for name, stream in zip(("embedding", "block 1", "block 2"), (*found.hidden_states[:2], whole), strict=True):
            np.testing.assert_allclose(world.layers[f"{name} last"][at], stream[0, -1], atol=1e-4)
            np.testing.assert_allclose(world.layers[f"{name} pooled"][at], stream[0].mean(0), atol=1e-4)
        logits.append((found.logits[0, -1] - found.logits[0, -1].mean()).double().numpy())
        assert world.inputs[at].sum() == len(texts[at].tokens)
    output = world.layers["output"][:: len(texts) // 20].astype(np.float64)
    np.testing.assert_allclose(output @ output.T, np.array(logits) @ np.array(logits).T, atol=1e-3)
    assert not np.allclose(world.untrained["output"], world.layers["output"])
    assert len(world.rerolled) == 2 and world.contrast and list(world.contrast) == ["block 1 last", "block 2 last"]
    for side, ending in enumerate(folder_world.ENDINGS):
        row = [*texts[5].tokens, *learned.encode(ending).ids]
        with torch.no_grad():
            stream = model(torch.tensor([row]), output_hidden_states=True).hidden_states[1][0, -1]
        np.testing.assert_allclose(world.contrast["block 1 last"][side][5], stream, atol=1e-4)
    assert set(np.unique(world.humans["viewer"])) == {0.0, 0.5, 1.0}
    assert world.patched is None and "its architecture" in world.lacks["patched"]
    again = sources.find(f"hf:{folder}", tmp_path / "elsewhere")
    assert isinstance(again, LearnedWorld)
    np.testing.assert_array_equal(again.untrained["block 2 last"], world.untrained["block 2 last"])


@pytest.mark.slow
def test_a_text_beyond_the_context_gets_one_line(tmp_path: Path) -> None:
    folder = make(tmp_path, 16)
    with pytest.raises(WorldError, match=r"a text of \d+ tokens is longer than the context of .*, 16"):
        sources.find(f"hf:{folder}", tmp_path)


@pytest.mark.slow
def test_weights_that_are_missing_or_broken_get_one_line(tmp_path: Path) -> None:
    folder = make(tmp_path, 256)
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight for name, weight in weights.items() if "h.1.mlp" not in name}, folder / "model.safetensors")
    with pytest.raises(WorldError, match=r"has no weights transformer\.h\.1\.mlp"):
        sources.find(f"hf:{folder}", tmp_path)
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(WorldError, match="cannot be read as a model") as told:
        sources.find(f"hf:{folder}", tmp_path)
    assert "\n" not in str(told.value)


def test_without_transformers_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(WorldError, match=r"hf: needs the extra hf: pip install 'elk-sandbox\[hf\]'"):
        sources.find(f"hf:{tmp_path}", tmp_path)


def test_a_broken_tokenizer_gets_one_line(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(WorldError, match=r"tokenizer.json cannot be read"):
        sources.find(f"hf:{tmp_path}", tmp_path)
