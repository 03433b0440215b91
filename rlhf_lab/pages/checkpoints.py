"""Checkpoints: the same texts at every checkpoint, token by token; what training did to them; a word in all samples.

The texts are a closeup that `rlhf-lab closeup` keeps in the run's folder, and the samples are the evaluation's: no
model is loaded here.
"""

from collections import Counter
from typing import Any

import streamlit as st

from elk_sandbox.pages.frame import begin, folded, opened
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.run import Run
from rlhf_lab.checkpoint_files import META
from rlhf_lab.evaluated import Evaluation
from rlhf_lab.pages import asking, searching, variety
from rlhf_lab.pages.choice import one_of
from rlhf_lab.pages.kept import changed, chosen_run, closeup_of, evaluation_of, looked_at, nothing_yet, runs_of
from rlhf_lab.pages.tokens import Cell, Column, Row, Scale, colour_limit, token_table
from rlhf_lab.runs import policies

SERIES = {"ratio": "nats, log-probability ratio to the original model", "adds": "nats, added to the reward"}
SHOWN = 4  # texts side by side on a page
PAGE = 10  # checkpoints of one text on a page
VIEWS = {"two": "Two checkpoints", "all": "One text at every checkpoint", "search": "Find a word"}
COLOURS = {"ratio": "log-probability ratio", "adds": "reward"}


def main() -> None:
    begin(
        "Checkpoints",
        "What each checkpoint writes after the same beginning, by the same random numbers. A checkpoint is named by "
        f"its {word('KL')} from the original model.",
    )
    store, home = opened()
    rows = runs_of(store, home, "ppo", "checkpoints")
    if not rows:
        nothing_yet(
            "A PPO run keeps its policy each time that it has moved on. Here its checkpoints are read side by side."
        )
        return
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="bottom")
    with left:
        run = Run(store, home, store.run(chosen_run(rows, "Run", "ck_run", looked_at(rows, home))))
    with right:
        view = one_of("Show", VIEWS, "ck_view")
    if view == "search":
        searching.search(run, evaluation_of(run.folder))
        return
    evaluation = evaluation_of(run.folder)
    nats = _nats(run, evaluation)
    ask = asking.asked()
    found = closeup_of(ask.file(run.folder))
    steps = [step for step, _ in policies(run)]
    asking.offer(run, ask, found, steps)
    if found:
        _texts(found, nats, view, _varied(evaluation))
    if evaluation is not None:
        known_by = f"{run.folder}:{changed(run.folder / 'evaluation' / META)}"
        folded("Diversity at every checkpoint", "ck_diversity", variety.show, evaluation, known_by)


def _nats(run: Run, evaluation: Evaluation | None) -> dict[int, float]:
    """KL at each iteration, as training measured it; of what was evaluated, as that did on many more completions."""
    found = dict(run.store.metrics(run.name, ["kl/exact"]).get("kl/exact", []))
    if evaluation is not None:
        found |= zip(evaluation.curve.steps.tolist(), evaluation.curve.nats.tolist(), strict=True)
    return found


@st.fragment
def _texts(found: dict[str, Any], nats: dict[int, float], view: str, varied: dict[int, str]) -> None:
    """The closeup: two checkpoints side by side, or one text down all of them."""
    every = {each["iteration"]: each for each in found["checkpoints"]}
    controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with controls:
        by = one_of("Colour by", COLOURS, "ck_by")
    draw = _two if view == "two" else _down
    box, columns, rows = draw(every, nats, found, controls, varied)
    with controls:
        numbers = st.toggle("Numbers", key="ck_numbers", bind="query-params")
    limit = colour_limit(v for each in every.values() for text in each["texts"] for v in text[by])
    target = found["target"]
    scale = {
        "ratio": Scale("Log-probability ratio to the original model, nats:", "likelier now", "less likely", limit),
        "adds": Scale(f"Added to the log odds of {target}, nats:", f"more {target}", f"less {target}", limit),
    }[by]
    with box:
        token_table(
            columns, rows, list(SERIES.values()), scale, shown=list(SERIES).index(by), numbers=numbers,
            key=f"ck_tokens_{view}",
        )  # fmt: skip


