"""From an evaluated run to what was found: laws, turn, best-of-n, figures, and the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.run import Run
from rlhf_lab import best_of_n as bon
from rlhf_lab import figures, findings, laws
from rlhf_lab import overoptimization as oo
from rlhf_lab.evaluation import Evaluation
from rlhf_lab.figures import Picture
from rlhf_lab.findings import Table
from rlhf_lab.report import Report, Sample, Samples, Section, page

__all__ = ["Analysis", "analyse", "figures_of", "report_of", "summary", "summary_table", "write"]

SPLIT = 4.0  # nats up to which a law is fitted that is then tried beyond
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
    growth: oo.Growth
    steps: np.ndarray  # iterations, all of them
    nats: np.ndarray  # KL at each


def analyse(run: Run, evaluation: Evaluation, *, draws: int = 400, seed: int = 0) -> Analysis:
    """Fit and compare. Raises ValueError for fewer than two checkpoints."""
    rng = np.random.default_rng(seed)
    curve = evaluation.curve
    gains = {name: oo.gain_of_run(curve, getattr(curve, name), rng, draws=draws) for name in ("gold", "proxy")}
    pool = evaluation.pool_proxy, evaluation.pool_gold
    best = bon.best_of_n(*pool, bon.sizes(len(pool[0])), rng, draws=draws)
    fits = {f"{name}, PPO": laws.fit("rl", gain) for name, gain in gains.items()}
    fits |= {f"{name}, best-of-n": laws.fit("best-of-n", oo.gain_of_best_of_n(best, name)) for name in gains}
    predictions = {f"{name}, PPO": laws.predict("rl", gain, SPLIT) for name, gain in gains.items()}
    kl = np.array(run.metrics()["kl/exact"])
    return Analysis(
        evaluation, oo.turn(curve), fits, predictions, best, bon.frontier(*pool, FRONTIER),
        oo.growth(kl[:, 0], kl[:, 1]), kl[:, 0], kl[:, 1],
    )  # fmt: skip


def figures_of(run: Run, found: Analysis) -> list[Picture]:
    """All pictures of a run, in the order of the report."""
    curve, fits = found.evaluation.curve, found.fits
    pictures = [
        figures.gold_picture(
            curve, fits["gold, PPO"], fits["proxy, PPO"], best=found.best, best_gold=fits["gold, best-of-n"],
            best_proxy=fits["proxy, best-of-n"], optimal=found.frontier,
        )
    ]  # fmt: skip
    if curve.well_formed is not None:
        pictures.append(figures.factors_picture(curve))
    pictures += [figures.diversity_picture(curve), figures.kl_picture(found.steps, found.nats, found.growth)]
    metrics = run.metrics()
    outside, clipped = (np.array(metrics[f"clip/{name}"]) for name in ("outside", "clipped"))
    return [*pictures, figures.clip_picture(outside[:, 0], outside[:, 1], clipped[:, 1])]


def shown(curve: oo.Curve, turn: oo.Turn) -> dict[str, int]:
    """The checkpoints that are shown side by side: original, gold's peak, the last before 10 nats, the end."""
    before = int(np.flatnonzero(curve.nats < figures.STOP)[-1])
    return {"original": 0, "gold's peak": turn.peak, "at the stop": before, "end": len(curve.steps) - 1}


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
    """The page on a run. `more` stands before the table of checkpoints: the reward model, the blind rating."""
    evaluation, curve, config = found.evaluation, found.evaluation.curve, run.config
    marks = [f"reward: {'the logit of' if config['reward_as'] == 'logit' else 'log'} P({config['target']})"]
    if config["past_stop"]:
        marks.append(f"run on past the {config['kl_stop']:g}-nat stop to {config['past_stop']:g} nats")
    if run.parents["reward"] == "rater:careful":
        marks.append("control: gold itself is the reward")
    titles: dict[int, list[str]] = {}
    for title, index in shown(curve, found.turn).items():
        titles.setdefault(index, []).append(title)
    told = " ".join(filter(None, (findings.headline(found.turn), findings.factors(found.turn))))
    facts = {f"{role} run": name for role, name in run.parents.items()} | {k: str(v) for k, v in config.items()}
    facts |= {"gold": evaluation.meta["gold"], "completions of each checkpoint": str(evaluation.meta["completions"])}
    sections = (
        Section("Over-optimisation", (pictures[0], findings.turn_table(found.turn))),
        Section("What it wrote", (tuple(samples_of(evaluation, i, ", ".join(titles[i])) for i in sorted(titles)),)),
        Section("Laws", (findings.law_table(found.fits), findings.prediction_table(found.predictions))),
        Section("Best of n", (findings.best_of_n_table(found.best),)),
        *more,
        Section("Why, and at which cost", tuple(pictures[1:])),
        Section("All checkpoints", (findings.checkpoint_table(curve), findings.growth_table(found.growth))),
    )
    return Report(
        f"Over-optimisation in {run.name}", f"rlhf-lab, a {run.kind} run", told, tuple(marks), facts, sections, CAVEATS
    )


CAVEATS = (
    "Gold is a program's reading of the text. It trained, selected and stopped nothing; the checkpoints were looked at "
    "with it when the run was over.",
    "Samples are the first of each checkpoint, from the same random numbers, not chosen.",
    "Best-of-n and PPO spend KL differently: at equal KL they are not equally far optimised.",
    "One run is one seed: what differs between seeds is not in these error bars.",
)


def write(folder: Path, pictures: Sequence[Picture], report: Report) -> list[Path]:
    """Write the figures and the page; returns their paths, the page's last. Raises OSError."""
    files = {folder / f"{p.name}.png": p.png for p in pictures} | {folder / "report.html": page(report).encode()}
    for path, content in files.items():
        workspace.write(path, content)
    return list(files)


def summary(found: Analysis) -> dict[str, Any]:
    """The figures of an analysis as plain values."""
    curve, turn = found.evaluation.curve, found.turn
    rows = []
    for title, index in shown(curve, turn).items():
        formed = None if curve.well_formed is None else curve.well_formed[index]
        rows.append({
            "checkpoint": title, "iteration": int(curve.steps[index]), "kl": float(curve.nats[index]),
            "proxy": float(curve.proxy[index].mean()), "gold": float(curve.gold[index].mean()),
            "second": None if curve.second is None else float(curve.second[index].mean()),
            "gold_well_formed": None if formed is None or not formed.any() else float(curve.gold[index][formed].mean()),
            "well_formed": None if formed is None else float(formed.mean()),
            "duplicates": None if curve.duplicates is None else float(curve.duplicates[index]),
        })  # fmt: skip
    falls = {name: getattr(turn, name) for name in ("gold", "held_out", "sentiment", "well_formed", "proxy")}
    return {
        "headline": findings.headline(turn),
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
            *("-" if row[k] is None else str(row[k]) if k == "iteration" else f"{row[k]:.3f}" for k in keys),
        )
        for row in told["checkpoints"]
    )
    return Table("Checkpoints", columns, rows)
