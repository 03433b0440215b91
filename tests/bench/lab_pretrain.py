"""A training step beside an independently written model of nanoGPT's shape, in one run, interleaved.

    python -m tests.bench.lab_pretrain [--rounds 7] [--steps 6] [--threads 0]

The peer follows the published description (GPT-2 as nanoGPT trains it: LayerNorm without bias, one product for queries,
keys and values, scaled_dot_product_attention, GELU, learned positions, tied head, AdamW, gradients cut at norm 1). Both
take the same crops, dtype, fused optimiser and settings of the machine, and with equal weights must give equal logits.
Medians over the rounds; a ratio above 1 says that ours is faster.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rlhf_lab import machine
from rlhf_lab.optimizers import adamw
from rlhf_lab.presets import SHAKESPEARE, STAGE
from rlhf_lab.pretrain import MAX_GRADIENT
from rlhf_lab.transformer import LABELS, Shape, Transformer

CONTEXT = 64


class PeerBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)
        self.c_fc = nn.Linear(width, 4 * width, bias=False)
        self.mlp_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, time_, width = x.shape
        q, k, v = (
            part.view(batch, time_, self.heads, width // self.heads).transpose(1, 2)
            for part in self.c_attn(self.ln_1(x)).split(width, dim=2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(mixed.transpose(1, 2).contiguous().view(batch, time_, width))
        hidden: Tensor = self.mlp_proj(F.gelu(self.c_fc(self.ln_2(x))))
        return x + hidden


class Peer(nn.Module):
    """Logits of every row of the embedding, the two label tokens of ours included."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.wte = nn.Embedding(shape.vocabulary + LABELS, shape.width)
        self.wpe = nn.Embedding(shape.context, shape.width)
        self.h = nn.ModuleList(PeerBlock(shape.width, shape.heads) for _ in range(shape.layers))
        self.ln_f = nn.LayerNorm(shape.width, bias=False)
        self.lm_head = nn.Linear(shape.width, shape.vocabulary + LABELS, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        logits: Tensor = self.lm_head(self.ln_f(x))
        return logits


def same_weights(peer: Peer, ours: Transformer) -> None:
    """Copy our weights to the peer, part by part."""
    names = {
        "ln_1": "norm_attention", "c_attn": "qkv", "c_proj": "out", "ln_2": "norm_hidden", "c_fc": "up",
        "mlp_proj": "down", "wte": "embedding", "wpe": "positions", "h": "blocks", "ln_f": "norm",
        "lm_head": "embedding",
    }  # fmt: skip
    state = ours.state_dict()
    peer.load_state_dict({
        name: state[".".join(names.get(part, part) for part in name.split("."))] for name in peer.state_dict()
    })  # fmt: skip


def step_of(model: nn.Module, optimizer: torch.optim.Optimizer, tokens: Tensor, bf16: bool) -> Callable[[], None]:
    """A function that takes a training step on these crops, as each of the two does it."""

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            if isinstance(model, Transformer):
                loss = -model.log_likelihood(tokens).mean()
            else:
                loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT)
        optimizer.step()

    return step


def compare(shape: Shape, batch: int, bf16: bool, rounds: int, steps: int) -> tuple[float, float]:
    """Seconds a step of ours and of the peer: medians over rounds, in which they take turns."""
    generator = torch.Generator().manual_seed(0)
    ours, peer = Transformer(shape, generator), Peer(shape)
    same_weights(peer, ours)
    tokens = torch.randint(shape.vocabulary, (batch, CONTEXT + 1), generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(
            peer(tokens[:, :-1])[..., : shape.vocabulary], ours(tokens[:, :-1]), atol=1e-4, rtol=1e-4
        )
    theirs = torch.optim.AdamW(peer.parameters(), lr=0.0, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    contestants = [step_of(ours, adamw(ours, 0.1), tokens, bf16), step_of(peer, theirs, tokens, bf16)]
    times: list[list[float]] = [[], []]
    for turn in range(rounds + 1):
        for which, step in enumerate(contestants):
            since = time.perf_counter()
            for _ in range(steps):
                step()
            if turn:  # the first warms up
                times[which].append((time.perf_counter() - since) / steps)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    machine.prepare("cpu", arguments.threads)
    print(f"{torch.get_num_threads()} threads, context {CONTEXT}; milliseconds a step, medians of {arguments.rounds}")
    for name, preset, vocabulary in (("stage", STAGE, 1300), ("shakespeare", SHAKESPEARE, 2048)):
        shape = Shape(vocabulary, CONTEXT, preset["layers"], preset["heads"], preset["width"])
        for bf16 in (False, True):
            ours, peer = compare(shape, preset["batch"], bf16, arguments.rounds, arguments.steps)
            print(
                f"{name:12} {'bf16' if bf16 else 'fp32'} batch {preset['batch']}: ours {ours * 1e3:6.1f}, "
                f"peer {peer * 1e3:6.1f}, ratio {peer / ours:.2f}"
            )


if __name__ == "__main__":
    main()
