"""A place on a page that scrolls itself into view: what a link promises lies below much else."""

import streamlit as st

__all__ = ["reveal"]

_JS = """
const seen = new Set();  // each arrival scrolls once, however often its place is drawn

export default function ({ data, parentElement }) {
  if (!data.arrival || seen.has(data.arrival)) return;
  seen.add(data.arrival);
  const place = parentElement.host ?? parentElement;
  let free = false;  // from the first thing that the visitor does, the page is theirs
  const release = () => { free = true; };
  for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) {
    window.addEventListener(kind, release, { capture: true, once: true, passive: true });
  }
  place.style.scrollMarginTop = "4.5rem";  // the bar at the top
  for (const wait of [0, 200, 500, 1000]) {  // what is above and below is still coming in
    setTimeout(() => { if (!free) place.scrollIntoView({ block: "start" }); }, wait);
  }
}
"""

_component = st.components.v2.component("elk_sandbox_reveal", html="<i></i>", js=_JS)


def reveal(arrival: str, key: str) -> None:
    """Scroll to here, once for each arrival; with an empty one, never."""
    _component(key=key, data={"arrival": arrival}, height=1)
