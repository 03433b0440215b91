"""What is kept for drawing is what the analysis found."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from elk_sandbox.runtime import jobs
from elk_sandbox.runtime.store import open_store
from rlhf_lab import laws, plotted
from rlhf_lab.analysis import analyse, summary
from rlhf_lab.evaluation import load_evaluation
from rlhf_lab.overoptimization import gain_of_run, means
from tests.lab import simulated
from tests.lab.test_cli import said


def test_the_command_keeps_what_the_analysis_finds(made: Path) -> None:
    with open_store(made) as store:
        run = jobs.open_run(store, made, "policy")
        evaluation = load_evaluation(run.folder / "evaluation")
        found = analyse(run, evaluation)
        kept = plotted.load_plotted(run.folder)
    assert kept is not None
    curve = evaluation.curve
    assert kept["steps"] == curve.steps.tolist()
    assert kept["nats"] == pytest.approx(curve.nats.tolist())
    for name, scores in (("gold", curve.gold), ("proxy", curve.proxy), ("second", curve.second_scaled)):
        assert scores is not None
        assert kept["scores"][name]["mean"] == pytest.approx(means(scores).mean.tolist())
        assert kept["scores"][name]["error"] == pytest.approx(means(scores).error.tolist())
    assert kept["headline"] == summary(found)["headline"]
    assert kept["best"][0] == pytest.approx(
        {"n": 1, "nats": 0, "gold": 0, "gold_error": found.best.gold_error[0], "proxy": 0,
         "proxy_error": found.best.proxy_error[0]}
    )  # fmt: skip
    assert kept["laws"]["gold, PPO"]["peak"]["words"] == found.fits["gold, PPO"].peak.words
    assert (kept["second"], kept["stop"], kept["completions"]) == ("pooled", 10.0, 40)


def test_it_is_plain_json_and_of_this_evaluation_only(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(made, home)
    folder = home / "runs" / "policy"
    file = folder / "report" / "plotted.json"

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    json.loads(file.read_text(), parse_constant=refuse)
    said(home, "evaluate", "policy", "--second", "pooled", "--completions", "40", "--pool", "200", "--seed", "2")
    fresh = plotted.load_plotted(folder)
    assert fresh is not None
    stale = json.loads(file.read_text()) | {"evaluation": "0" * 64}
    whole = file.read_text()
    for wrong in (json.dumps(stale), whole[: len(whole) // 2], json.dumps(fresh | {"format": 0})):
        file.write_text(wrong)
        assert plotted.load_plotted(folder) is None
    file.write_text(whole)
    assert plotted.load_plotted(folder) == fresh


def test_a_laws_curve_and_band_are_the_fits() -> None:
    curve = simulated.run()
    fit = laws.fit("rl", gain_of_run(curve, curve.gold, np.random.default_rng(0), draws=100))
    told = plotted._law(fit, 5.0)
    d = np.array([c["d"] for c in told["curve"]])
    assert (d[0], d[-1], len(d)) == (0, 5, plotted.GRID)
    np.testing.assert_allclose([c["gain"] for c in told["curve"]], fit(d))
    np.testing.assert_allclose([[c["low"], c["high"]] for c in told["curve"]], fit.band(d).T)
    assert told["peak"]["d"] == fit.peak.d and told["peak"]["low"] == fit.peak.d_interval[0]


def test_a_law_that_was_not_fitted_has_no_curve() -> None:
    curve = simulated.run().until(0.1)
    fit = laws.fit("rl", gain_of_run(curve, curve.gold, np.random.default_rng(0), draws=10))
    told = plotted._law(fit, 5.0)
    assert told["curve"] == [] and told["a"] is None and told["peak"]["d"] is None
