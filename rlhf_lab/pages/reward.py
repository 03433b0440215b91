"""Reward models: how good on labels held out, what they like, and what each token adds; two of them side by side."""

from html import escape
from typing import Any

import altair as alt
import streamlit as st

from elk_sandbox.pages.frame import begin, empty, html, ink, opened, plain, vega
from elk_sandbox.pages.words import word
from elk_sandbox.palette import INK, QUIET
from elk_sandbox.runtime.run import Run
from rlhf_lab.findings import reward_table, reward_words
from rlhf_lab.looks import LOOKS
from rlhf_lab.pages.choice import one_of
from rlhf_lab.pages.kept import chosen_run, meta_of, nothing_yet, runs_of, trained_on
from rlhf_lab.pages.scoring import MOST, Labelled, extremes, scored
from rlhf_lab.pages.tables import charted, table
from rlhf_lab.pages.tokens import Cell, Column, Row, Scale, colour_limit, token_table
from rlhf_lab.reward_evaluation import mean_interval
from rlhf_lab.tokenizer import UNKNOWN

SERIES = ("nats, added to the log odds of positive",)
METRICS = {"accuracy": "accuracy", "spearman": "Spearman", "calibration_error": "calibration error", "brier": "Brier"}
ROLES = {"model": "proxy", "baseline": "words"}  # to how they look
SHAPES = {"model": "square", "baseline": "triangle-up"}
NAMES = {"model": "reward model", "baseline": "bag of words"}
ENDS = {"highest": "Highest", "lowest": "Lowest"}
LABELS = {-1: "labelled negative", 0: "labelled neutral", 1: "labelled positive"}

Shown = tuple[Run, dict[str, Any]]
Drawn = tuple[dict[str, Any], str]  # a chart, and what it shows in words


