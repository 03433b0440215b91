"""Over-optimisation: proxy, gold and a second reward model against KL, with laws, best-of-n, and the samples behind.

What is drawn was computed by `rlhf-lab evaluate` and `rlhf-lab report`, which a button starts; nothing is fitted here.
"""

from html import escape
from typing import Any

import streamlit as st

from elk_sandbox.pages.access import refusal
from elk_sandbox.pages.frame import TICK, begin, folded, html, opened
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.detached import Detached
from elk_sandbox.runtime.run import Run, folder_of
from elk_sandbox.terminal import duration
from rlhf_lab.evaluated import Evaluation
from rlhf_lab.evaluating import evaluating
from rlhf_lab.looks import POOR
from rlhf_lab.pages import curves, region, timing, training
from rlhf_lab.pages.background import complaint, lab
from rlhf_lab.pages.choice import one_of
from rlhf_lab.pages.kept import chosen_run, evaluation_of, looked_at, nothing_yet, plotted_of, runs_of
from rlhf_lab.pages.second import second_model
from rlhf_lab.pages.tables import table
from rlhf_lab.runs import policies

AXES = {"root": "sqrt(KL)", "kl": "KL"}
GOLD = {"whole": "Whole", "factors": "Its two factors"}
PARTS = {"laws": "Laws", "best": "Best of n", "second": "Second model", "frontier": "Frontier"}


def main() -> None:
    begin(
        "Over-optimisation",
        f"Training sees the {word('proxy')} alone. {word('gold', 'Gold')} is looked at afterwards: does it still rise, "
        f"and where does {word('over-optimisation')} begin?",
    )
    store, home = opened()
    rows = runs_of(store, home, "ppo", "checkpoints")
    if not rows:
        nothing_yet("A PPO run optimises the proxy. What that does to gold is drawn here, against KL.")
        return
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    with left:
        run = Run(store, home, store.run(chosen_run(rows, "Run", "oo_run", looked_at(rows, home))))
    plotted = plotted_of(run.folder)
    with right:
        others = [row.name for row in rows if row.name != run.name and plotted_of(folder_of(home, row.name))]
        beside = st.multiselect(
            "Beside it, as thin lines", others, key="oo_beside", bind="query-params", disabled=not others,
            placeholder="other seeds or rewards" if others else "no other run was evaluated",
        )  # fmt: skip
    _evaluating(run, plotted)
    if plotted:
        _found(run, plotted, [p for name in beside if (p := plotted_of(folder_of(home, name)))])
    if training.has_begun(run):
        told = "As training saw it: KL by four estimators, and clip fractions"
        folded(told, "oo_training", training.show, run, expanded=plotted is None)


@st.fragment
def _found(run: Run, plotted: dict[str, Any], others: list[dict[str, Any]]) -> None:
    """The headline, the curves, the samples behind a region, and the tables."""
    st.html(f"<style>{LOOK}</style>")
    html(f'<p class="headline">{escape(plotted["headline"])}</p>' + _paragraph(plotted["factors"]))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = one_of("Against", AXES, "oo_axis")
        factored = "well_formed" in plotted["scores"]
        gold = "whole"
        if factored:
            gold = one_of("Gold", GOLD, "oo_gold")
        offered = [name for name in PARTS if name != "second" or "second" in plotted["scores"]]
        parts = st.pills(
            "Show", offered, format_func=PARTS.__getitem__, selection_mode="multi", key="oo_parts",
            default=["laws", "second"] if "second" in offered else ["laws"], bind="query-params",
        )  # fmt: skip
    brushed = curves.draw(plotted, others, axis, gold, set(parts or ()))
    notes = [_law(plotted)] if gold == "whole" and "laws" in (parts or ()) else []
    if "frontier" in (parts or ()):
        notes.append("Dashed: the highest proxy that reweighting the original model's completions gives at that KL.")
    evaluation = evaluation_of(run.folder)
    if evaluation is not None:
        notes.insert(0, "Drag across the chart of gold: the samples of that region stand below.")
    if notes:
        html(f'<p class="quiet">{" ".join(notes)}</p>')
    if others:
        html(_listed(plotted, others))
    if evaluation is not None:
        region.show(evaluation, brushed)
    with st.expander("The numbers"):
        for each in plotted["tables"]:
            html(table(each["title"], each["columns"], each["rows"], each["note"]))
    with st.container(horizontal=True, gap="small"):
        report = run.folder / "report" / "report.html"
        if report.is_file():
            st.download_button(
                "Report, one HTML page", report.read_bytes, file_name=f"{run.name}.html", mime="text/html",
                on_click="ignore",
            )  # fmt: skip
        st.download_button(
            "Points, CSV", lambda: curves.as_csv([plotted, *others]), file_name=f"{run.name}-points.csv",
            mime="text/csv", on_click="ignore",
        )  # fmt: skip


