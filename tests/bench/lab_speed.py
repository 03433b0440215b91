"""Whole PPO iterations against TRL's on the same device, the share of the matrix-product limit, and what costs what.

    python -m tests.bench.lab_speed [ROUNDS] [--device cuda]

An iteration samples a batch, scores it by a trivial reward and takes one epoch of updates, without a reference. Ours
runs between the iterations of each peer, which waits meanwhile, so that both meet the same machine; medians. The peers
run in processes of their own, as their users run them, and on a CPU once more with our settings of the memory
allocator. The limit is the best of several large products of square matrices. Prints tables in Markdown.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from rlhf_lab.generate import sample
from rlhf_lab.machine import prepare
from rlhf_lab.ppo import Ppo
from rlhf_lab.transformer import Shape, Transformer
from tests.bench import lab_trl

SMALL = Shape(vocabulary=1024, context=32, layers=4, heads=4, width=96)
LARGE = Shape(vocabulary=2048, context=64, layers=4, heads=6, width=192)
WIDE = Shape(vocabulary=2048, context=64, layers=4, heads=8, width=256)
MINIBATCH = 128
WARM = 2  # iterations before any is timed: on a GPU the second records the graph


def limit(dtype: torch.dtype, device: torch.device) -> float:
    """FLOP/s of a product of square matrices."""
    size = 2048 if device.type == "cpu" else 8192
    a, b = torch.randn(2, size, size, dtype=dtype, device=device).unbind()
    best = min(clocked(lambda: torch.mm(a, b)) for _ in range(8))
    return 2 * size**3 / best


def clocked(work: Callable[[], object]) -> float:
    """Seconds that the work takes, on a GPU what it has queued included."""
    since = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - since


def products(shape: Shape, batch: int, length: int) -> float:
    """Floating-point operations of the matrix products of one pass over a batch: weights, and attention's two."""
    weights = shape.layers * 12 * shape.width**2 + shape.vocabulary * shape.width
    attention = shape.layers * shape.width * (length + 1)  # both products, half of the square
    return 2.0 * batch * length * (weights + attention)


def learner(shape: Shape, batch: int, length: int, bf16: bool, device: torch.device) -> Ppo:
    def score(tokens: Tensor) -> Tensor:
        return (tokens[:, 1:] == 3).sum(1).float()

    generator = torch.Generator().manual_seed(0)
    policy = Transformer(shape, generator).to(device)
    return Ppo(policy, None, score, generator, batch=batch, length=length, minibatch=MINIBATCH, bf16=bf16)


def iterate(ours: Ppo) -> None:
    batch = ours.observe()
    told = ours.update(batch, batch.score - batch.score.mean())
    assert told.ratio_error <= (0 if ours.bf16 else 1e-4), "the old log-probabilities are not those of the policy"


class Pair(NamedTuple):
    """Median seconds of a peer's iterations, and of ours between them."""

    peer: float
    ours: float


def against_trl(shape: Shape, batch: int, length: int, bf16: bool, rounds: int, device: torch.device) -> None:
    ours, found = learner(shape, batch, length, bf16, device), list[list[Pair]]()
    for _ in range(WARM):
        iterate(ours)
    for allocator in (False, True) if device.type == "cpu" else (False,):
        found.append([])
        for trainer in lab_trl.TRAINERS:
            mine: list[float] = []

            def between() -> None:  # on a GPU, whose clock must rise first, more than one
                mine.extend(clocked(lambda: iterate(ours)) for _ in range(1 if device.type == "cpu" else 15))  # noqa: B023

            taken = lab_trl.beside(
                between, allocator, shape, rounds,
                trainer=trainer, batch=batch, length=length, minibatch=MINIBATCH, bf16=bf16, device=device.type,
            )  # fmt: skip
            found[-1].append(Pair(statistics.median(taken), statistics.median(mine[1:])))
    own = statistics.median(pair.ours for pairs in found for pair in pairs)
    count = sum(p.numel() for p in ours.policy.parameters())
    passes = 5 if bf16 else 4  # sampling, thrice to learn, and the old log-probabilities
    share = passes * products(shape, batch, length) / own / limit(torch.float32, device)
    told = " | ".join(
        f"{', '.join(f'{pair.peer:.3f}' for pair in pairs)} | {min(pair.peer / pair.ours for pair in pairs):.2f}"
        for pairs in found
    )
    print(
        f"| {count / 1e6:.2f}M, {batch} x {length}, {'bf16' if bf16 else 'fp32'} | {own:.3f} | {told} | "
        f"{batch / own:.0f} | {share:.0%} |",
        flush=True,
    )


def sampling(shape: Shape, batch: int, length: int, rounds: int, device: torch.device) -> tuple[float, float]:
    """Seconds, and the share of the limit in fp32."""
    model, generator = Transformer(shape).to(device), torch.Generator().manual_seed(0)
    prompt = torch.zeros(batch, 1, dtype=torch.long, device=device)
    taken = [clocked(lambda: sample(model, prompt, length, generator)) for _ in range(rounds + WARM)]
    seconds = statistics.median(taken[WARM:])
    return seconds, products(shape, batch, length) / seconds / limit(torch.float32, device)


def main(rounds: int, device: torch.device) -> None:
    fp32, bf16 = limit(torch.float32, device), limit(torch.bfloat16, device)
    where = f"{torch.get_num_threads()} threads" if device.type == "cpu" else torch.cuda.get_device_name(device)
    print(f"{where}; products at {fp32 / 1e9:.0f} GFLOP/s in fp32, {bf16 / 1e9:.0f} in bf16\n")
    allocator = " with our allocator, s | ratio |" if device.type == "cpu" else ""
    print(
        f"| model, batch x tokens | ours, s | TRL's {' and '.join(lab_trl.TRAINERS)}, s | ratio |{allocator} "
        f"completions/s | of the fp32 limit |\n|{'---|' * (8 if allocator else 6)}"
    )
    for shape, length in ((SMALL, 24), (LARGE, 48)):
        for low in (False, True):
            against_trl(shape, 512, length, low, rounds, device)
    print("\n| sampling, fp32: width, batch x tokens | s | completions/s | of the limit |\n|---|---|---|---|")
    cases = [
        (WIDE, 1024, 48),
        (WIDE, 1024, 24),
        (LARGE, 1024, 48),
        (LARGE, 256, 48),
        (LARGE, 64, 48),
        (LARGE, 1024, 24),
        (SMALL, 1024, 24),
    ]
    for shape, batch, length in cases:
        seconds, share = sampling(shape, batch, length, rounds, device)
        print(
            f"| {shape.width}, {batch} x {length} | {seconds:.3f} | {batch / seconds:.0f} | {share:.0%} |", flush=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    main(arguments.rounds, prepare(arguments.device))
