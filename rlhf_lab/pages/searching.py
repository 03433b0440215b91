"""A word in the samples that an evaluation kept: how often at each checkpoint, and where."""

import re
from html import escape
from pathlib import Path
from typing import NamedTuple

import altair as alt
import streamlit as st

from elk_sandbox.pages.frame import chart, empty, html, ink
from elk_sandbox.palette import ACCENT
from elk_sandbox.runtime.run import Run
from rlhf_lab.checkpoint_files import META
from rlhf_lab.evaluated import Evaluation
from rlhf_lab.pages.kept import changed, evaluation_of
from rlhf_lab.pages.tables import charted

__all__ = ["found_in", "search"]

MOST = 12  # samples shown of a checkpoint
MARK = "\x00"  # between two samples


class Found(NamedTuple):
    """Where a word is."""

    rows: tuple[tuple[int, ...], ...]  # the numbers of the completions with it, of each checkpoint


def search(run: Run, evaluation: Evaluation | None) -> None:
    """A field for a word, its share at every checkpoint, and samples of the one that is chosen."""
    if evaluation is None:
        empty(
            "The samples that are searched are those of the evaluation, some thousand of every checkpoint. This run "
            "was not evaluated yet."
        )
        st.page_link("rlhf_lab/pages/overoptimization.py", label="Evaluate it", query_params={"oo_run": run.name})
        return
    asked = st.text_input(
        "A word, or the beginning of one with *", key="ck_word", bind="query-params", placeholder="joy, or los*",
        max_chars=60,
    )  # fmt: skip
    if not (asked or "").strip():
        count, of = evaluation.curve.kl.shape[1], len(evaluation.texts)
        html(f'<p class="quiet">Searches the {count} completions of each of {of} checkpoints.</p>')
        return
    when = changed(run.folder / "evaluation" / META)
    found = _found(str(run.folder), when, asked.strip())
    curve = evaluation.curve
    shares = [len(rows) / len(texts) for rows, texts in zip(found.rows, evaluation.texts, strict=True)]
    values = [
        {"nats": float(curve.nats[k]), "share": share, "iteration": int(curve.steps[k]), "count": len(found.rows[k])}
        for k, share in enumerate(shares)
    ]
    drawn = (
        charted(values)
        .mark_line(color=ink(ACCENT), point=alt.OverlayMarkDef(color=ink(ACCENT), size=30))
        .encode(
            x=alt.X("nats:Q", title="KL, nats"),
            y=alt.Y("share:Q", title="completions with it", axis=alt.Axis(format="%")),
            tooltip=[
                alt.Tooltip("nats:Q", format=".2f", title="KL, nats"), alt.Tooltip("iteration:Q"),
                alt.Tooltip("count:Q", title="completions with it"), alt.Tooltip("share:Q", format=".1%"),
            ],
        )
        .properties(height=210)
    )  # fmt: skip
    top = max(range(len(shares)), key=shares.__getitem__)
    told = (
        f"Share of completions with {asked.strip()}: {shares[0]:.1%} of the original model's, most, {shares[top]:.1%}"
    )
    chart(drawn, f"{told}, at {curve.nats[top]:z.2f} nats.")
    if not any(found.rows):
        html('<p class="quiet">No completion has it.</p>')
        return
    _samples(evaluation, found, asked.strip(), top)


@st.fragment
def _samples(evaluation: Evaluation, found: Found, asked: str, top: int) -> None:
    curve = evaluation.curve
    at = st.select_slider(
        "Samples of the checkpoint at", range(len(curve.steps)), value=top, key=f"ck_found_{asked}",
        format_func=lambda k: f"{curve.nats[k]:z.2f} nats, iteration {curve.steps[k]}: {len(found.rows[k])}",
    )  # fmt: skip
    rows = found.rows[at]
    pattern = _pattern(asked)
    shown = "".join(_sample(evaluation, at, k, pattern) for k in rows[:MOST])
    more = f'<p class="quiet">The first {MOST} of {len(rows)}.</p>' if len(rows) > MOST else ""
    st.html(f"<style>{LOOK}</style>")
    html(f'<div class="samples">{shown or "<p>None at this checkpoint.</p>"}</div>{more}')


def _sample(evaluation: Evaluation, at: int, k: int, pattern: "re.Pattern[str]") -> str:
    text, curve = evaluation.texts[at][k].strip("\n"), evaluation.curve
    parts, end = [], 0
    for hit in pattern.finditer(text):
        parts += [escape(text[end : hit.start()]), f"<mark>{escape(hit[0])}</mark>"]
        end = hit.end()
    parts.append(escape(text[end:]))
    worth = f"proxy {curve.proxy[at, k]:z.2f} · gold {curve.gold[at, k]:z.2f}".replace("-", "\N{MINUS SIGN}")
    return f"<div><p class='said'>{''.join(parts)}</p><p class='quiet'>{worth}</p></div>"


LOOK = """
.elk .samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 0 2rem; }
.elk .samples > div { border-top: 1px solid var(--elk-line); padding: 0.6rem 0 0.2rem; }
.elk .said { white-space: pre-wrap; font: 1rem/1.5 ui-serif, Georgia, serif; margin: 0 0 0.25rem; }
.elk .samples .quiet { font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
.elk mark { background: color-mix(in srgb, var(--elk-accent) 22%, transparent); color: inherit; font-weight: 600;
  border-radius: 0.15rem; }
"""


def _pattern(asked: str) -> "re.Pattern[str]":
    """Whole words, in either case; `los*` is the beginning of one."""
    words = re.escape(asked.removesuffix("*"))
    return re.compile(rf"(?<!\w){words}" + (r"\w*" if asked.endswith("*") else r"(?!\w)"), re.IGNORECASE)


def found_in(texts: str, asked: str) -> tuple[int, ...]:
    """The numbers of the samples with a match, in samples in lower case joined by MARK; `asked` as for `_pattern`."""
    word, open_end = asked.removesuffix("*").lower(), asked.endswith("*")
    numbers: list[int] = []
    number = counted = start = 0
    while word and (at := texts.find(word, start)) >= 0:
        end = at + len(word)
        start = at + 1
        if _inside(texts[at - 1 : at]) or not (open_end or not _inside(texts[end : end + 1])):
            continue
        number += texts.count(MARK, counted, at)
        counted = at
        numbers.append(number)
        start = texts.find(MARK, at)  # one match a sample is enough
        if start < 0:
            break
    return tuple(numbers)


def _inside(symbol: str) -> bool:
    """Whether a word goes on over it."""
    return symbol.isalnum() or symbol == "_"


@st.cache_resource(show_spinner=False, max_entries=6)
def _joined(run: str, when: int) -> tuple[str, ...]:
    evaluation = evaluation_of(Path(run))
    return tuple(MARK.join(texts).lower() for texts in evaluation.texts) if evaluation else ()


@st.cache_resource(show_spinner=False, max_entries=64)
def _found(run: str, when: int, asked: str) -> Found:
    return Found(tuple(found_in(texts, asked) for texts in _joined(run, when)))
