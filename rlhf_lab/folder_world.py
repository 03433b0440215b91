"""A transformers model folder (GPT-2 shaped) as a learned world: it reads speeches of the stage with its own tokenizer.

Nobody labelled anything for such a model: the viewer is a rater who counts happy and sad words. Of the folder only
config.json, tokenizer.json and safetensors are read, so that nothing in it is run. Needs the extra `hf`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from safetensors import SafetensorError
from torch import Tensor

from elk_sandbox.learned.sources import Say
from elk_sandbox.learned.world import LearnedWorld, WorldError
from rlhf_lab.activations import Layers, coordinates
from rlhf_lab.machine import prepare
from rlhf_lab.passages import Tokens, drawn
from rlhf_lab.raters import make
from rlhf_lab.text_world import (
    ENDINGS,
    HONESTS,
    MOST,
    OTHERS,
    SEED,
    UNTRAINED,
    Contrast,
    assembled,
    belief,
    halves,
    paired,
)

__all__ = ["made", "states"]

ROWS = 64  # texts read at once


@torch.no_grad()
def made(folder: Path, name: str, say: Say) -> LearnedWorld:
    """Its world. Raises WorldError without the extra, for what is no such folder, and for texts beyond its context."""
    try:
        import transformers
    except ImportError:
        raise WorldError("hf: needs the extra hf: pip install 'elk-sandbox[hf]'") from None
    library: Any = transformers  # which has no types
    library.utils.logging.disable_progress_bar()
    auto = library.AutoModelForCausalLM
    prepare()
    say("drawing texts", 0.0)
    viewer = make("counter", temperature=0.0)
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
    except Exception as reason:  # the library raises no narrower one
        raise WorldError(f"{folder / 'tokenizer.json'} cannot be read: {reason}") from None

    def whole(speech: str) -> tuple[str, Tokens]:
        return speech, tuple(tokenizer.encode(speech, add_special_tokens=False).ids)

    texts = drawn(
        whole, viewer, np.random.default_rng(SEED), honest=HONESTS, others=OTHERS, most=MOST,
        say=lambda share: say("drawing texts", 0.4 * share),
    )  # fmt: skip
    rows = [text.tokens for text in texts]
    try:
        model, loaded = auto.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as reason:
        raise WorldError(f"{folder} cannot be read as a model: {' '.join(str(reason).split())[:200]}") from None
    if missing := sorted(loaded["missing_keys"]):  # which the library would fill with random numbers
        raise WorldError(f"{folder} has no weights {missing[0]}: save the whole model there")
    context = getattr(model.config, "max_position_embeddings", None)
    if context is not None and (longest := max(map(len, rows))) > context:
        raise WorldError(f"a text of {longest} tokens is longer than the context of {folder}, {context}: take another")
    if (highest := max(map(max, rows))) >= model.get_input_embeddings().num_embeddings:
        raise WorldError(f"{folder}'s tokenizer has a token {highest} that its model has no embedding of")
    trained = states(model.float(), rows, lambda share: say("reading the texts", 0.4 + 0.15 * share))
    say("reading them with an ending", 0.55)
    endings = [tuple(tokenizer.encode(ending, add_special_tokens=False).ids) for ending in ENDINGS]
    contrast = _contrast(model, rows, endings, context)
    fresh: list[Layers] = []
    for seed in UNTRAINED:
        say("reading them without having learned", 0.7 + 0.1 * len(fresh))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            never = auto.from_config(model.config)
        fresh.append(states(never.float(), rows))
    about = {
        "folder": str(folder),
        "texts": "speeches of the stage",
        "viewer": viewer.to_json(),
        "network": {"architecture": type(model).__name__, "parameters": model.num_parameters()},
    }
    humans = {"viewer": belief(viewer, [text.text for text in texts])}
    return assembled(
        name, texts, halves(texts), trained, fresh[0], humans, {}, about, rerolled=fresh[1:], contrast=contrast,
        patched="nothing is known of how its architecture goes on from a part of its state",
    )  # fmt: skip


def _contrast(model: Any, rows: Sequence[Tokens], endings: Sequence[Tokens], context: int | None) -> Contrast | str:
    """What it makes of the texts with either ending, or why there is none."""
    known = model.get_input_embeddings().num_embeddings
    if not all(endings) or endings[0] == endings[1] or max(map(max, endings)) >= known:
        return f"its tokens do not tell the endings {' and '.join(repr(each.strip()) for each in ENDINGS)} apart"
    if context is not None and max(map(len, rows)) + max(map(len, endings)) > context:
        return f"with an ending its texts do not fit its context of {context} tokens"
    return paired(*(states(model, [row + ending for row in rows]) for ending in endings))


@torch.no_grad()
def states(model: Any, rows: Sequence[Tokens], say: Callable[[float], None] = lambda share: None) -> Layers:
    """As `activations.layers`, of texts of unlike length: the streams as blocks leave them, before the last norm."""
    model.eval()
    left: list[Tensor] = []  # by the last block; of hidden_states transformers gives the last one after the norm
    hook = _last_block(model).register_forward_hook(
        lambda _, given, found: left.append(found[0] if isinstance(found, tuple) else found)
    )
    try:
        return _states(model, rows, left, say)
    finally:
        hook.remove()


def _last_block(model: Any) -> torch.nn.Module:
    """The last of a model's transformer blocks. Raises WorldError where none is found."""
    count = model.config.num_hidden_layers
    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count]
    if not lists:
        raise WorldError(f"{type(model).__name__} has no list of its {count} blocks: take another architecture")
    return lists[0][-1]


def _states(model: Any, rows: Sequence[Tokens], left: list[Tensor], say: Callable[[float], None]) -> Layers:
    head = model.get_output_embeddings().weight
    basis = coordinates(head)
    names = ["embedding", *(f"block {k + 1}" for k in range(model.config.num_hidden_layers))]
    found: dict[str, list[Tensor]] = {f"{name} {where}": [] for name in names for where in ("last", "pooled")}
    output = []
    for begin in range(0, len(rows), ROWS):
        say(begin / len(rows))
        some = rows[begin : begin + ROWS]
        lengths = torch.tensor([len(row) for row in some])
        tokens = torch.zeros(len(some), int(lengths.max()), dtype=torch.long)
        for at, row in enumerate(some):
            tokens[at, : len(row)] = torch.tensor(row)
        inside = torch.arange(tokens.shape[1]) < lengths[:, None]
        left.clear()
        streams = model(tokens, attention_mask=inside.long(), output_hidden_states=True, use_cache=False).hidden_states
        every = torch.arange(len(some))
        for name, stream in zip(names, (*streams[:-1], left[-1]), strict=True):
            found[f"{name} last"].append(stream[every, lengths - 1])
            found[f"{name} pooled"].append((stream * inside[..., None]).sum(1) / lengths[:, None])
        output.append(streams[-1][every, lengths - 1] @ basis)
    return {name: torch.cat(parts).float().numpy() for name, parts in (*found.items(), ("output", output))}
