"""From an evaluated run to what was found: laws, turn, best-of-n, figures, and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import expit

from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.run import Run
from rlhf_lab import best_of_n as bon
from rlhf_lab import checkpoints, figures, findings, laws, raters
from rlhf_lab import overoptimization as oo
from rlhf_lab.cells import Table
from rlhf_lab.evaluation import Evaluation, worth_of
from rlhf_lab.figures import Picture
from rlhf_lab.growth import Growth, growth
from rlhf_lab.report import Report, Sample, Samples, Section, page
from rlhf_lab.reward_labels import split
from rlhf_lab.reward_model import load_reward
from rlhf_lab.reward_run import logits
from rlhf_lab.settings import RATER

__all__ = [
    "Analysis", "analyse", "figures_of", "report_of", "reward_section", "summary", "summary_table", "write",
]  # fmt: skip

SPLIT = 4.0  # nats up to which a law is fitted that is then tried beyond
CLIPPED = 0.01  # share of ratios outside the clip below which a batch may be larger
MISMATCH = 1e-3  # nats between the log-probabilities of sampler and training path, above which it is said
SHOWN = 6  # completions of a checkpoint in the report
FRONTIER = np.linspace(0.25, 6, 12)  # nats


@dataclass(frozen=True, eq=False)
class Analysis:
    """What an evaluation shows."""

    evaluation: Evaluation
    turn: oo.Turn
    fits: dict[str, laws.Fit]  # by score and method
    predictions: dict[str, laws.Prediction]
    best: bon.BestOfN
    frontier: bon.Frontier
    growth: Growth
    steps: np.ndarray  # iterations, all of them
    nats: np.ndarray  # KL at each
    stop: float  # nats at which the run was to stop
    aim: str  # why a fall of gold is no over-optimisation; empty if it is


def analyse(run: Run, evaluation: Evaluation, *, draws: int = 400, seed: int = 0) -> Analysis:
    """Fit and compare. Raises ValueError for fewer than two checkpoints."""
    rng = np.random.default_rng(seed)
    curve = evaluation.curve
    gains = {name: oo.gain_of_run(curve, getattr(curve, name), rng, draws=draws) for name in ("gold", "proxy")}
    pool = evaluation.pool_proxy, evaluation.pool_gold
    best = bon.best_of_n(*pool, bon.sizes(len(pool[0])), rng, draws=draws)
    fits = {f"{name}, PPO": laws.fit("rl", gain) for name, gain in gains.items()}
    of_best = {name: oo.gain_of_best_of_n(best, name) for name in gains}
    fits |= {f"{name}, best-of-n": laws.fit("best-of-n", gain) for name, gain in of_best.items()}
    predictions = {f"{name}, PPO": laws.predict("rl", gain, SPLIT) for name, gain in gains.items()}
    tried = {name: laws.predict("best-of-n", g.where(np.isfinite(g.error)), SPLIT) for name, g in of_best.items()}
    predictions |= {f"{name}, best-of-n": p for name, p in tried.items() if len(p.d)}
    kl = np.array(run.metrics()["kl/exact"])
    return Analysis(
        evaluation, oo.turn(curve), fits, predictions, best, bon.frontier(*pool, FRONTIER),
        growth(kl[:, 0], kl[:, 1]), kl[:, 0], kl[:, 1], run.config["kl_stop"], findings.aim(run.config["target"]),
    )  # fmt: skip


def figures_of(run: Run, found: Analysis) -> list[Picture]:
    """All pictures of a run, in the order of the report."""
    curve, fits = found.evaluation.curve, found.fits
    pictures = [
        figures.gold_picture(
            curve, fits["gold, PPO"], fits["proxy, PPO"], found.stop, best=found.best,
            best_gold=fits["gold, best-of-n"], best_proxy=fits["proxy, best-of-n"], optimal=found.frontier,
        )
    ]  # fmt: skip
    if curve.well_formed is not None:
        pictures.append(figures.factors_picture(curve, found.stop))
    pictures.append(figures.diversity_picture(curve, found.stop))
    pictures.append(figures.kl_picture(found.steps, found.nats, found.growth, found.stop))
    metrics = run.metrics()
    outside, clipped = (np.array(metrics[f"clip/{name}"]) for name in ("outside", "clipped"))
    pictures.append(figures.clip_picture(outside[:, 0], outside[:, 1], clipped[:, 1]))
    return pictures + _reward_pictures(run, found.evaluation)


def _reward_pictures(run: Run, evaluation: Evaluation) -> list[Picture]:
    """The reward model on the labels held out, beside gold of the same texts; none where `reward_section` is None."""
    name = run.parents["reward"]
    if name.startswith(RATER):
        return []
    folder, config = run.folder.parent / name, run.store.run(name).config
    tensors, meta = checkpoints.load(folder / "labels")
    _, held = split(len(tensors["targets"]), config["held_out"], config["seed"])
    if not len(held):
        return []
    model, _ = load_reward(folder / "model")
    score = logits(model, tensors["tokens"][torch.from_numpy(held)]).double().numpy()
    worth, _ = worth_of(evaluation.meta["gold"], [meta["texts"][i] for i in held])
    return [figures.reward_picture(expit(score), tensors["targets"].numpy()[held], score, worth, "gold")]


def reward_section(run: Run, pictures: Sequence[Picture] = ()) -> Section | None:
    """A ppo run's reward model beside a bag of words, with its picture if it is among these.

    None for a rater as reward, and for a reward run that held nothing out. Raises CheckpointError.
    """
    name = run.parents["reward"]
    if name.startswith(RATER):
        return None
    _, meta = checkpoints.load(run.folder.parent / name / "model")
    if not meta["evaluation"]["count"]:
        return None
    drawn = (picture for picture in pictures if picture.name == "reward")
    return Section("Reward model beside a bag of words", (findings.reward_table(meta["evaluation"]), *drawn))


def shown(curve: oo.Curve, turn: oo.Turn, stop: float) -> dict[str, int]:
    """The checkpoints that are shown side by side: original, gold's peak, the last before the stop, the end.

    Without that of the stop if the run did not come so far.
    """
    beyond = np.flatnonzero(curve.nats >= stop)
    before = {"at the stop": max(int(beyond[0]) - 1, 0)} if len(beyond) else {}
    return {"original": 0, "gold's peak": turn.peak, **before, "end": len(curve.steps) - 1}


def samples_of(evaluation: Evaluation, index: int, title: str) -> Samples:
    """The first completions of a checkpoint: not chosen, and from the same random numbers at each."""
    curve = evaluation.curve
    rows = tuple(
        Sample(
            evaluation.texts[index][k].strip("\n"), float(curve.proxy[index, k]), float(curve.gold[index, k]),
            None if curve.well_formed is None else bool(curve.well_formed[index, k]),
        )
        for k in range(min(SHOWN, len(evaluation.texts[index])))
    )  # fmt: skip
    note = f"iteration {curve.steps[index]}, {curve.nats[index]:.1f} nats, mean gold {curve.gold[index].mean():.3f}"
    return Samples(title, note, rows)


def report_of(run: Run, found: Analysis, pictures: Sequence[Picture], more: Sequence[Section] = ()) -> Report:
    """The page on a run. `more` stands before the costs: the blind rating, say."""
    evaluation, curve, config = found.evaluation, found.evaluation.curve, run.config
    marks = [f"reward: {'the logit of' if config['reward_as'] == 'logit' else 'log'} P({config['target']})"]
    if config["past_stop"]:
        marks.append(f"run on past the {config['kl_stop']:g}-nat stop to {config['past_stop']:g} nats")
    if control := _gold_trained(run, evaluation):
        marks.append("control: gold itself is the reward")
    marks += _complaints(run.metrics(), config["precision"])
    titles: dict[int, list[str]] = {}
    for title, index in shown(curve, found.turn, found.stop).items():
        titles.setdefault(index, []).append(title)
    told = " ".join(filter(None, (found.aim, findings.headline(found.turn), findings.factors(found.turn))))
    facts = {f"{role} run": name for role, name in run.parents.items()} | {k: str(v) for k, v in config.items()}
    facts |= {"gold": evaluation.meta["gold"], "completions of each checkpoint": str(evaluation.meta["completions"])}
    reward = reward_section(run, pictures)
    sections = (
        Section("Gold and proxy" if found.aim else "Over-optimisation", (pictures[0], findings.turn_table(found.turn))),
        Section("What it wrote", (tuple(samples_of(evaluation, i, ", ".join(titles[i])) for i in sorted(titles)),)),
        Section("Laws", (findings.law_table(found.fits), findings.prediction_table(found.predictions))),
        Section("Best of n", (findings.best_of_n_table(found.best),)),
        *([reward] if reward else []),
        *more,
        Section("Why, and at which cost", tuple(p for p in pictures[1:] if p.name != "reward")),
        Section("All checkpoints", (findings.checkpoint_table(curve), findings.growth_table(found.growth))),
    )
    title = f"{run.name}, trained for negative sentiment" if found.aim else f"Over-optimisation in {run.name}"
    caveats = CAVEATS[1:] if control else CAVEATS
    return Report(title, f"rlhf-lab, a {run.kind} run", told, tuple(marks), facts, sections, caveats)


def _gold_trained(run: Run, evaluation: Evaluation) -> bool:
    """Whether the reward was the program that gold is."""
    reward = run.parents["reward"]
    return reward.startswith(RATER) and raters.make(reward.removeprefix(RATER)).reads_as == evaluation.meta["gold"]


def _complaints(metrics: Mapping[str, Sequence[tuple[int, float]]], precision: str) -> list[str]:
    """What the updates of a run say against it, or how to spend less on it."""
    off = max(value for _, value in metrics["ratio/error_before"])
    apart = max(value for _, value in metrics["ratio/mismatch"])
    outside = float(np.mean([value for _, value in metrics["clip/outside"]]))
    told = [f"the ratio was not 1 before an update: off by up to {off:.1g}"] if off > 0 else []
    if apart > MISMATCH and precision == "fp32":
        told.append(f"sampler and training path differed by up to {apart:.1g} nats a token: more than rounding")
    if outside < CLIPPED:
        told.append("fewer than 1 % of ratios were clipped on average: a larger batch would use its samples as well")
    return told


CAVEATS = (
    "Gold is a program's reading of the text. It trained, selected and stopped nothing; the checkpoints were looked at "
    "with it when the run was over.",
    "Samples are the first of each checkpoint, from the same random numbers, not chosen.",
    "Best-of-n and PPO spend KL differently: at equal KL they are not equally far optimised.",
    "One run is one seed: what differs between seeds is not in these error bars.",
)


def write(folder: Path, pictures: Sequence[Picture], report: Report) -> list[Path]:
    """Write figures and page in place of what was there; returns their paths, the page's last. Raises OSError."""
    files = {folder / f"{p.name}.png": p.png for p in pictures} | {folder / "report.html": page(report).encode()}
    for path, content in files.items():
        workspace.write(path, content)
    for path in {folder / f"{name}.png" for name in figures.NAMES} - set(files):  # of an evaluation before this one
        path.unlink(missing_ok=True)
    return list(files)


