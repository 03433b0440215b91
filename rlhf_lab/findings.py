"""What was found, in words and tables of text: for the report, the terminal and the app alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rlhf_lab.best_of_n import BestOfN
from rlhf_lab.blind_rating import Comparison, Proportion
from rlhf_lab.cells import MISSING, Table, interval, number, percent, plus_minus
from rlhf_lab.growth import Growth
from rlhf_lab.laws import Fit, Prediction
from rlhf_lab.overoptimization import Curve, Fall, Turn, means

__all__ = [
    "best_of_n_table", "blind_table", "checkpoint_table", "factors", "growth_table", "headline", "law_table",
    "prediction_table", "reward_table", "reward_words", "turn_table",
]  # fmt: skip

LEFT, RIGHT = "first arm", "second arm"
SECOND = "The second reward model, as the proxy, is in standard deviations over the original model's completions."
SHOWN = 2.0
"""Standard errors beyond which a fall is called one."""
DIP = 3.0
"""The same for the largest of all falls from one checkpoint to a later one, of which there are many."""


def aim(target: str) -> str:
    """What a run that was not trained for positive texts has to be read by: a sentence, empty for one that was."""
    return "" if target == "positive" else "It was trained for negative texts, so a fall of gold is its aim."


def headline(found: Turn) -> str:
    """Whether gold turned, where and by how much, and what the proxy did: one sentence.

    A fall counts if it is above SHOWN standard errors where the peak was chosen on other completions.
    """
    fall, end = found.held_out, f"{number(found.end_nats, 2)} nats"
    if found.climb > SHOWN and found.dip <= DIP:
        proxy = "the proxy rises throughout"
    elif found.climb > SHOWN:
        proxy = f"the proxy rises, with a dip of {number(found.dip, 2)} standard errors on the way"
    else:
        proxy = "the proxy does not rise"
    if found.constant:
        return f"Gold is the same everywhere{_flat(found)}; {proxy}."
    if found.at_end:
        return f"Gold is highest at the last checkpoint, {end} from the original model: no turn is seen; {proxy}."
    if not fall.errors > SHOWN:
        said = "" if np.isnan(fall.errors) else f" (held out {number(fall.errors, 2)} standard errors)"
        return (
            f"Gold is highest at {number(found.peak_nats, 2)} nats, and its fall from there to {end} "
            f"is too small to be called one{said}; {proxy}."
        )
    start = f"Gold peaks at {number(found.peak_nats, 2)} nats" if found.peak else "Gold never rises"
    return f"{start} and falls by {number(fall.errors, 2)} standard errors by {end}, while {proxy}."


def _flat(found: Turn) -> str:
    """Why gold does not vary, where that is known."""
    if not found.formless:
        return ""
    return (
        ": no completion is well formed as a speech of the stage, so there is no sentiment to score (VADER as gold "
        "scores any text)"
    )


def factors(found: Turn) -> str:
    """Whether what is well formed turned too, or only the form was lost; empty where gold has no factors or no fall."""
    if found.sentiment is None or found.well_formed is None or not found.held_out.errors > SHOWN:
        return ""
    sentiment, form = found.sentiment, found.well_formed
    if sentiment.errors > SHOWN:
        first = f"It is not mere gibberish: gold of what is well formed falls by {_fall(sentiment)}"
    else:
        first = f"Gold of what is well formed does not fall by more than two standard errors ({_fall(sentiment)})"
    if form.errors > SHOWN:
        return f"{first}; the share well formed falls by {_fall(form)}."
    return f"{first}; the share well formed does not fall."


def checkpoint_table(curve: Curve) -> Table:
    """Every checkpoint with all that was measured on it."""
    well = None if curve.well_formed is None else curve.well_formed.astype(np.float64)
    scores = {
        "KL, nats": means(curve.kl),
        "proxy": means(curve.proxy),
        "second reward model": None if curve.second_scaled is None else means(curve.second_scaled),
        "gold": means(curve.gold),
        "gold where well formed": None if curve.well_formed is None else means(curve.gold, curve.well_formed),
        "share well formed": None if well is None else means(well),
    }
    plain = {
        "entropy, nats a token": curve.entropy, "distinct bigrams": curve.distinct, "duplicates": curve.duplicates,
        "overlap": curve.overlap,
    }  # fmt: skip
    kept = {name: found for name, found in scores.items() if found is not None}
    others = {name: values for name, values in plain.items() if values is not None}
    told = [[plus_minus(*pair) for pair in zip(m.mean, m.error, strict=True)] for m in kept.values()]
    told += [[number(value) for value in values] for values in others.values()]
    rows = tuple(zip(map(str, curve.steps), *told, strict=True))
    note = f"Means over {curve.kl.shape[1]} completions of each checkpoint, ± one standard error."
    if curve.second is not None:
        note += f" {SECOND}"
    return Table("Checkpoints", ("iteration", *kept, *others), rows, note)


def law_table(fits: Mapping[str, Fit]) -> Table:
    """Named fits side by side, with their peaks."""
    told = [
        {
            "law": "d (a - b d)" if f.law == "best-of-n" else "d (a - b log d)",
            "a": f"{number(f.a)} {interval(*f.a_interval)}",
            "b": f"{number(f.b)} {interval(*f.b_interval)}",
            "peak": f.peak.words,
            "peak, nats": _within(f),
            "gain there": f"{number(f.peak.value)} {interval(*f.peak.value_interval)}" if _seen(f) else MISSING,
            "draws without a peak": percent(f.peak.absent),
            "draws without one within reach": percent(f.peak.beyond),
            "R²": number(f.r2),
            "points fitted": f"{f.used} of {f.used + f.left_out}",
        }
        for f in fits.values()
    ]
    note = (
        "R is the gain over the original model, recentred so that R(0) = 0; d is the square root of the KL in nats. "
        "Intervals are 95 % over bootstrap draws of the completions; the RL law is fitted from d = 0.5 on."
    )
    return Table("The laws of Gao et al. 2022", ("", *fits), _rows(told), note)


def prediction_table(predictions: Mapping[str, Prediction]) -> Table:
    """Laws fitted at low KL, tried at high KL."""
    rows = tuple(
        (
            name, f"{number(p.split)} nats", f"{p.fit.used} / {len(p.d)}",
            f"{number(p.bias)} {interval(*p.bias_interval)}", number(p.rmse), number(p.rmse_constant),
            f"{number(p.ratio)} {interval(*p.ratio_interval)}",
        )
        for name, p in predictions.items()
    )  # fmt: skip
    columns = (
        "score",
        "fitted up to",
        "points fitted / predicted",
        "mean error",
        "RMSE",
        "RMSE of a constant",
        "ratio",
    )
    note = "Error is predicted less measured gain beyond the split. The constant is the mean of the fitted points."
    return Table("Fitted at low KL, tried at high KL", columns, rows, note)


def turn_table(found: Turn) -> Table:
    """What fell from gold's peak to the end."""
    named = {
        "gold": found.gold, "gold, held out": found.held_out, "gold where well formed": found.sentiment,
        "share well formed": found.well_formed, "proxy": found.proxy, "second reward model": found.second,
    }  # fmt: skip
    rows = tuple(
        (name, plus_minus(f.fall, f.error), number(f.errors), f"{f.counts[0]} / {f.counts[1]}")
        for name, f in named.items() if f is not None
    )  # fmt: skip
    note = (
        f"From iteration {found.peak_step} ({number(found.peak_nats)} nats), where mean gold is highest, to the last "
        f"({number(found.end_nats)} nats). Held out: the peak is chosen on one half of the completions and the fall "
        "measured on the other, so that choosing the highest of noisy means does not flatter."
    )
    if found.second is not None:
        note += f" {SECOND}"
    columns = ("mean", "peak less end", "in standard errors", "completions at peak / end")
    return Table("The turn", columns, rows, note)


