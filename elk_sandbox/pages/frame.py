"""What all pages share: the look, the title, the workspace with its store, and charts in the app's colours."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import altair as alt
import streamlit as st

from elk_sandbox.markup import STYLE
from elk_sandbox.palette import ACCENT, INK, LINE, PAPER, QUIET, TERMS, Colour
from elk_sandbox.runtime.store import Store, open_store
from elk_sandbox.runtime.workspace import workspace
from elk_sandbox.terminal import InputError

__all__ = ["TICK", "begin", "chart", "empty", "folded", "html", "ink", "opened", "place", "plain", "vega", "visit"]

TICK = 1.0  # seconds between two looks at something that runs

MANY = 400  # rows beyond which a chart is one picture: an element a mark takes the browser longer

LOOK = """
[data-testid="stMainBlockContainer"] { max-width: 84rem; padding-top: 4.25rem; padding-bottom: 4rem; }
[data-testid="stBaseButton-primary"], [data-baseweb="tag"] { color: light-dark(#ffffff, #06192a); }
[data-testid="stExpandSidebarButton"] [data-testid="stIconMaterial"] { display: none; }
[data-testid="stExpandSidebarButton"]::after { content: "Menu"; font: 500 0.9375rem/1.5 system-ui, sans-serif;
  padding: 0 0.6rem; border: 1px solid color-mix(in srgb, currentColor 40%, transparent); border-radius: 0.3rem; }
[data-testid="stPageLink"] a { padding-left: 0; padding-right: 0.75rem; }
[data-testid="stPageLink"] a p { color: ACCENT; text-decoration: underline; text-underline-offset: 0.2em; }
.elk h2 { font-size: 1.125rem; line-height: 1.3; padding: 0; margin: 0 0 0.6rem; overflow-wrap: anywhere; }
.elk h2 span { font-weight: 400; color: var(--elk-quiet); }
.elk .lead { font-size: 1.0625rem; margin: 0; }
.elk .empty { border: 1px dashed var(--elk-line); border-radius: 0.3rem; padding: 1.25rem 1.5rem; }
.elk abbr { text-decoration: underline dotted var(--elk-quiet); text-underline-offset: 0.2em; cursor: help; }
.elk .wide:focus-visible { outline: 1px solid var(--elk-accent); outline-offset: 2px; border-radius: 0.2rem; }
.elk a { color: var(--elk-accent); }
.elk .chip { display: inline-block; padding: 0 0.5rem; border-radius: 0.3rem; font-size: 0.8125rem; line-height: 1.5rem;
  border: 1px solid var(--elk-line); color: var(--elk-quiet); white-space: nowrap; }
.elk .chip.running, .elk .chip.starting { border-color: var(--elk-accent); color: var(--elk-accent); }
.elk .chip.done { background: var(--elk-survives-fill); color: var(--elk-survives-ink); border-color: transparent; }
.elk .chip.failed { background: var(--elk-strict-fill); color: var(--elk-strict-ink); border-color: transparent; }
.elk .chip.interrupted, .elk .chip.stopped { background: var(--elk-error-fill); color: var(--elk-error-ink);
  border-color: transparent; }
.elk td.like { white-space: normal; min-width: 15rem; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; }
  [data-testid="stButtonGroup"] [role="radiogroup"] { flex-wrap: wrap; row-gap: 0.3rem; }
  .elk .wide tbody th:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 7.5rem;
    max-width: 8.5rem; } }
""".replace("ACCENT", ACCENT.css)


def begin(title: str, lead: str = "") -> None:
    """The top of a page: its style, its title, and a sentence of HTML on what it is for."""
    if st.session_state.get("page shown") != title:
        st.session_state["page shown"] = title
        st.session_state["visit"] = visit() + 1
    st.html(f"<style>{STYLE}{LOOK}</style>")
    st.title(title, anchor=False)
    if lead:
        html(f'<p class="lead">{lead}</p>')


def visit() -> int:
    """How many times this visitor has come to a page from another; it stays while a page is drawn again."""
    return int(st.session_state.get("visit", 0))


def html(body: str) -> None:
    """HTML in the app's type and colours; what is not ours in it has to be escaped."""
    st.html(f'<div class="elk">{body}</div>')


def empty(told: str) -> None:
    """An empty state: a frame that says in HTML what will be here; a button goes below it."""
    html(f'<div class="empty"><p>{told}</p></div>')


@st.fragment
def folded(label: str, key: str, draw: Callable[..., None], *given: Any, expanded: bool = False) -> None:
    """What costs nothing until it is opened; whether it is stands in the address, under the key."""
    with st.expander(label, expanded, key=key, on_change="rerun", bind="query-params") as box:
        if box.open:
            draw(*given)