def summary(found: Analysis) -> dict[str, Any]:
    """The figures of an analysis as plain values."""
    curve, turn, second = found.evaluation.curve, found.turn, found.evaluation.curve.second_scaled
    rows = []
    for title, index in shown(curve, turn, found.stop).items():
        formed = None if curve.well_formed is None else curve.well_formed[index]
        rows.append({
            "checkpoint": title, "iteration": int(curve.steps[index]), "kl": float(curve.nats[index]),
            "proxy": float(curve.proxy[index].mean()), "gold": float(curve.gold[index].mean()),
            "second": None if second is None else float(second[index].mean()),
            "gold_well_formed": None if formed is None or not formed.any() else float(curve.gold[index][formed].mean()),
            "well_formed": None if formed is None else float(formed.mean()),
            "duplicates": None if curve.duplicates is None else float(curve.duplicates[index]),
        })  # fmt: skip
    falls = {name: getattr(turn, name) for name in ("gold", "held_out", "sentiment", "well_formed", "proxy")}
    return {
        "headline": " ".join(filter(None, (found.aim, findings.headline(turn)))),
        "factors": findings.factors(turn),
        "checkpoints": rows,
        "fall": {k: None if f is None else {"fall": f.fall, "error": f.error} for k, f in falls.items()},
        "peak_nats": turn.peak_nats,
        "end_nats": turn.end_nats,
    }


def summary_table(told: dict[str, Any]) -> Table:
    """The checkpoints of a summary as a table."""
    columns = (
        "checkpoint",
        "iteration",
        "nats",
        "proxy",
        "second",
        "gold",
        "gold if well formed",
        "well formed",
        "duplicates",
    )
    keys = ("iteration", "kl", "proxy", "second", "gold", "gold_well_formed", "well_formed", "duplicates")
    rows = tuple(
        (
            row["checkpoint"],
            *("-" if row[k] is None else str(row[k]) if k == "iteration" else f"{row[k]:z.3f}" for k in keys),
        )
        for row in told["checkpoints"]
    )
    return Table("Checkpoints", columns, rows, "" if told["checkpoints"][0]["second"] is None else findings.SECOND)
