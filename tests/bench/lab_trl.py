"""Whole iterations of TRL's RLOO and GRPO trainers on a GPT-2 built from its configuration, for `lab_speed.py`.

Settings in TRL's favour: one prompt for the whole group, generation by transformers with its cache, no end-of-text
check while generating, no reference model, no gradient checkpointing, fused AdamW, no logging, no saving. The
minibatches are accumulated into one optimiser step, so that GRPO needs no old log-probabilities.

`beside` runs it in a process of its own, as its users do, or there with our settings of the memory allocator.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")

import torch

from rlhf_lab.machine import prepare
from rlhf_lab.transformer import Shape

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the peers import is not ours to mend
    import transformers
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, TrainerCallback
    from transformers.trainer_callback import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

transformers.logging.set_verbosity_error()
TAKEN = "seconds: "
TRAINERS = {"RLOO": (RLOOTrainer, RLOOConfig), "GRPO": (GRPOTrainer, GRPOConfig)}


def gpt2(shape: Shape) -> GPT2LMHeadModel:
    """The same sizes; token 0 starts every text."""
    config = GPT2Config(
        vocab_size=shape.vocabulary, n_positions=shape.context, n_embd=shape.width, n_layer=shape.layers,
        n_head=shape.heads, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, activation_function="gelu",
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def words(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer of that many words, w0 to w(n - 1), of which w0 starts, ends and pads."""
    model = models.WordLevel({f"w{i}": i for i in range(vocabulary)}, unk_token="w0")
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="w0", eos_token="w0", pad_token="w0", padding_side="left"
    )


def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """The number of tokens 3."""
    return [float(ids.count(3)) for ids in completion_ids]


class Clock(TrainerCallback):
    """Times every optimiser step with its generation, and says after each, untimed, how many seconds it took."""

    def __init__(self, told: Callable[[float], None]) -> None:
        self.told = told
        self.start = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.start = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.told(time.perf_counter() - self.start)
        self.start = time.perf_counter()


def iterations(
    trainer: str, shape: Shape, batch: int, length: int, count: int, *, minibatch: int, bf16: bool, device: str,
    told: Callable[[float], None],
) -> None:  # fmt: skip
    """Run so many iterations."""
    kind, config = TRAINERS[trainer]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = {
            "output_dir": folder, "max_steps": count, "per_device_train_batch_size": minibatch,
            "gradient_accumulation_steps": batch // minibatch, "num_generations": batch, "num_iterations": 1,
            "max_completion_length": length, "temperature": 1.0, "top_k": 0, "beta": 0.0, "learning_rate": 2e-4,
            "generation_kwargs": {"eos_token_id": None}, "gradient_checkpointing": False, "bf16": bf16,
            "optim": "adamw_torch_fused", "use_cpu": device == "cpu", "report_to": "none", "logging_strategy": "no",
            "save_strategy": "no", "disable_tqdm": True, "dataloader_pin_memory": False,
        }  # fmt: skip
        made = kind(
            model=gpt2(shape),
            reward_funcs=reward,
            args=config(**settings),
            train_dataset=Dataset.from_dict({"prompt": ["w0"] * 8}),
            processing_class=words(shape.vocabulary),
            callbacks=[Clock(told)],
        )
        made.remove_callback(PrinterCallback)
        made.train()


def beside(between: Callable[[], None], allocator: bool, shape: Shape, count: int, **asked: Any) -> list[float]:
    """Seconds of `count` iterations after one that warms up, in a child that waits while `between` runs here."""
    asked |= {"shape": asdict(shape), "count": count + 1, "allocator": allocator}
    command = [sys.executable, "-m", "tests.bench.lab_trl", json.dumps(asked)]
    found = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        for line in child.stdout:
            if line.startswith(TAKEN):
                found.append(float(line.removeprefix(TAKEN)))
                between()
                child.stdin.write("\n")
                child.stdin.flush()
    if child.returncode:
        raise SystemExit(f"TRL ended with status {child.returncode}")
    return found[1:]


def child(shape: dict[str, int], allocator: bool, **asked: Any) -> None:
    """What `beside` runs."""
    if allocator:
        prepare()

    def told(seconds: float) -> None:
        print(f"{TAKEN}{seconds}", flush=True)
        sys.stdin.readline()

    iterations(shape=Shape(**shape), told=told, **asked)


if __name__ == "__main__":
    child(**json.loads(sys.argv[1]))