def place() -> Path:
    """The workspace; a page whose workspace cannot be used says so and ends."""
    try:
        return workspace()
    except NotADirectoryError as reason:
        st.error(str(reason))
        st.stop()


def opened() -> tuple[Store, Path]:
    """The store and the workspace; a page whose store cannot be opened says so and ends."""
    home = place()
    try:
        return _store(home), home
    except InputError as reason:
        st.error(str(reason))
        st.stop()


@st.cache_resource(show_spinner=False, max_entries=4)
def _store(home: Path) -> Store:
    return open_store(home)


def _ground() -> Literal["light", "dark"]:
    return "dark" if st.context.theme.type == "dark" else "light"


def ink(colour: Colour) -> str:
    """A colour of the palette as #rrggbb on the visitor's ground; where CSS does it, take `.css`."""
    return str(getattr(colour, _ground()))


def _config() -> Any:
    """Charts in the app's colours, on the visitor's ground."""
    axis: dict[str, Any] = {
        "domainColor": ink(LINE), "gridColor": ink(LINE), "tickColor": ink(LINE), "gridOpacity": 0.6,
        "labelColor": ink(QUIET), "titleColor": ink(INK), "titleFontWeight": "normal", "titleFontSize": 13,
        "labelFontSize": 12,
    }  # fmt: skip
    return alt.Config(  # at once: each `configure_...` would copy the whole chart
        background=ink(PAPER),
        font="system-ui, sans-serif",
        axis=alt.AxisConfig(**axis),
        legend=alt.LegendConfig(labelColor=ink(INK), titleColor=ink(QUIET), labelFontSize=12, titleFontWeight="normal"),
        title=alt.TitleConfig(color=ink(INK), fontSize=14, anchor="start", fontWeight=600),
        header=alt.HeaderConfig(labelColor=ink(INK), titleColor=ink(QUIET)),
        view=alt.ViewConfig(strokeOpacity=0),
        mark=alt.MarkConfig(aria=False),  # the chart's text stands for its marks, whose names take long to make
        range=alt.RangeConfig(category=[ink(c) for c in TERMS]),
    )


@lru_cache(maxsize=2)
def _config_on(ground: str) -> dict[str, Any]:
    return dict(_config().to_dict())


def vega(
    spec: Mapping[str, Any], alt_text: str, *, key: str | None = None, select: bool = False, moving: bool = False
) -> Any:
    """A chart as plain Vega-Lite, of the page's width in the app's colours; what was selected in it, where `select`.

    alt_text: what it shows, for those who cannot see it. moving: the rows of its layers change while all else stays;
    then the browser draws these anew, and does not compile the chart again.
    """
    options = {"actions": False, "renderer": "canvas" if _rows(spec) > MANY and not moving else "svg"}
    themed = {**(_named(spec) if moving else spec), "config": _config_on(_ground())}
    themed["usermeta"] = {"embedOptions": options}
    more: dict[str, Any] = {"on_select": "rerun"} if select else {}
    return st.vega_lite_chart(themed, theme=None, alt=alt_text, key=key, width="stretch", **more)


def _named(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of each layer as a table of its own, which Streamlit sends beside the specification."""
    names = [f"layer {k}" for k, _ in enumerate(spec["layer"])]
    tables = {name: layer["data"]["values"] for name, layer in zip(names, spec["layer"], strict=True)}
    layers = [{**layer, "data": {"name": name}} for name, layer in zip(names, spec["layer"], strict=True)]
    return {**spec, "layer": layers, "datasets": tables}


def _rows(spec: Mapping[str, Any]) -> int:
    """How many rows are drawn; those that layers share are counted once."""
    values = spec.get("data", {}).get("values", ())
    return len(values) + sum(map(_rows, spec.get("layer", ())))


def plain(drawn: Any) -> dict[str, Any]:
    """An Altair chart as plain Vega-Lite, to be kept: its checks and copies take up to a quarter of a second."""
    spec = dict(drawn.to_dict())
    if "data" not in spec:
        return spec
    # Streamlit makes rows at the top into a table of its own, which costs more than the JSON: one layer down.
    outer = {name: spec.pop(name) for name in ("$schema", "height", "params", "title") if name in spec}
    return {**outer, "layer": [spec]}


def chart(drawn: Any, alt_text: str) -> None:
    """An Altair chart of the page's width in the app's colours.

    alt_text: what it shows, for those who cannot see it.
    """
    vega(plain(drawn), alt_text)


alt.data_transformers.disable_max_rows()
alt.data_transformers.consolidate_datasets = False  # the rows stay where they are drawn