def best_of_n_table(found: BestOfN) -> Table:
    """Best-of-n at the powers of two."""
    rows = tuple(
        (
            str(n), number(found.kl[k]), number(found.kl_with_ties[k]),
            plus_minus(found.proxy[k], found.proxy_error[k]), plus_minus(found.gold[k], found.gold_error[k]),
            number(found.effective[k]),
        )
        for k, n in enumerate(found.sizes) if not n & (n - 1)
    )  # fmt: skip
    exact = (
        "is exact, since no scores tie"
        if found.tied == 0
        else f"is an upper bound: {percent(found.tied)} of scores tie"
    )
    note = f"From one pool of {found.pool} completions by the unbiased estimator. log n - (n-1)/n {exact}."
    columns = ("n", "KL, log n - (n-1)/n", "KL with the pool's ties", "proxy", "gold", "completions that decide")
    return Table("At the powers of two", columns, rows, note)


def growth_table(found: Growth) -> Table:
    """Both straight lines through the growth of KL."""
    lines = {"KL": found.kl, "sqrt(KL)": found.root}
    rows = tuple((name, number(line.slope), number(line.intercept), f"{line.r2:.3f}") for name, line in lines.items())
    return Table("KL against iterations", ("", "slope an iteration", "intercept", "R²"), rows)