def main() -> None:
    begin(
        "Reward model",
        f"What a {word('reward model')} learned from labels, beside a {word('bag of words')} that learned from the "
        "same ones.",
    )
    store, home = opened()
    rows = runs_of(store, home, "reward", "model")
    if not rows:
        nothing_yet("A reward model learns from labels what people like. How well it does is shown here.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        names = [chosen_run(rows, "Reward model", "rm_run", trained_on(store, rows))]
    with right:
        second = st.selectbox(
            "Beside it", [row.name for row in rows if row.name != names[0]], index=None, key="rm_beside",
            bind="query-params", placeholder="another reward model", disabled=len(rows) < 2,
        )  # fmt: skip
    names += [str(second)] if second else []
    shown: list[Shown] = []
    for run in (Run(store, home, store.run(name)) for name in names):
        meta = meta_of(run.folder / "model")
        if meta is None:
            st.error(f"The model of {run.name} cannot be read: it is missing, cut short or altered.")
            return
        shown.append((run, meta))
    _own(shown)
    _judged(shown)
    _liked(shown)


@st.fragment
def _own(shown: list[Shown]) -> None:
    """The visitor's own sentence, scored and coloured by each model."""
    html("<h2>Your own sentence</h2>")
    text = st.text_input(
        "Your own sentence", key="rm_text", bind="query-params", label_visibility="collapsed", max_chars=400,
        placeholder="I have lost all joy and love.",
    )  # fmt: skip
    if not (text or "").strip():
        html('<p class="quiet">Type one, and see which words the reward comes from.</p>')
        return
    found = [scored(run.folder, str(text).strip()) for run, _ in shown]
    if faults := [each for each in found if isinstance(each, str)]:
        html(f'<p class="quiet">{escape(faults[0][:1].upper() + faults[0][1:])}.</p>')
        return
    told = [each for each in found if not isinstance(each, str)]
    limit = colour_limit((v for each in told for v in each["adds"]), share=1.0)
    cells = [
        Cell(each["pieces"], [each["adds"]], _worth(each, meta["length"]))
        for each, (_, meta) in zip(told, shown, strict=True)
    ]
    token_table(_columns(shown), [Row(cells)], SERIES, _scale(limit), numbers=True, key=f"rm_own_{len(shown)}")
    html('<p class="quiet">A number is how far a word moved the log odds, given all before it; small words do too.</p>')


def _worth(found: dict[str, Any], length: int) -> str:
    told = f"reward {found['reward']:z.2f}, of which {found['empty']:z.2f} is that of an empty text"
    tokens, unknown = len(found["pieces"]), any(piece.strip() == UNKNOWN for piece in found["pieces"])
    if tokens != length:
        told += f"; {tokens} tokens, where it learned from texts of {length}"
    if unknown:
        told += f"; {UNKNOWN} stands for what it never saw"
    return told.replace("-", "\N{MINUS SIGN}")


def _judged(shown: list[Shown]) -> None:
    """Scores on held-out labels with intervals, and the calibration plot."""
    html("<h2>On labels held out</h2>")
    judged = [meta["evaluation"] for _, meta in shown]
    columns = st.columns(len(shown), gap="large")
    for column, (run, _), evaluation in zip(columns, shown, judged, strict=True):
        with column:
            name = f"<strong>{escape(run.name)}.</strong> " if len(shown) > 1 else ""
            html(f"<p>{name}{escape(reward_words(evaluation))}</p>")
    parts = st.columns(2, gap="large") if len(shown) == 1 else columns
    for k, evaluation in enumerate(judged):
        if evaluation["count"]:
            with parts[k if len(shown) > 1 else 0]:
                vega(*_scores(evaluation, judged, ink(INK)))
            with parts[k if len(shown) > 1 else 1]:
                vega(*_calibration(evaluation, ink(INK)))
    with st.expander("The numbers"):
        for (run, _), evaluation in zip(shown, judged, strict=True):
            found = reward_table(evaluation)
            html(table(run.name, found.columns, found.rows, found.note))


@st.cache_resource(show_spinner=False, max_entries=64)
def _scores(evaluation: dict[str, Any], judged: list[dict[str, Any]], ground: str) -> Drawn:
    """The scores of one model and its bag of words, on one scale for all that are judged."""
    ends = [e[role][m][end] for e in judged if e["count"] for m in METRICS for role in ROLES for end in ("low", "high")]
    known = [end for end in ends if end == end]
    domain = [min(0.0, *known), max(0.0, *known)] if known else [0, 1]
    rows = [
        {"metric": METRICS[m], "who": NAMES[role]}
        | {end: _finite(evaluation[role][m][end]) for end in ("value", "low", "high")}
        for m in METRICS for role in ROLES
    ]  # fmt: skip
    data = charted([row for row in rows if row["value"] is not None])
    y = alt.Y("metric:N", title=None, sort=list(METRICS.values()), axis=alt.Axis(ticks=False, domain=False))
    offset = alt.YOffset("who:N", sort=list(NAMES.values()), scale=alt.Scale(paddingOuter=0.6))
    x = alt.X("value:Q", title="with 95 % interval", scale=alt.Scale(domain=domain, nice=True))
    rule = data.mark_rule(strokeWidth=2).encode(y=y, yOffset=offset, x=x.copy(), color=_who(), x2="high:Q")
    rule = rule.encode(x=alt.X("low:Q", title="with 95 % interval", scale=alt.Scale(domain=domain, nice=True)))
    points = data.mark_point(filled=True, opacity=1, size=65).encode(
        y=y, yOffset=offset, x=x, color=_who(), shape=_shape(),
        tooltip=["who:N", "metric:N", alt.Tooltip("value:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f"),
                 alt.Tooltip("high:Q", format=".3f")],
    )  # fmt: skip
    told = "; ".join(f"{r['metric']} of the {r['who']} {r['value']:z.2f}" for r in rows if r["value"] is not None)
    return plain((rule + points).properties(height=270, title="Scores")), f"On held-out labels: {told}."


@st.cache_resource(show_spinner=False, max_entries=64)
def _calibration(evaluation: dict[str, Any], ground: str) -> Drawn:
    """P(positive) said against the mean label, in tenths; on the diagonal it means what it says."""
    rows = []
    for role, key in (("baseline", "baseline_reliability"), ("model", "reliability")):
        for each in evaluation.get(key, ()):
            if each["count"]:
                low, high = mean_interval(each["observed"], each["count"])
                rows.append({
                    "who": NAMES[role], "said": each["predicted"], "seen": each["observed"], "low": low, "high": high,
                    "count": each["count"],
                })  # fmt: skip
    ideal = charted([{"said": 0, "seen": 0}, {"said": 1, "seen": 1}])
    ideal = ideal.mark_line(color=ink(QUIET), strokeDash=[4, 3], strokeWidth=1.2)
    x = alt.X("said:Q", title="P(positive) that it says", scale=alt.Scale(domain=[0, 1]))
    y = alt.Y("seen:Q", title="mean label", scale=alt.Scale(domain=[0, 1]))
    data = charted(rows)
    bars = data.mark_rule(strokeWidth=1.6).encode(x=x, y="low:Q", y2="high:Q", color=_who())
    points = data.mark_point(filled=True, opacity=1, size=65).encode(
        x=x, y=y, color=_who(), shape=_shape(),
        tooltip=["who:N", alt.Tooltip("said:Q", format=".2f", title="says"),
                 alt.Tooltip("seen:Q", format=".2f", title="mean label"), alt.Tooltip("count:Q", title="texts")],
    )  # fmt: skip
    told = ", ".join(f"{r['seen']:z.2f} where it says {r['said']:z.2f}" for r in rows if r["who"] == NAMES["model"])
    drawn = (ideal.encode(x=x, y=y) + bars + points).properties(height=270, title="Calibration")
    return plain(drawn), f"Mean label of held-out texts: {told}."


def _who() -> alt.Color:
    colours = [ink(LOOKS[look].colour) for look in ROLES.values()]
    return alt.Color(
        "who:N", title=None, scale=alt.Scale(domain=list(NAMES.values()), range=colours),
        legend=alt.Legend(orient="top", columns=2, labelLimit=260),
    )  # fmt: skip


def _shape() -> alt.Shape:
    return alt.Shape(
        "who:N", title=None, scale=alt.Scale(domain=list(NAMES.values()), range=list(SHAPES.values())),
        legend=alt.Legend(orient="top", columns=2, labelLimit=260),
    )  # fmt: skip


@st.fragment
def _liked(shown: list[Shown]) -> None:
    """The labelled texts with the highest and the lowest reward of each model."""
    found = [extremes(run.folder, float(run.config["held_out"]), int(run.config["seed"])) for run, _ in shown]
    whole = all(count == of for _, _, count, of in found)
    told = "of the labelled texts" if whole else f"of {MOST} labelled texts, those held out first"
    html(f"<h2>What it likes, what it dislikes <span>{told}</span></h2>")
    limit = colour_limit(v for best, worst, _, _ in found for each in (*best, *worst) for v in each.adds)
    if not any(best for best, _, _, _ in found):
        empty("There are too few labelled texts to choose from.")
        return
    end = one_of("Which", ENDS, "rm_end", quiet=True)
    chosen = [best if end == "highest" else worst for best, worst, _, _ in found]
    rows = [Row([_cell(each) for each in line]) for line in zip(*chosen, strict=False)]
    token_table(_columns(shown), rows, SERIES, _scale(limit), key=f"rm_liked_{len(shown)}")


def _cell(each: Labelled) -> Cell:
    kept = "held out" if each.held_out else "trained on"
    note = f"reward {each.reward:z.2f}".replace("-", "\N{MINUS SIGN}")
    return Cell(each.pieces, [each.adds], f"{note} · {LABELS[each.label]}, {kept}")


def _columns(shown: list[Shown]) -> list[Column]:
    if len(shown) == 1:
        return [Column()]
    return [Column(run.name, f"head {meta['head']}, {meta['trained_on']} labels") for run, meta in shown]


def _scale(limit: float) -> Scale:
    return Scale("Added to the log odds of positive, nats:", "more positive", "less positive", limit)


def _finite(value: float) -> float | None:
    return value if value == value else None


main()
