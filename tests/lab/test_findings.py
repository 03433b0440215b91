"""Findings in words and tables: each case of the headline, and numbers that are those of the result."""

import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from rlhf_lab.best_of_n import best_of_n
from rlhf_lab.blind_rating import compare_arms
from rlhf_lab.cells import Table, interval, number, percent, plus_minus
from rlhf_lab.findings import (
    best_of_n_table,
    blind_table,
    checkpoint_table,
    factors,
    growth_table,
    headline,
    law_table,
    prediction_table,
    reward_table,
    reward_words,
    turn_table,
)
from rlhf_lab.growth import growth
from rlhf_lab.laws import fit, predict
from rlhf_lab.overoptimization import Curve, gain_of_best_of_n, gain_of_run, turn
from rlhf_lab.reward_evaluation import evaluate, exact_interval
from tests.lab.simulated import pool, run

CURVE = run()
TURN = turn(CURVE)


def row(table: Table, name: str) -> tuple[str, ...]:
    (found,) = (cells[1:] for cells in table.rows if cells[0] == name)
    return found


def test_numbers() -> None:
    assert [number(v) for v in (0.0, 0.12345, -1.234, 12.34, 1234.5, 0.00012)] == [
        "0", "0.123", "-1.23", "12.3", "1234", "0.000",
    ]  # fmt: skip
    assert (number(np.nan), number(np.inf), number(-np.inf)) == ("–", "∞", "-∞")  # noqa: RUF001
    assert (number(3.44, 2), number(25.6, 2)) == ("3.4", "26")
    assert (percent(0.5), percent(0.034), percent(-0.034), percent(0.0)) == ("50 %", "3.4 %", "-3.4 %", "0 %")
    assert (plus_minus(0.1, 0.02), plus_minus(3.0, 0.02), plus_minus(1.0, np.nan)) == (
        "0.100 ± 0.020",
        "3.00 ± 0.02",
        "1.00",
    )
    assert (plus_minus(np.nan, 1.0), interval(np.nan, 1.0), interval(0.1, np.inf)) == ("–", "–", "[0.100, ∞]")  # noqa: RUF001


def test_a_turn_is_told() -> None:
    told = headline(TURN)
    assert told == (
        f"Gold peaks at {TURN.peak_nats:.2g} nats and falls by {TURN.held_out.errors:.0f} standard errors by "
        f"{TURN.end_nats:.0f} nats, while the proxy rises throughout."
    )
    assert factors(TURN).startswith("It is not mere gibberish: gold of what is well formed falls by ")


def test_no_turn_is_told() -> None:
    rising = turn(run(bend=-0.05))
    assert rising.peak == 12
    assert headline(rising) == (
        "Gold is highest at the last checkpoint, 25 nats from the original model: no turn is seen; "
        "the proxy rises throughout."
    )
    assert factors(rising) == ""


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_gold_that_does_not_vary_is_told_to_be_useless(value: float) -> None:
    """As of the careful reader where every text is ill formed, be it of the stage or of another corpus."""
    form = np.zeros(CURVE.gold.shape, bool)
    found = turn(replace(CURVE, gold=np.full(CURVE.gold.shape, value), well_formed=form))
    assert headline(found) == (
        "Gold is the same everywhere: no completion is well formed as a speech of the stage, so there is no sentiment "
        "to score (VADER as gold scores any text); the proxy rises throughout."
    )
    assert factors(found) == ""
    form[3, 4] = True
    for well in (None, form):
        found = turn(replace(CURVE, gold=np.full(CURVE.gold.shape, value), well_formed=well))
        assert headline(found) == "Gold is the same everywhere; the proxy rises throughout."


def test_a_peak_whose_gold_does_not_vary_is_not_the_last() -> None:
    """All completions of a checkpoint alike: its fall has no standard error."""
    gold = np.broadcast_to(np.where(np.arange(13) == 3, 1.0, 0.0)[:, None], CURVE.gold.shape)
    assert headline(turn(replace(CURVE, gold=gold, well_formed=None))).startswith("Gold is highest at 1.6 nats, ")


def test_a_fall_within_its_error_is_no_fall() -> None:
    flat = np.random.default_rng(1).normal(size=CURVE.gold.shape)
    found = turn(replace(CURVE, gold=flat, well_formed=None))
    assert found.peak < 12 and not found.held_out.errors > 2
    assert re.search(
        r"too small to be called one \(held out -?\d.* standard errors\); the proxy rises", headline(found)
    )
    assert factors(found) == ""


