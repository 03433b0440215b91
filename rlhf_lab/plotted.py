"""What an analysis shows, kept as plain values beside the report: points, curves with bands, peaks, best-of-n.

So a page draws it without fitting anything, and without PyTorch. Undefined numbers are None. Scores of points are means
over completions with standard errors; curves are gains over the original model, as the laws are.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elk_sandbox.runtime import workspace
from elk_sandbox.runtime.run import Run
from rlhf_lab import findings
from rlhf_lab.cells import Table
from rlhf_lab.checkpoint_files import check_of
from rlhf_lab.laws import Fit
from rlhf_lab.overoptimization import Means, means

if TYPE_CHECKING:
    from rlhf_lab.analysis import Analysis

__all__ = ["FORMAT", "keep", "load_plotted", "plotted"]

FORMAT = 1
GRID = 80  # points of a curve


def keep(run: Run, found: "Analysis") -> Path:
    """Write what a run's analysis shows into its report's folder, whole or not at all. Raises OSError."""
    file = run.folder / "report" / "plotted.json"
    workspace.write(file, json.dumps(plotted(run, found)))
    return file


def load_plotted(run: Path) -> dict[str, Any] | None:
    """What is kept in a run's folder; None if nothing is, it cannot be read, or the run was evaluated again since."""
    try:
        found: dict[str, Any] = json.loads((run / "report" / "plotted.json").read_bytes())
    except (OSError, ValueError):
        return None
    if found.get("format") != FORMAT or found.get("evaluation") != check_of(run / "evaluation"):
        return None
    return found


def plotted(run: Run, found: "Analysis") -> dict[str, Any]:
    """The points of every checkpoint, the laws' curves with their bands, best-of-n, and what was found in words."""
    curve, meta = found.evaluation.curve, found.evaluation.meta
    formed, second = curve.well_formed, curve.second_scaled
    scores = {"gold": means(curve.gold), "proxy": means(curve.proxy)}
    if second is not None:
        scores["second"] = means(second)
    if formed is not None:
        scores |= {"sentiment": means(curve.gold, formed), "well_formed": means(formed.astype(np.float64))}
    sets = {name: getattr(curve, name) for name in ("entropy", "distinct", "duplicates", "overlap")}
    far = 1.04 * float(max(curve.d.max(), 1.05 * math.sqrt(found.stop)))
    best, optimal = found.best, found.frontier
    trusted = np.isfinite(best.gold_error) & np.isfinite(best.proxy_error)
    reach = min(far, 1.15 * math.sqrt(float(best.kl[trusted].max()))) if trusted.any() else 0.0
    from rlhf_lab.analysis import summary

    told = summary(found)
    return {
        "format": FORMAT,
        "evaluation": check_of(run.folder / "evaluation"),
        "run": run.name,
        "gold": meta["gold"],
        "second": meta["second"],
        "completions": meta["completions"],
        "pool": meta["pool"],
        "stop": found.stop,
        "headline": told["headline"],
        "factors": told["factors"],
        "shown": told["checkpoints"],
        "steps": curve.steps.tolist(),
        "nats": _plain(curve.nats),
        "scores": {name: _means(each) for name, each in scores.items()},
        "sets": {name: _plain(values) for name, values in sets.items() if values is not None},
        "laws": {
            name: _law(each, reach if name.endswith("best-of-n") else far) for name, each in found.fits.items()
        },
        "best": [
            {
                "n": int(n), "nats": _number(best.kl[k]),
                "gold": _number(best.gold[k] - best.gold[0]), "gold_error": _number(best.gold_error[k]),
                "proxy": _number(best.proxy[k] - best.proxy[0]), "proxy_error": _number(best.proxy_error[k]),
            }
            for k, n in enumerate(best.sizes) if trusted[k]
        ],
        "frontier": [
            {"nats": _number(nats), "gold": _number(gold - best.gold[0]), "proxy": _number(proxy - best.proxy[0])}
            for nats, gold, proxy in zip(optimal.kl, optimal.gold, optimal.proxy, strict=True) if np.isfinite(proxy)
        ],
        "growth": {name: asdict(line) for name, line in (("kl", found.growth.kl), ("root", found.growth.root))},
        "tables": [_table(findings.turn_table(found.turn)), _table(findings.law_table(found.fits))],
    }  # fmt: skip


def _means(found: Means) -> dict[str, list[float | None]]:
    return {"mean": _plain(found.mean), "error": _plain(found.error)}


def _law(fit: Fit, far: float) -> dict[str, Any]:
    """A fitted law: its peak, and its curve with the band of its bootstrap draws against sqrt(KL), none unfitted."""
    peak = fit.peak
    d = np.linspace(0, far, GRID)
    curve = zip(d, fit(d), *fit.band(d), strict=True) if math.isfinite(fit.a) and far > 0 else ()
    return {
        "a": _number(fit.a),
        "b": _number(fit.b),
        "r2": _number(fit.r2),
        "reach": _number(fit.reach),
        "peak": {
            "d": _number(peak.d),
            "value": _number(peak.value),
            "low": _number(peak.d_interval[0]),
            "high": _number(peak.d_interval[1]),  # None: without end
            "words": peak.words,
        },
        "curve": [
            {"d": _number(x), "gain": _number(y), "low": _number(low), "high": _number(high)}
            for x, y, low, high in curve
        ],
    }


def _table(found: Table) -> dict[str, Any]:
    return {
        "title": found.title,
        "columns": list(found.columns),
        "rows": list(map(list, found.rows)),
        "note": found.note,
    }


def _plain(values: np.ndarray) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
