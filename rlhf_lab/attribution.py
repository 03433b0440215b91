"""Which tokens do it: what each adds to the reward, and how much likelier training made it.

The reward of a beginning is what the reward model says of it as if the text ended there. All beginnings of a text cost
one forward pass, since no position looks ahead (`RewardModel.prefixes`); a rater's program is asked for each.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor

from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.run import Run
from elk_sandbox.terminal import InputError
from rlhf_lab import raters
from rlhf_lab.closeups import Ask
from rlhf_lab.generate import sample, stream
from rlhf_lab.models import LanguageModel, load_model
from rlhf_lab.reward_model import RewardModel, load_reward
from rlhf_lab.sampling import model_folders
from rlhf_lab.settings import RATER
from rlhf_lab.tokenizer import Tokenizer

__all__ = ["Prefixes", "added", "closeup", "of_text", "rewards"]

Prefixes: TypeAlias = Callable[[Tensor], Tensor]  # rows of tokens -> the reward of every beginning, from the prompt on
DIGITS = 4  # after the point, of what is kept


def added(prefixes: Float[Tensor, "batch time"]) -> Float[Tensor, "batch time-1"]:
    """What each token after the prompt adds, from the rewards of all beginnings; in sum the last less the first."""
    return prefixes.diff(dim=1)


@torch.no_grad()
def of_text(model: RewardModel, tokenizer: Tokenizer, text: str) -> dict[str, Any]:
    """A text's `pieces`, what each `adds` to log P(positive) / P(negative), that `reward` and that of the `empty` text.

    Raises InputError for a text that is empty, too long for the model, or has symbols that it has no tokens for.
    """
    ids = tokenizer.encode(text)
    room = model.trunk.shape.context - 1
    if not ids:
        raise InputError("there is nothing to score: type a few words")
    if len(ids) > room:
        raise InputError(f"the text has {len(ids)} tokens, and this model reads {room}: shorten it")
    found = model.prefixes(torch.tensor([[0, *ids]], device=model.trunk.device))
    return {
        "pieces": tokenizer.spans(ids),
        "adds": added(found)[0].tolist(),
        "reward": float(found[0, -1]),
        "empty": float(found[0, 0]),
    }


def rewards(run: Run, base: LanguageModel) -> Prefixes:
    """The log odds of a ppo run's target, in nats, for every beginning of token rows.

    Raises InputError for a reward model of other tokens.
    """
    name, sign = run.parents["reward"], 1 if run.config["target"] == "positive" else -1
    if not name.startswith(RATER):
        model, meta = load_reward(run.folder.parent / name / "model")
        if meta["tokenizer"] != base.tokenizer.to_json():
            raise InputError(f"the reward model {name!r} was trained on another base model's tokens")
        return lambda tokens: sign * model.prefixes(tokens)
    rater = raters.make(name.removeprefix(RATER))

    def asked(tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
        rows = [[base.tokenizer.decode(row[1:end]) for end in range(1, len(row) + 1)] for row in tokens.tolist()]
        return sign * torch.tensor([rater.score(row).tolist() for row in rows])

    return asked


@torch.no_grad()
def closeup(run: Run, ask: Ask, tell: Callable[[int, int], object] = lambda done, total: None) -> Path:
    """Continue a beginning at every checkpoint by the same random numbers, look at each token, and keep it.

    The texts have as many tokens as the run's completions, the beginning included. Returns the file. Raises InputError
    for another kind of run, one without checkpoints, and a beginning that leaves no room or has symbols without tokens.
    """
    if run.kind != "ppo":
        raise InputError(f"{run.name!r} is a {run.kind} run: a closeup is of the checkpoints of a ppo run")
    folders = model_folders(run)
    base, _ = load_model(run.folder.parent / run.parents["base"] / "model")
    given = [0, *base.tokenizer.encode(ask.prefix)]
    length = run.config["length"] + 1 - len(given)
    if length < 1:
        raise InputError(
            f"the beginning has {len(given) - 1} tokens, and this run's texts have {run.config['length']}: type less"
        )
    prefixes = rewards(run, base)
    prompt = torch.tensor([given]).expand(ask.count, -1)
    checkpoints, empty = [], 0.0
    for done, (iteration, folder) in enumerate(folders):
        tell(done, len(folders))
        language, _ = load_model(folder)
        tokens = sample(language.model, prompt, length, stream("continuation", ask.seed)).tokens
        ratio = language.model.log_likelihood(tokens) - base.model.log_likelihood(tokens)
        reward = prefixes(tokens)
        empty = float(reward[0, 0])
        adds = added(reward)
        texts = [
            {
                "pieces": base.tokenizer.spans(row[1:]),
                "ratio": _short(ratio[k]),
                "adds": _short(adds[k]),
                "reward": round(float(reward[k, -1]), DIGITS),
            }
            for k, row in enumerate(tokens.tolist())
        ]
        checkpoints.append({"iteration": iteration, "texts": texts})
    tell(len(folders), len(folders))
    told = {
        "run": run.name, "prefix": ask.prefix, "seed": ask.seed, "count": ask.count, "reward": run.parents["reward"],
        "target": run.config["target"], "given": len(given) - 1, "empty": empty, "checkpoints": checkpoints,
    }  # fmt: skip
    file = ask.file(run.folder)
    workspace.write(file, json.dumps(told))
    return file


def _short(values: Tensor) -> list[float]:
    return [round(value, DIGITS) for value in values.tolist()]
