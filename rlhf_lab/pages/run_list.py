"""The list of runs: a line a run, each a button, with how it is and one click to go on where it stopped."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from elk_sandbox.pages.script import MAKE
from elk_sandbox.palette import variables
from elk_sandbox.runtime.tables import Progress
from elk_sandbox.terminal import duration
from rlhf_lab.runs import Listed

__all__ = ["AGAIN", "GOING", "KINDS", "figures", "heard", "pace", "run_list"]

KINDS = {"pretrain": "language model", "reward": "reward model", "ppo": "PPO policy"}
FIGURES = {
    "validation/nats_per_character": "{:.3g} nats a character",
    "model/accuracy": "accuracy {:.0%}",
    "baseline/accuracy": "bag of words {:.0%}",
    "kl/exact": "KL {:.3g} nats",
    "reward/proxy": "proxy {:.3g}",
}
AGAIN = ("interrupted", "stopped", "failed", "new")
GOING = ("running", "starting")

_CSS = f"""
.list {{ {variables()} color: var(--elk-ink); font: 0.9375rem/1.4 system-ui, sans-serif; max-height: 27rem;
  overflow-y: auto; border: 1px solid var(--elk-line); border-radius: 0.4rem; }}
.row {{ display: flex; align-items: center; gap: 0.75rem; border-bottom: 1px solid var(--elk-line);
  padding-right: 0.75rem; }}
.row:last-child {{ border-bottom: 0; }}
.row:has(.pick[aria-pressed="true"]) {{ background: color-mix(in srgb, var(--elk-accent) 9%, transparent);
  box-shadow: inset 3px 0 0 var(--elk-accent); }}
button {{ font: inherit; color: inherit; background: none; border: 0; cursor: pointer; }}
.pick {{ flex: 1 1 auto; min-width: 0; display: grid; text-align: left; padding: 0.55rem 0.9rem; gap: 0.1rem 1rem;
  grid-template-columns: 7rem minmax(8rem, 1.2fr) minmax(10rem, 2fr) minmax(9rem, 1.4fr); align-items: center; }}