def test_gold_that_only_falls() -> None:
    found = turn(run(bend=1.0).until(30.0))
    falling = turn(replace(CURVE, gold=np.clip(-0.1 * CURVE.d[:, None] + 0 * CURVE.gold, -1, 1) + 0.01 * CURVE.gold))
    assert found.peak > 0 and falling.peak == 0
    assert headline(falling).startswith("Gold never rises and falls by ")


def test_what_the_proxy_did() -> None:
    rng = np.random.default_rng(1)
    dipped, still = CURVE.proxy.copy(), rng.normal(size=CURVE.proxy.shape)
    dipped[5] -= 2.0
    assert f"with a dip of {turn(replace(CURVE, proxy=dipped)).dip:.0f} standard errors" in headline(
        turn(replace(CURVE, proxy=dipped))
    )
    assert headline(turn(replace(CURVE, proxy=still))).endswith("while the proxy does not rise.")


def test_gibberish_is_told_from_a_change_of_heart() -> None:
    rng = np.random.default_rng(2)
    well = rng.random(CURVE.gold.shape) < np.linspace(1, 0.3, 13)[:, None]
    sentiment = 0.5 * (CURVE.d > 1)[:, None] + 0.2 * rng.normal(size=well.shape)
    told = factors(turn(replace(CURVE, gold=np.where(well, sentiment, 0.0), well_formed=well)))
    assert told.startswith("Gold of what is well formed does not fall by more than two standard errors")


def test_the_checkpoint_table() -> None:
    table = checkpoint_table(CURVE)
    assert len(table.rows) == 13 and {len(cells) for cells in table.rows} == {len(table.columns)}
    last = dict(zip(table.columns, table.rows[-1], strict=True))
    assert last["iteration"] == "48"
    error = CURVE.gold[-1].std(ddof=1) / np.sqrt(300)
    assert last["gold"] == f"{CURVE.gold[-1].mean():.3f} ± {error:.3f}"
    assert last["share well formed"].startswith(f"{CURVE.well_formed[-1].mean():.3f}")  # type: ignore[index]
    assert last["duplicates"] == "0.250" and "300 completions" in table.note
    bare = checkpoint_table(Curve("bare", CURVE.steps, CURVE.kl, CURVE.proxy, CURVE.gold))
    assert bare.columns == ("iteration", "KL, nats", "proxy", "gold")


def test_the_tables_of_laws() -> None:
    rng = np.random.default_rng(3)
    gains = {name: gain_of_run(CURVE, getattr(CURVE, name), rng, draws=200) for name in ("gold", "proxy")}
    fits = {name: fit("rl", gain) for name, gain in gains.items()} | {
        "best": fit("best-of-n", gain_of_best_of_n(pool()))
    }
    table = law_table(fits)
    assert table.columns == ("", "gold", "proxy", "best")
    assert row(table, "law") == ("d (a - b log d)", "d (a - b log d)", "d (a - b d)")
    assert row(table, "a")[0] == f"{number(fits['gold'].a)} {interval(*fits['gold'].a_interval)}"
    assert row(table, "peak")[0] == fits["gold"].peak.words
    low, high = fits["gold"].peak.d_interval
    assert row(table, "peak, nats")[0] == f"[{number(low**2)}, {number(high**2)}]"
    assert row(table, "peak")[1].startswith("no peak")
    assert row(table, "peak, nats")[1].endswith(f"> {number(CURVE.nats[-1])}]")
    assert row(table, "gain there")[1] == "–"  # noqa: RUF001
    predictions = {"gold": predict("rl", gains["gold"], 6.0)}
    (told,) = prediction_table(predictions).rows
    assert told[:3] == ("gold", "6.00 nats", f"{predictions['gold'].fit.used} / {len(predictions['gold'].d)}")
    assert told[-1] == f"{number(predictions['gold'].ratio)} {interval(*predictions['gold'].ratio_interval)}"


def test_the_turn_table() -> None:
    table = turn_table(TURN)
    assert row(table, "gold")[0] == plus_minus(TURN.gold.fall, TURN.gold.error)
    assert row(table, "gold, held out")[1] == number(TURN.held_out.errors)
    assert row(table, "gold where well formed")[2] == "{} / {}".format(*TURN.sentiment.counts)  # type: ignore[union-attr]
    assert f"iteration {TURN.peak_step}" in table.note