def reward_table(evaluation: Mapping[str, Any]) -> Table:
    """A reward model beside its bag of words: the evaluation of a reward run, as plain values."""
    measures = {"accuracy": "accuracy", "Spearman with the label": "spearman", "calibration error": "calibration_error"}
    told = [[evaluation[role][key] for role in ("model", "baseline", "difference")] for key in measures.values()]
    rows = tuple(
        (name, *(f"{number(one['value'])} {interval(one['low'], one['high'])}" for one in each))
        for name, each in zip(measures, told, strict=True)
    )
    note = (
        f"On {evaluation['count']} labels held out, {evaluation['neutral']} of them neutral, which the accuracy leaves "
        "out. Intervals are 95 % over bootstrap draws of the texts; the difference is paired, text by text. With few "
        "texts they are too narrow."
    )
    return Table("On held-out labels", ("", "reward model", "bag of words", "difference"), rows, note)


def reward_words(evaluation: Mapping[str, Any]) -> str:
    """Whether a reward model is shown to be better than chance and than its bag of words: one or two sentences."""
    if not evaluation["count"]:
        return "Nothing was held out to judge it by."
    from rlhf_lab.reward_evaluation import exact_interval  # scipy.stats: long to import

    model, difference = evaluation["model"]["accuracy"], evaluation["difference"]["accuracy"]
    if not model["count"]:
        return f"All {evaluation['count']} labels held out are neutral: nothing to be right about. Label more texts."
    low, high = exact_interval(model["value"], model["count"])
    told = f"Right on {percent(model['value'])} [{percent(low)}, {percent(high)}] of {model['count']} labels held out"
    if high < 0.5:
        return f"{told}: worse than chance."
    if not low > 0.5:
        return f"{told}: not shown to be better than chance. Label more texts."
    if difference["low"] > 0:
        return f"{told}, and better than the bag of words."
    worse = "worse than" if difference["high"] < 0 else "not shown to be better than"
    return f"{told}: better than chance, {worse} the bag of words."


def blind_table(comparisons: Sequence[Comparison]) -> Table:
    """The pairs of arms of a blind rating side by side."""
    told = [
        {
            "negative, neutral, positive": " / ".join(" ".join(map(str, counts)) for counts in c.counts),
            f"positive, {LEFT}": _share(c.positive[0]),
            f"positive, {RIGHT}": _share(c.positive[1]),
            "difference": f"{percent(c.difference)} [{percent(c.low)}, {percent(c.high)}]",
            "Fisher's exact test": _p(c.fisher, c.fisher_holm),
            f"{RIGHT} rated higher, ties half": percent(c.superiority),
            "Mann-Whitney": f"{_p(c.mann_whitney, c.mann_whitney_holm)}, {c.method}",
        }
        for c in comparisons
    ]
    note = "Shares with Clopper-Pearson, the difference with Newcombe's interval, 95 %; tests two-sided"
    note += ", p after Holm's correction over the pairs in brackets." if len(told) > 1 else "."
    return Table("Blind rating", ("", *(" / ".join(c.names) for c in comparisons)), _rows(told), note)


def _rows(told: Sequence[Mapping[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Columns to rows."""
    return tuple((name, *(column[name] for column in told)) for name in (told[0] if told else ()))


def _seen(fit: Fit) -> bool:
    """Whether the fitted peak lies where points were fitted."""
    return fit.peak.d <= fit.reach


def _within(fit: Fit) -> str:
    """The interval of the peak in nats, no farther than points were fitted."""
    ends = [number(d**2) if d <= fit.reach else f"> {number(fit.reach**2)}" for d in fit.peak.d_interval]
    return f"[{', '.join(ends)}]" if np.isfinite(fit.reach) else MISSING


def _fall(found: Fall) -> str:
    return f"{number(found.fall, 2)}, {number(found.errors, 2)} standard errors"


def _share(found: Proportion) -> str:
    return f"{percent(found.share)} [{percent(found.low)}, {percent(found.high)}]"


def _p(value: float, holm: float) -> str:
    def told(p: float) -> str:
        return MISSING if np.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"

    return f"p {told(value)}" if holm == value or np.isnan(value) else f"p {told(value)} ({told(holm)})"