def _two(
    every: dict[int, Any], nats: dict[int, float], found: dict[str, Any], controls: Any, varied: dict[int, str]
) -> tuple[Any, list[Column], list[Row]]:
    """The pinned checkpoint on the left, the slider's on the right."""
    steps = list(every)
    names = _named_by(steps, nats)
    for key, usual in (("ck_at", steps[-1]), ("ck_pin", steps[0])):
        if st.session_state.get(key) not in steps:  # of another run, or the first time
            st.session_state[key] = usual if key not in st.query_params else _named(key, steps, usual)
    at = steps[0]
    if len(steps) > 1:
        at = st.select_slider(
            "Checkpoint on the right, by KL from the original model", steps, format_func=names.__getitem__,
            key="ck_at", on_change=_remember, args=("ck_at",),
            help="As training measured it, on that iteration's batch. Over-optimisation shows the KL of the samples "
            "that were evaluated: chance makes the two differ.",
        )  # fmt: skip
    with controls:
        pin = st.selectbox(
            "On the left", steps, format_func=names.__getitem__, key="ck_pin", on_change=_remember,
            args=("ck_pin",), width=170,
        )  # fmt: skip
        st.button("Pin the right one on the left", on_click=_pin, args=(at,), disabled=pin == at)
    box = st.container()
    count = len(every[at]["texts"])
    pages = -(-count // SHOWN)
    page = st.pagination(pages, key="ck_page", bind="query-params") if pages > 1 else 1
    chosen = range((page - 1) * SHOWN, min(page * SHOWN, count))
    columns = [Column(_title(s, steps), names[s], varied.get(s, "")) for s in (pin, at)]
    return box, columns, [Row([_cell(every[s]["texts"][k], found) for s in (pin, at)]) for k in chosen]


def _down(
    every: dict[int, Any], nats: dict[int, float], found: dict[str, Any], controls: Any, varied: dict[int, str]
) -> tuple[Any, list[Column], list[Row]]:
    """One text at all checkpoints, a page at a time."""
    steps = list(every)
    names = _named_by(steps, nats)
    with controls:
        count = len(every[steps[0]]["texts"])
        text = st.selectbox("Text", range(1, count + 1), key="ck_text", bind="query-params", width=110)
    box = st.container()
    pages = -(-len(steps) // PAGE)
    page = st.pagination(pages, key="ck_steps", bind="query-params") if pages > 1 else 1
    shown = steps[(page - 1) * PAGE : page * PAGE]
    rows = [Row([_cell(every[s]["texts"][int(text) - 1], found)], names[s], f"iteration {s}") for s in shown]
    return box, [Column()], rows


def _varied(evaluation: Evaluation | None) -> dict[int, str]:
    """The diversity of each checkpoint's completions, in words."""
    if evaluation is None:
        return {}
    curve = evaluation.curve
    told: dict[int, list[str]] = {int(step): [] for step in curve.steps}
    for name, form in (("entropy", "entropy {:z.2f}"), ("distinct", "distinct bigrams {:.1%}"),
                       ("duplicates", "duplicates {:.1%}")):  # fmt: skip
        for step, value in zip(
            curve.steps, values if (values := getattr(curve, name)) is not None else (), strict=False
        ):
            told[int(step)].append(form.format(value))
    return {step: " · ".join(words) for step, words in told.items()}


def _cell(text: dict[str, Any], found: dict[str, Any]) -> Cell:
    given = found["given"]
    k1 = sum(text["ratio"][given:])
    note = f"reward {text['reward']:z.2f} · log ratio {k1:+.2f} nats" if k1 else f"reward {text['reward']:z.2f}"
    return Cell(text["pieces"], [text[name] for name in SERIES], note.replace("-", "\N{MINUS SIGN}"), given)


def _named_by(steps: list[int], nats: dict[int, float]) -> dict[int, str]:
    """Each checkpoint by its KL; by its iteration too where that is another's, since a widget knows it by its words."""
    plain = {step: f"{nats[step]:z.2f} nats" if step in nats else f"iteration {step}" for step in steps}
    often = Counter(plain.values())
    return {step: told if often[told] == 1 else f"{told}, iteration {step}" for step, told in plain.items()}


def _title(step: int, steps: list[int]) -> str:
    return "Original model" if step == steps[0] else f"Iteration {step}"


def _named(key: str, steps: list[int], usual: int) -> int:
    """The checkpoint that the address names."""
    told = st.query_params[key]
    return int(told) if told.isdecimal() and int(told) in steps else usual


def _remember(key: str) -> None:
    st.query_params[key] = str(st.session_state[key])


def _pin(step: int) -> None:
    st.session_state["ck_pin"] = step
    _remember("ck_pin")


main()
