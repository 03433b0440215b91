"""Whole PPO iterations against TRL's on the same CPU, the share of the matrix-product limit, and what costs what.

    python -m tests.bench.lab_speed [ROUNDS]

An iteration samples a batch, scores it by a trivial reward and takes one epoch of updates, without a reference. Ours
runs between the iterations of each peer, which waits meanwhile, so that both meet the same machine; medians. The peers
run in processes of their own, as their users run them, and once more with our settings of the memory allocator. The
limit is the best of several large products of square matrices. Prints tables in Markdown.
"""

import statistics
import sys
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


def limit(dtype: torch.dtype, size: int = 2048) -> float:
    """FLOP/s of a product of square matrices."""
    a, b = torch.randn(2, size, size, dtype=dtype).unbind()
    best = min(clocked(lambda: torch.mm(a, b)) for _ in range(8))
    return 2 * size**3 / best


def clocked(work: Callable[[], object]) -> float:
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def products(shape: Shape, batch: int, length: int) -> float:
    """Floating-point operations of the matrix products of one pass over a batch: weights, and attention's two."""
    weights = shape.layers * 12 * shape.width**2 + shape.vocabulary * shape.width
    attention = shape.layers * shape.width * (length + 1)  # both products, half of the square
    return 2.0 * batch * length * (weights + attention)


def learner(shape: Shape, batch: int, length: int, bf16: bool) -> Ppo:
    def score(tokens: Tensor) -> Tensor:
        return (tokens[:, 1:] == 3).sum(1).float()

    generator = torch.Generator().manual_seed(0)
    policy = Transformer(shape, generator)
    return Ppo(policy, None, score, generator, batch=batch, length=length, minibatch=MINIBATCH, bf16=bf16)


def iterate(ours: Ppo) -> None:
    batch = ours.observe()
    told = ours.update(batch, batch.score - batch.score.mean())
    assert told.ratio_error <= (0 if ours.bf16 else 1e-4), "the old log-probabilities are not those of the policy"


class Pair(NamedTuple):
    """Median seconds of a peer's iterations, and of ours between them."""

    peer: float
    ours: float


def against_trl(shape: Shape, batch: int, length: int, bf16: bool, rounds: int) -> None:
    ours, found = learner(shape, batch, length, bf16), list[list[Pair]]()
    iterate(ours)
    for allocator in (False, True):
        found.append([])
        for trainer in lab_trl.TRAINERS:
            mine: list[float] = []
            taken = lab_trl.beside(
                lambda: mine.append(clocked(lambda: iterate(ours))), allocator, shape, rounds,  # noqa: B023
                trainer=trainer, batch=batch, length=length, minibatch=MINIBATCH, bf16=bf16,
            )  # fmt: skip
            found[-1].append(Pair(statistics.median(taken), statistics.median(mine[1:])))
    own = statistics.median(pair.ours for pairs in found for pair in pairs)
    count = sum(p.numel() for p in ours.policy.parameters())
    passes = 5 if bf16 else 4  # sampling, thrice to learn, and the old log-probabilities
    share = passes * products(shape, batch, length) / own / limit(torch.float32)
    told = " | ".join(
        f"{', '.join(f'{pair.peer:.2f}' for pair in pairs)} | {min(pair.peer / pair.ours for pair in pairs):.2f}"
        for pairs in found
    )
    print(
        f"| {count / 1e6:.2f}M, {batch} x {length}, {'bf16' if bf16 else 'fp32'} | {own:.2f} | {told} | "
        f"{batch / own:.0f} | {share:.0%} |",
        flush=True,
    )


def sampling(shape: Shape, batch: int, length: int, rounds: int) -> tuple[float, float]:
    """Seconds, and the share of the limit in fp32."""
    model, generator = Transformer(shape), torch.Generator().manual_seed(0)
    prompt = torch.zeros(batch, 1, dtype=torch.long)
    taken = [clocked(lambda: sample(model, prompt, length, generator)) for _ in range(rounds + 2)]
    seconds = statistics.median(taken[1:])
    return seconds, products(shape, batch, length) / seconds / limit(torch.float32)


def main(rounds: int) -> None:
    prepare()
    fp32, bf16 = limit(torch.float32), limit(torch.bfloat16)
    print(
        f"{torch.get_num_threads()} threads; products at {fp32 / 1e9:.0f} GFLOP/s in fp32, {bf16 / 1e9:.0f} in bf16\n"
    )
    names = " and ".join(lab_trl.TRAINERS)
    print(
        f"| model, batch x tokens | ours, s | TRL's {names}, s | ratio | with our allocator, s | ratio "
        "| completions/s | of the fp32 limit |\n|---|---|---|---|---|---|---|---|"
    )
    for shape, length in ((SMALL, 24), (LARGE, 48)):
        for low in (False, True):
            against_trl(shape, 512, length, low, rounds)
    print("\n| sampling, fp32: width, batch x tokens | s | completions/s | of the limit |\n|---|---|---|---|")
    cases = [
        (WIDE, 1024, 48),
        (LARGE, 1024, 48),
        (LARGE, 256, 48),
        (LARGE, 64, 48),
        (LARGE, 1024, 24),
        (SMALL, 1024, 24),
    ]
    for shape, batch, length in cases:
        seconds, share = sampling(shape, batch, length, rounds)
        print(
            f"| {shape.width}, {batch} x {length} | {seconds:.2f} | {batch / seconds:.0f} | {share:.0%} |", flush=True
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