def _evaluating(run: Run, plotted: dict[str, Any] | None) -> None:
    """Progress while the run is evaluated; a button where it was not, or has gone on since."""
    job = evaluating(run)
    if job.running:
        st.fragment(_watch, run_every=TICK)(run, job)
        return
    steps = [step for step, _ in policies(run)]
    evaluation: Evaluation | None = evaluation_of(run.folder) if plotted is None else None
    behind = len(steps) - len(plotted["steps"] if plotted else evaluation.curve.steps if evaluation else ())
    if plotted and not behind:
        return
    if len(steps) < 2:
        html('<p class="quiet">The run has but one checkpoint, the original model: wait for its next.</p>')
        return
    line = complaint(job)
    if job.asked and not plotted and not evaluation and line:
        st.error(f"It was not evaluated. The last line of the log: {line}")
    if plotted or (evaluation and behind):
        html(
            f'<p class="quiet">The run has {behind} checkpoint{"s" * (behind > 1)} more than when it was evaluated.</p>'
        )
        label = "Evaluate it again"
    elif evaluation:
        html('<p class="quiet">The samples are there; their laws are not fitted yet.</p>')
        label = "Fit the laws"
    else:
        html(
            f'<div class="empty"><p>This run was not evaluated yet. {len(steps)} checkpoints write 1,000 completions '
            "each, which are scored by the proxy, by gold, and by a second reward model if there is one; then the laws "
            "are fitted.</p></div>"
        )
        label = f"Evaluate {len(steps)} checkpoints"
    if (why := refusal()) is not None:
        st.info(why)
        return
    words, by = ["report", run.name], []
    if label != "Fit the laws":
        second = second_model(run, f"oo_second:{run.name}")
        by = ["--second", second] if second else []
        words = ["evaluate", run.name, *by]
    if st.button(label, type="primary", key="oo_go"):
        job.start(lab(run.home, *words, "--json"), [run.name])
        st.rerun()
    if label != "Fit the laws":
        timing.timing(run.home, ["evaluate", "--base", run.name, *by], "oo_time")


def _watch(run: Run, job: Detached) -> None:
    if not job.running:
        st.rerun()
    told = run.store.run(run.name).progress
    if told and told.words.startswith("evaluating"):
        left = f", about {duration(told.left)} left" if told.left is not None else ""
        whole = told.done >= told.total
        text = "Fitting the laws and drawing the report" if whole else f"{told.words[:1].upper()}{told.words[1:]}{left}"
        st.progress(min(told.done / told.total, 1.0) if told.total else 0.0, text=text)
    else:
        st.progress(0.0, text="Starting")


def _law(plotted: dict[str, Any]) -> str:
    """How well the law of Gao et al. fits gold: it is drawn whether or not it does."""
    law = plotted["laws"]["gold, PPO"]
    if law["a"] is None:
        return escape(f"The law was not fitted: {law['peak']['words']}.")
    r2 = "undefined" if law["r2"] is None else f"{law['r2']:.2f}".replace("-", "\N{MINUS SIGN}")
    told = (
        f"Thick curves: the law of Gao et al. 2022, R = d (a \N{MINUS SIGN} b log d) with d the root of the KL; bands "
        f"are 95 % over bootstrap draws of the completions. For gold R² is {r2}"
    )
    if law["r2"] is not None and law["r2"] < POOR:
        told += ": the law misses this curve, and its peak says little"
    return f"{escape(told)}."


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _listed(plotted: dict[str, Any], others: list[dict[str, Any]]) -> str:
    """The overlaid runs, each with what was found."""
    rows = "".join(f"<dt>{escape(each['run'])}</dt><dd>{escape(each['headline'])}</dd>" for each in (plotted, *others))
    return f"<dl>{rows}</dl>"


LOOK = """
.elk .headline { font-size: 1.125rem; line-height: 1.45; padding-left: 0.9rem; max-width: 52rem;
  border-left: 0.25rem solid var(--elk-accent); }
"""

main()