def test_the_best_of_n_table_says_whether_its_kl_is_a_bound() -> None:
    found = pool()
    table = best_of_n_table(found)
    assert [cells[0] for cells in table.rows] == ["1", "2", "4", "8", "16", "32", "64", "128"]
    k = list(found.sizes).index(64)
    assert row(table, "64")[3] == plus_minus(found.gold[k], found.gold_error[k])
    assert "is exact" in table.note
    rng = np.random.default_rng(4)
    tied = best_of_n(rng.integers(0, 9, 100).astype(float), rng.normal(size=100), np.array([1, 2]), rng, draws=5)
    assert "is an upper bound: 100 % of scores tie" in best_of_n_table(tied).note


def test_the_table_of_growth() -> None:
    steps = np.arange(9.0)
    assert row(growth_table(growth(steps, (steps + 1) ** 2)), "sqrt(KL)") == ("1.00", "1.00", "1.000")


def test_the_reward_table() -> None:
    rng = np.random.default_rng(6)
    targets = rng.integers(3, size=80) / 2
    found = evaluate(4 * targets - 2 + rng.normal(size=80), rng.normal(size=80), targets, rng)
    table = reward_table(asdict(found))
    for name, key in (("accuracy", "accuracy"), ("Spearman with the label", "spearman")):
        each = (getattr(found.model, key), getattr(found.baseline, key), getattr(found.difference, key))
        assert row(table, name) == tuple(f"{number(e.value)} {interval(e.low, e.high)}" for e in each)
    assert row(table, "calibration error")[0].startswith(number(found.model.calibration_error.value))
    assert f"On 80 labels held out, {found.neutral} of them neutral" in table.note


@pytest.mark.parametrize(
    ("right", "many", "told"),
    [
        (4, 4, "Right on 100 % [40 %, 100 %] of 4 labels held out: not shown to be better than chance"),
        (6, 6, "Right on 100 % [54 %, 100 %] of 6 labels held out: better than chance, not shown"),
        (0, 6, "Right on 0 % [0 %, 46 %] of 6 labels held out: worse than chance."),
        (15, 20, "Right on 75 % [51 %, 91 %] of 20 labels held out: better than chance"),
        (0, 0, "All 2 labels held out are neutral"),
    ],
)
def test_a_reward_model_is_better_than_chance_only_by_the_exact_interval(right: int, many: int, told: str) -> None:
    targets = np.array([1.0] * many + [0.5] * 2)
    logit = np.array([1.0] * right + [-1.0] * (many - right) + [1.0] * 2)
    found = evaluate(logit, logit, targets, np.random.default_rng(0))
    assert reward_words(asdict(found)).startswith(told)


def test_half_a_text_widens_the_exact_interval() -> None:
    assert exact_interval(3.5 / 6, 6) == (exact_interval(3 / 6, 6)[0], exact_interval(4 / 6, 6)[1])
    assert exact_interval(1.0, 4)[0] == pytest.approx(0.025 ** (1 / 4))  # (alpha / 2)^(1 / n)


def test_the_blind_table() -> None:
    arms = {"original": np.repeat([-1, 0, 1], [7, 7, 6]), "checkpoint": np.repeat([-1, 0, 1], [2, 2, 16])}
    table = blind_table(compare_arms(arms))
    assert table.columns == ("", "original / checkpoint")
    assert row(table, "negative, neutral, positive") == ("7 7 6 / 2 2 16",)
    assert row(table, "positive, second arm")[0].startswith("80 % [56 %, 94 %]")
    assert row(table, "Fisher's exact test") == ("p 0.004",) and "Holm" not in table.note
    three = blind_table(compare_arms(arms | {"twin": np.repeat([-1, 0, 1], [16, 2, 2])}))
    assert len(three.columns) == 4 and "Holm" in three.note
    (found, *_) = compare_arms(arms | {"twin": np.repeat([-1, 0, 1], [16, 2, 2])})
    assert row(three, "Fisher's exact test")[0] == f"p {found.fisher:.3f} ({found.fisher_holm:.3f})"
    assert blind_table([]).rows == ()
    empty = blind_table(compare_arms({"a": np.array([1]), "b": np.zeros(0, dtype=np.int64)}))
    assert row(empty, "Mann-Whitney") == ("p –, exact",)  # noqa: RUF001


@pytest.mark.parametrize("table", [turn_table(TURN), best_of_n_table(pool()), checkpoint_table(CURVE)])
def test_every_row_is_as_long_as_its_heading(table: Table) -> None:
    assert {len(cells) for cells in table.rows} == {len(table.columns)}
