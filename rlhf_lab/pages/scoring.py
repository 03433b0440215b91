"""Reward models in the app: loaded once for all visitors, few at a time, and asked in a blink.

A model of the demo's size scores a text in a few milliseconds and is loaded in some ten; PyTorch itself takes seconds
to import, once a server.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from elk_sandbox.terminal import InputError
from rlhf_lab.checkpoint_files import META
from rlhf_lab.pages.kept import changed

if TYPE_CHECKING:
    from rlhf_lab.reward_model import RewardModel
    from rlhf_lab.tokenizer import Tokenizer

__all__ = ["Labelled", "extremes", "ready", "scored"]

MOST = 400  # labelled texts that are scored here, those held out first: more would take longer than a visitor waits
SHOWN = 5  # of either end


@dataclass(frozen=True)
class Labelled:
    """A labelled text as a reward model sees it."""

    pieces: list[str]
    adds: list[float]
    """Of each piece, to the log odds of positive, in nats."""
    reward: float
    """Log odds of positive, in nats."""
    label: int
    """-1, 0 or 1; of several raters what most said."""
    held_out: bool


def ready() -> None:
    """Import PyTorch, which takes seconds the first time, behind a word that says so."""
    if "torch" in sys.modules:
        return
    with st.spinner("Loading PyTorch, once for all visitors"):
        import torch  # noqa: F401


@st.cache_resource(show_spinner=False, max_entries=8)
def _model(folder: str, when: int) -> "tuple[RewardModel, Tokenizer]":
    from rlhf_lab.reward_model import load_reward
    from rlhf_lab.tokenizer import Tokenizer

    model, meta = load_reward(Path(folder))
    return model, Tokenizer.from_json(meta["tokenizer"])


@st.cache_data(show_spinner=False, max_entries=256)
def _scored(folder: str, when: int, text: str) -> dict[str, Any] | str:
    import torch

    from rlhf_lab.attribution import of_text

    torch.set_num_threads(1)
    try:
        return of_text(*_model(folder, when), text)
    except InputError as reason:
        return str(reason)


def scored(run: Path, text: str) -> dict[str, Any] | str:
    """A text's pieces, what each adds, its reward and that of the empty text; or why it has none, in words."""
    ready()
    folder = run / "model"
    return _scored(str(folder), changed(folder / META), text)


def extremes(run: Path, held_out: float, seed: int) -> tuple[list[Labelled], list[Labelled], int, int]:
    """The labelled texts with the highest reward, those with the lowest, how many were scored, and of how many.

    held_out, seed: of the run's settings.
    """
    ready()
    return _extremes(str(run), held_out, seed, changed(run / "model" / META), changed(run / "labels" / META))


@st.cache_resource(show_spinner="Scoring the labelled texts", max_entries=8)
def _extremes(run: str, held_out: float, seed: int, *when: int) -> tuple[list[Labelled], list[Labelled], int, int]:
    import numpy as np
    import torch

    from rlhf_lab.attribution import added
    from rlhf_lab.checkpoints import load
    from rlhf_lab.reward_labels import split
    from rlhf_lab.reward_run import logits

    torch.set_num_threads(1)
    folder = Path(run)
    model, tokenizer = _model(str(folder / "model"), when[0])
    tensors, _ = load(folder / "labels")
    targets = tensors["targets"].numpy()
    train, held = split(len(targets), held_out, seed)
    chosen = np.concatenate([held, train])[:MOST]
    tokens = tensors["tokens"][torch.from_numpy(chosen)]
    score = logits(model, tokens).double().numpy()
    order = np.argsort(-score, kind="stable")

    def told(rows: "np.ndarray[Any, Any]") -> list[Labelled]:
        with torch.no_grad():
            adds = added(model.prefixes(tokens[torch.from_numpy(rows.copy())])).tolist()
        return [
            Labelled(
                tokenizer.spans(tokens[k, 1:].tolist()), adds[i], float(score[k]),
                round(2 * float(targets[chosen[k]]) - 1), bool(k < len(held)),
            )
            for i, k in enumerate(rows)
        ]  # fmt: skip

    count = min(SHOWN, len(order) // 2)
    return told(order[:count]), told(order[::-1][:count]), len(chosen), len(targets)
