"""Reward models against a bag of words on the same labels: rank correlation on 2,000 held-out samples, and seconds.

    python -m tests.bench.lab_reward shakespeare [MODEL]     labels: the sign of VADER's compound, 0 neutral
    python -m tests.bench.lab_reward stage [MODEL]           labels: of the careful reader, and of the word counter

MODEL is the folder `model` of a pretrain run; without it one is trained first, which takes minutes. Prints a table in
Markdown; each row is one draw of labels. The interval of the difference is the paired bootstrap's, 95 %.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import open_store
from rlhf_lab import raters
from rlhf_lab.bag_of_words import BagOfWords
from rlhf_lab.generate import sample
from rlhf_lab.machine import prepare
from rlhf_lab.models import LanguageModel, load_model
from rlhf_lab.presets import PretrainConfig
from rlhf_lab.pretrain import pretrain
from rlhf_lab.reward_evaluation import Estimate, evaluate
from rlhf_lab.reward_run import logits
from rlhf_lab.reward_settings import RewardConfig
from rlhf_lab.reward_training import RewardTraining

HEADS = ("pooled", "every", "last")
HELD = 2000
LENGTH = {"shakespeare": 48, "stage": 24}
TASKS = {"shakespeare": [("vader", (300, 1000, 2000, 4000))], "stage": [("careful", (300, 1000)), ("counter", (300,))]}


def pretrained(corpus: str) -> LanguageModel:
    with tempfile.TemporaryDirectory() as home, open_store(Path(home)) as store:
        config = PretrainConfig(corpus=corpus)
        run = jobs.create(store, Path(home), "base", "pretrain", vars(config), {})
        jobs.execute(run, lambda r: pretrain(config, r))
        return load_model(run.folder / "model")[0]


def drawn(language: LanguageModel, count: int, length: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    prompt = torch.zeros(1000, 1, dtype=torch.long)
    return torch.cat([sample(language.model, prompt, length, generator).tokens for _ in range(-(-count // 1000))])


def judged(name: str, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Targets, and the noiseless score that they come from."""
    if name == "vader":
        score = raters.make("vader", scale=1.0).score(texts)
        return (np.sign(score) + 1) / 2, score
    rater = raters.make(name)
    return (rater.label(texts, np.random.default_rng(0)) + 1) / 2, rater.score(texts)


def told(one: Estimate) -> str:
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def main(corpus: str, model: Path | None, draws: int) -> None:
    prepare()
    language = load_model(model)[0] if model else pretrained(corpus)
    tokens = drawn(language, max(TASKS[corpus][0][1]) + HELD, LENGTH[corpus])
    texts = language.texts(tokens)
    held, pool = np.arange(HELD), np.arange(HELD, len(texts))
    print("| rater | labels | draw | head | Spearman | bag of words | difference | accuracy | seconds | weights |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, sizes in TASKS[corpus]:
        targets, gold = judged(name, texts)
        for size, draw in [(size, draw) for size in sizes for draw in range(draws)]:
            train = np.random.default_rng(draw).permutation(pool)[:size]
            bag = BagOfWords([texts[i] for i in train], targets[train], np.random.default_rng(draw))
            baseline = bag.logit([texts[i] for i in held])
            for head in HEADS:
                began = time.perf_counter()
                generator = torch.Generator().manual_seed(draw)
                given = torch.from_numpy(targets[train]).float()
                training = RewardTraining(language, tokens[train], given, RewardConfig(head=head), generator)
                while not training.done:
                    training.advance()
                seconds = time.perf_counter() - began
                logit = logits(training.model, tokens[held]).double().numpy()
                found = evaluate(logit, baseline, targets[held], np.random.default_rng(0), gold[held])
                mixed = training.mixture
                weights = f"votes {mixed.votes:.2f}, words {mixed.words:.2f}" if mixed else ""
                cells = [name, size, draw, head, told(found.model.spearman), told(found.baseline.spearman)]
                cells += [told(found.difference.spearman), told(found.model.accuracy), f"{seconds:.0f}", weights]
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0], Path(given[1]) if len(given) > 1 else None, int(given[2]) if len(given) > 2 else 1)
