"""Pictures as trees of SVG elements, drawn by a small component: st.html strips SVG.

Text from worlds and files only ever becomes text or a value of an attribute.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from elk_sandbox.palette import variables

__all__ = ["Picture", "Shape", "el", "gem", "picture"]

Shape = list[Any]
"""[tag, attributes, children or text]"""


@dataclass(frozen=True)
class Picture:
    """What is drawn in one SVG, in units of about a pixel."""

    width: float
    height: float
    label: str  # what it shows, for those who cannot see it
    shapes: Sequence[Shape]
    least: float = 0.0  # width below which it scrolls rather than shrinks
    left: float = 0.0  # of the view box
    top: float = 0.0


def el(tag: str, *children: Shape | str, pick: str = "", told: str = "", pressed: bool = False, **given: Any) -> Shape:
    """An element; `_` in names of attributes is `-`, and `cls` the class.

    pick: makes it a button that reports this. told: what is said of it on hover and to those who cannot see it.
    """
    attributes = {("class" if k == "cls" else k.replace("_", "-")): str(v) for k, v in given.items()}
    inside: Any = children[0] if len(children) == 1 and isinstance(children[0], str) else list(children)
    if told:
        inside = [["title", {}, told], *(inside if isinstance(inside, list) else [])]
    if pick:
        attributes |= {"data-pick": pick, "aria-label": told, "aria-pressed": str(pressed).lower()}
    return [tag, attributes, inside]


def gem(x: float, y: float, size: float, cls: str = "gem") -> Shape:
    """A diamond whose tip is at (x, y)."""

    def at(*points: tuple[float, float]) -> str:
        return " ".join(f"{x + size * a:.1f},{y + size * b:.1f}" for a, b in points)

    rim, girdle = ((-0.55, -2.0), (0.55, -2.0)), ((-1.0, -1.35), (1.0, -1.35))
    outline = at(girdle[0], *rim, girdle[1], (0.0, 0.0))
    facets = at(girdle[0], (-0.4, -1.35), (0.0, 0.0), (0.4, -1.35), girdle[1])
    crown = at(rim[0], (-0.4, -1.35), (0.0, -2.0), (0.4, -1.35), rim[1])
    lines = [] if cls == "gone" else [el("polyline", points=p, cls="facet") for p in (facets, crown)]
    band = [] if cls == "gone" else [el("polyline", points=at(*girdle), cls="facet")]
    return el("g", el("polygon", points=outline, cls=cls), *band, *lines)


_CSS = f"""
.pictures {{ {variables()} display: flex; flex-wrap: wrap; gap: 0.75rem; color: var(--elk-ink);
  font: 13px/1.2 system-ui, sans-serif; --wall: color-mix(in srgb, var(--elk-line) 38%, var(--elk-paper));
  --floor: color-mix(in srgb, var(--elk-line) 75%, var(--elk-paper));
  --metal: color-mix(in srgb, var(--elk-quiet) 45%, var(--elk-paper)); }}
.frame {{ overflow-x: auto; padding: 3px; }}
.frame:focus-visible {{ outline: 1px solid var(--elk-accent); outline-offset: -1px; border-radius: 0.2rem; }}
svg {{ display: block; width: 100%; height: auto; overflow: visible; }}
text {{ fill: var(--elk-ink); }} .small {{ font-size: 11px; }} .quiet {{ fill: var(--elk-quiet); }}
.mid {{ text-anchor: middle; }} .strong {{ font-weight: 600; }}
.halo {{ paint-order: stroke; stroke: var(--elk-paper); stroke-width: 4px; stroke-linejoin: round; }}
.wall {{ fill: var(--wall); }} .floor {{ fill: var(--floor); }} .dark {{ fill: var(--elk-ink); }}
.paper {{ fill: var(--elk-paper); }} .metal {{ fill: var(--metal); }}
.line {{ fill: none; stroke: var(--elk-line); stroke-width: 1.5; }}
.ink {{ fill: none; stroke: var(--elk-ink); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }}
.thin {{ fill: none; stroke: var(--elk-quiet); stroke-width: 1.5; stroke-linecap: round; }}
.boxed {{ stroke: var(--elk-ink); stroke-width: 2; stroke-linejoin: round; }}
.gem {{ fill: var(--elk-survives-fill); stroke: var(--elk-accent); stroke-width: 2; stroke-linejoin: round; }}
.facet {{ fill: none; stroke: var(--elk-accent); stroke-width: 1; stroke-linejoin: round; }}
.gone {{ fill: none; stroke: var(--elk-quiet); stroke-width: 1.5; stroke-dasharray: 3 4; stroke-linejoin: round; }}
.sight {{ fill: var(--elk-error-fill); opacity: 0.45; }}
.trick {{ fill: var(--elk-tie-fill); stroke: var(--elk-tie-ink); stroke-width: 1.5; stroke-linejoin: round; }}
.trickline {{ fill: none; stroke: var(--elk-tie-ink); stroke-width: 2; stroke-linecap: round; }}
.trickink {{ fill: var(--elk-tie-ink); font-weight: 600; }}
.lit {{ fill: var(--elk-error-fill); stroke: var(--elk-error-ink); stroke-width: 1.5; }}
.unlit {{ fill: none; stroke: var(--elk-quiet); stroke-width: 1.5; }}
.arrow {{ fill: none; stroke: var(--elk-quiet); stroke-width: 1.3; }} .head {{ fill: var(--elk-quiet); stroke: none; }}
.foreign {{ stroke-dasharray: 4 3; opacity: 0.75; }}
.node {{ fill: var(--elk-paper); stroke: var(--elk-accent); stroke-width: 1.6; }}
.level {{ fill: var(--elk-survives-fill); stroke: none; }}
.hidden {{ stroke: var(--elk-quiet); stroke-dasharray: 3 3; }}
.rim {{ fill: none; stroke: var(--elk-accent); stroke-width: 1.6; }} .rim.hidden {{ stroke: var(--elk-quiet); }}
.eye {{ stroke-width: 3; }}
.wrong {{ fill: none; stroke: var(--elk-strict-fill); stroke-width: 2; }}
.wrongink {{ fill: var(--elk-strict-fill); font-weight: 700; }}
[data-pick] {{ cursor: pointer; outline: none; }}
[data-pick]:hover .hit, [data-pick]:focus-visible .hit {{ stroke: var(--elk-accent); stroke-width: 2;
  stroke-dasharray: none; }}