.pick:hover .name {{ color: var(--elk-accent); }}
button:focus-visible {{ outline: 2px solid var(--elk-accent); outline-offset: -2px; border-radius: 0.3rem; }}
.name {{ font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.kind, .how, .figures {{ color: var(--elk-quiet); font-size: 0.875rem; font-weight: 400; overflow: hidden;
  text-overflow: ellipsis; }}
.words {{ display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }}
.figures {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
.chip {{ justify-self: start; padding: 0 0.5rem; border-radius: 0.3rem; font-size: 0.8125rem; line-height: 1.5rem;
  border: 1px solid var(--elk-line); color: var(--elk-quiet); }}
.chip.running, .chip.starting {{ border-color: var(--elk-accent); color: var(--elk-accent); }}
.chip.done {{ background: var(--elk-survives-fill); color: var(--elk-survives-ink); border-color: transparent; }}
.chip.failed {{ background: var(--elk-strict-fill); color: var(--elk-strict-ink); border-color: transparent; }}
.chip.interrupted, .chip.stopped {{ background: var(--elk-error-fill); color: var(--elk-error-ink);
  border-color: transparent; }}
.bar {{ display: block; height: 3px; margin-top: 0.25rem; background: var(--elk-line); border-radius: 2px; }}
.bar span {{ display: block; height: 3px; background: var(--elk-accent); border-radius: 2px; }}
.again {{ flex: none; border: 1px solid var(--elk-line); border-radius: 0.3rem; padding: 0.2rem 0.7rem; }}
.again:hover {{ border-color: var(--elk-accent); color: var(--elk-accent); }}
@media (max-width: 760px) {{ .pick {{ grid-template-columns: 1fr auto; }} .chip {{ grid-column: 2; grid-row: 1;
  justify-self: end; }} .how, .figures {{ grid-column: 1 / -1; white-space: normal; }} .list {{ max-height: 32rem; }} }}
"""

_JS = (
    MAKE
    + """
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".list");
  const mark = (name) => root.querySelectorAll(".pick").forEach((pick) => {
    pick.setAttribute("aria-pressed", pick.dataset.at === `pick ${name}`);
  });
  const drawn = JSON.stringify(data.rows);
  if (root.drawn === drawn) {
    mark(data.picked);
    return;
  }
  root.drawn = drawn;
  const active = parentElement.activeElement, focused = active && active.dataset ? active.dataset.at : null;
  const scrolled = root.scrollTop;
  root.replaceChildren(...data.rows.map((run) => {
    const row = make("div", "", "row"), pick = make("button", "", "pick");
    pick.type = "button";
    pick.dataset.at = `pick ${run.name}`;
    const title = make("span", "", "name"), how = make("span", "", "how");
    how.append(make("span", run.how, "words"));
    title.append(run.name, document.createElement("br"), make("span", run.kind, "kind"));
    if (run.share !== null) {
      const bar = make("span", "", "bar"), part = make("span");
      part.style.width = `${100 * run.share}%`;
      bar.append(part);
      how.append(bar);
    }
    pick.append(make("span", run.state, `chip ${run.state}`), title, how, make("span", run.figures, "figures"));
    pick.onclick = () => {
      mark(run.name);
      setTriggerValue("picked", run.name);
    };
    row.append(pick);
    if (run.again) {
      const again = make("button", "Resume", "again");
      again.type = "button";
      again.dataset.at = `again ${run.name}`;
      again.setAttribute("aria-label", `Resume ${run.name}`);
      again.onclick = () => setTriggerValue("resumed", run.name);
      row.append(again);
    }
    return row;
  }));
  mark(data.picked);
  root.scrollTop = scrolled;
  if (focused) root.querySelector(`[data-at="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
"""
)

_component = st.components.v2.component(
    "rlhf_lab_runs", html='<div class="list" role="group" aria-label="Runs"></div>', css=_CSS, js=_JS
)


def run_list(
    runs: Sequence[Listed], picked: str, *, may_act: bool, on_pick: Callable[[str], None] | None = None
) -> tuple[str | None, str | None]:
    """Draw the runs; which was picked, and which is to be resumed, just now.

    on_pick: called with the one that was picked, before the page runs.
    """
    rows = [_drawn(run, may_act) for run in runs]

    def clicked() -> None:
        found = st.session_state["runs"].picked
        if on_pick is not None and found in {run.row.name for run in runs}:
            on_pick(found)

    found = _component(
        key="runs", data={"rows": rows, "picked": picked}, on_picked_change=clicked, on_resumed_change=lambda: None
    )
    return found.picked, found.resumed


def _drawn(run: Listed, may_act: bool) -> dict[str, Any]:
    told, going = run.row.progress, run.state in (*GOING, "interrupted", "stopped", "failed")
    return {
        "name": run.row.name,
        "kind": KINDS.get(run.row.kind, run.row.kind),
        "state": run.state,
        "how": pace(run),
        "share": min(told.done / told.total, 1.0) if told and going and told.total else None,
        "figures": figures(run),
        "again": may_act and run.state in AGAIN,
    }


def pace(run: Listed) -> str:
    """How far a run is, in words: what it said, the time left, and how long ago that was."""
    told = run.row.progress
    if run.state == "failed":
        return run.row.message
    if run.state == "new":
        return "not started yet"
    if run.state == "starting":
        return "the demo goes on with it"
    if run.state == "running":
        said = run.row.said
        left = f", {duration(said.left)} left" if said and said.left is not None else ""
        return heard(said, left) if said else "starting"
    if told is None or (run.state == "done" and run.row.kind == "ppo"):
        return ""  # of a policy that is done its figures say it; the last words may be an evaluation's
    return told.words


def heard(told: Progress, left: str = "") -> str:
    """What a run that goes on said last, what is to be added to it, and how long ago that was."""
    return f"{told.words}{left} · heard {duration(max(time.time() - told.at, 0))} ago"


def figures(run: Listed) -> str:
    """The headline figures in a line."""
    shown = [FIGURES[key].format(value) for key, value in run.headline.items() if not math.isnan(value)]
    return ", ".join(shown)