.hit {{ fill: transparent; stroke: none; }}
[data-pick] rect, [data-pick] polygon, [data-pick] circle {{ transition: opacity 0.15s; }}
@media (prefers-reduced-motion: reduce) {{ * {{ transition: none; }} }}
"""

_JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const SPACE = "http://www.w3.org/2000/svg";
  const root = parentElement.querySelector(".pictures");
  const active = parentElement.activeElement ?? root.getRootNode().activeElement;
  const focused = active && active.dataset ? active.dataset.pick : null;
  const scrolled = [...root.children].map((frame) => frame.scrollLeft);
  const make = ([tag, attributes, inside]) => {
    const node = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (typeof inside === "string") node.textContent = inside;
    else node.append(...inside.map(make));
    if (node.dataset.pick) {
      node.setAttribute("role", "button");
      node.setAttribute("tabindex", "0");
      const report = () => setTriggerValue("picked", node.dataset.pick);
      node.onclick = report;
      node.onkeydown = (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        report();
      };
    }
    return node;
  };
  root.replaceChildren(...data.pictures.map((picture) => {
    const frame = document.createElement("div"), svg = document.createElementNS(SPACE, "svg");
    frame.className = "frame";
    frame.style.maxWidth = `${picture.most}px`;
    frame.style.flex = `${picture.width} 1 0`;
    frame.style.minWidth = `min(100%, ${picture.most}px, 17rem)`;
    svg.setAttribute("viewBox", `${picture.left} ${picture.top} ${picture.width} ${picture.height}`);
    svg.style.minWidth = `${picture.least}px`;
    svg.append(...picture.shapes.map(make));
    svg.setAttribute("role", svg.querySelector("[data-pick]") ? "group" : "img");
    svg.setAttribute("aria-label", picture.label);
    frame.append(svg);
    if (picture.least) {
      frame.tabIndex = 0;
      frame.setAttribute("role", "region");
      frame.setAttribute("aria-label", picture.label);
    }
    return frame;
  }));
  [...root.children].forEach((frame, k) => { frame.scrollLeft = scrolled[k] ?? 0; });
  if (focused) root.querySelector(`[data-pick="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
"""

_component = st.components.v2.component("elk_sandbox_picture", html='<div class="pictures"></div>', css=_CSS, js=_JS)


def picture(
    pictures: Sequence[Picture], key: str, *, enlarged: float = 1.0, on_pick: Callable[[str], None] | None = None
) -> None:
    """Draw pictures beside each other, below where there is no room.

    enlarged: how many pixels a unit may be. on_pick: called with the `pick` that was clicked, before the page runs.
    """

    def picked() -> None:
        found = st.session_state[key].picked
        if found and on_pick is not None:
            on_pick(str(found))

    data = [
        {
            "width": p.width, "height": p.height, "left": p.left, "top": p.top, "label": p.label,
            "shapes": list(p.shapes), "least": p.least, "most": enlarged * p.width,
        }
        for p in pictures
    ]  # fmt: skip
    _component(key=key, data={"pictures": data}, on_picked_change=picked)
