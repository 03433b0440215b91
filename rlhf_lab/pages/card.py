"""The card on which a person judges one text after the other, by key; labelling and blind rating share it.

The browser holds the next few texts, so that one follows the key at once. What was said is sent with a running number
and shown as being saved until the server has it in the store: a lost connection or a restart loses nothing, and
nothing that is sent again is kept twice.
"""

from dataclasses import asdict
from functools import partial
from typing import Any

import streamlit as st

from elk_sandbox.palette import TERMS, variables
from elk_sandbox.terminal import InputError
from rlhf_lab.labelling import visible
from rlhf_lab.labels import WORDS
from rlhf_lab.sitting import Sitting

__all__ = ["card"]

AHEAD, BEHIND = 24, 6  # texts that the browser holds: yet to come, and to go back to
SIGNS = {-1: "\N{MINUS SIGN}", 0: "0", 1: "+"}

_CSS = f"""
.card {{ {variables()} --mark-neg: var(--elk-strict-fill); --mark-pos: var(--elk-good-fill); --mark-mid: {TERMS[0].css};
  color: var(--elk-ink); font: 0.9375rem/1.5 system-ui, sans-serif; }}
.top {{ display: flex; gap: 1rem; align-items: baseline; justify-content: space-between; margin: 0 0 0.4rem; }}
.at {{ font-variant-numeric: tabular-nums; }}
.saved {{ color: var(--elk-quiet); font-size: 0.875rem; }}
.bar {{ height: 3px; background: var(--elk-line); border-radius: 2px; }}
.bar span {{ display: block; height: 3px; background: var(--elk-accent); border-radius: 2px; }}
.text {{ box-sizing: border-box; min-height: 13rem; margin: 1rem 0; padding: 1.1rem 1.35rem;
  border: 1px solid var(--elk-line); border-radius: 0.4rem; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 1.1875rem/1.6 ui-serif, Georgia, Cambria, serif; max-width: none; }}
.text.over {{ font: inherit; color: var(--elk-quiet); }}
.keys, .more {{ display: flex; gap: 0.6rem; }}
.keys button {{ flex: 1 1 0; min-width: 0; padding: 0.7rem 0.4rem; font-weight: 600; font-size: 1rem; }}
.more {{ margin-top: 0.6rem; align-items: center; flex-wrap: wrap; }}
button {{ font: inherit; color: inherit; background: transparent; border: 1px solid var(--elk-line);
  border-radius: 0.4rem; cursor: pointer; padding: 0.35rem 0.7rem; }}
button:hover:not(:disabled) {{ border-color: var(--elk-accent); }}
button:focus-visible {{ outline: 2px solid var(--elk-accent); outline-offset: 1px; }}
button:disabled {{ opacity: 0.5; cursor: default; }}
button.pressed {{ background: color-mix(in srgb, var(--elk-accent) 18%, transparent);
  border-color: var(--elk-accent); }}
button i {{ font-style: normal; display: inline-block; width: 1.25rem; height: 1.25rem; line-height: 1.2rem;
  border-radius: 50%; margin-right: 0.5rem; font-weight: 700; }}
button .neg {{ box-shadow: inset 0 0 0 2px var(--mark-neg); }}
button .mid {{ box-shadow: inset 0 0 0 2px var(--mark-mid); }}
button .pos {{ box-shadow: inset 0 0 0 2px var(--mark-pos); }}
kbd {{ font: 600 0.75rem/1.2rem ui-monospace, monospace; border: 1px solid var(--elk-line); border-bottom-width: 2px;
  border-radius: 0.2rem; padding: 0 0.35rem; margin-left: 0.5rem; color: var(--elk-quiet); }}
.told {{ color: var(--elk-quiet); font-size: 0.875rem; }}
.fault {{ color: var(--elk-error-ink); background: var(--elk-error-fill); border-radius: 0.3rem;
  padding: 0.4rem 0.75rem; margin-top: 0.6rem; }}
[hidden] {{ display: none !important; }}
@media (max-width: 640px) {{ .text {{ font-size: 1.0625rem; padding: 0.9rem 1rem; min-height: 12rem; }}
  .keys button {{ font-size: 0.9375rem; padding: 0.7rem 0.1rem; }} .keys kbd {{ display: none; }}
  button i {{ margin-right: 0.3rem; }} }}
"""

_HTML = """
<div class="card">
  <div class="top"><span class="at"></span><span class="saved" role="status"></span></div>
  <div class="bar" role="progressbar" aria-label="labelled" aria-valuemin="0"><span></span></div>
  <div class="text" aria-live="polite" tabindex="0"></div>
  <div class="keys" role="group" aria-label="Your label"></div>
  <div class="more"><button class="undo" type="button">Undo<kbd>U</kbd></button>
    <button class="skip" type="button">Skip<kbd>S</kbd></button><span class="told"></span></div>
  <div class="fault" role="alert" hidden></div>
</div>
"""

_JS = """
const memory = new WeakMap();
let hint = ""; // for the card that takes the place of one

// What the rater sees: the server's texts after all that it does not know of yet.
function view(data, pending) {
  const queue = data.ahead.slice(), back = data.behind.slice(), whole = data.ahead.length >= data.left;
  let left = data.left;
  for (const event of pending) {
    if (event.kind === "label") {
      const at = queue.findIndex((due) => due.number === event.number);
      if (at >= 0) { back.push({ ...queue[at], value: event.value }); queue.splice(at, 1); left -= 1; }
    } else if (event.kind === "skip") {
      const at = queue.findIndex((due) => due.number === event.number);
      if (at >= 0) { const [due] = queue.splice(at, 1); if (whole) queue.push(due); }
    } else {
      const given = back.pop();
      if (given) { queue.unshift({ number: given.number, before: given.before, text: given.text }); left += 1; }
    }
  }
  return { due: queue[0], last: back[back.length - 1], left };
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const find = (name) => parentElement.querySelector(name);
  let me = memory.get(parentElement);
  if (!me) {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    const id = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    me = { window: id, count: 0, pending: [], told: hint };
    hint = "";
    memory.set(parentElement, me);
  }
  me.data = data;
  me.send = setStateValue;
  if (data.window === me.window) me.pending = me.pending.filter((event) => event.at > data.kept);

  const send = () => {
    clearTimeout(me.later);
    me.later = setTimeout(() => { if (me.pending.length && me.listening) send(); }, 4000); // a server may have died
    me.again = (me.again || 0) + 1; // so that the same events can be sent again
    me.send("sent", { window: me.window, again: me.again, events: me.pending });
  };
  const say = (event) => {
    me.pending.push({ at: ++me.count, place: me.data.place, ...event });
    me.shown = performance.now();
    draw();
    send();
  };
  // A click that ends what is typed into a field says nothing: the field may tell whose card this is to be.
  const filling = () => document.activeElement === me.field && me.field.value !== me.began;
  const press = (button) => {
    if (!button) return;
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 140);
  };
  const act = {
    label(value) {
      const { due } = view(me.data, me.pending);
      if (!due) return;
      me.told = "";
      press(find(`[data-value="${value}"]`));
      say({ kind: "label", number: due.number, before: due.before, value });
    },
    skip() {
      const { due } = view(me.data, me.pending);
      if (!due) return;
      me.told = "Skipped: it comes again at the end.";
      say({ kind: "skip", number: due.number });
    },
    undo() {
      const { last } = view(me.data, me.pending);
      me.told = last ? `Withdrawn: ${me.data.words[last.value]}.` : "Nothing to undo.";
      if (last) say({ kind: "undo", number: last.number, before: last.before });
      else draw();
    },
  };
  me.act = act;

  function draw() {
    const now = view(me.data, me.pending), total = me.data.total, done = total - now.left, text = find(".text");
    find(".at").textContent = now.left ? `${done + 1} of ${total}` : `${total} of ${total}`;
    find(".bar").setAttribute("aria-valuemax", total);
    find(".bar").setAttribute("aria-valuenow", done);
    find(".bar span").style.width = `${(100 * done) / total}%`;
    const body = now.due ? now.due.text : now.left ? "The next texts are on their way." : me.data.over;
    if (text.textContent !== body) text.textContent = body;
    text.classList.toggle("over", !now.due);
    text.dataset.number = now.due ? now.due.number : "";
    for (const button of parentElement.querySelectorAll(".keys button, .skip")) button.disabled = !now.due;
    find(".undo").disabled = !now.last;
    find(".saved").textContent = me.pending.length ? `saving ${me.pending.length}` : "all saved";
    find(".saved").dataset.pending = me.pending.length;
    find(".told").textContent = me.told || (now.last ? `Last: ${me.data.words[now.last.value]}.` : "");
    const fault = find(".fault");
    fault.hidden = !me.data.fault || !me.pending.length;
    if (!fault.hidden) {
      const again = document.createElement("button");
      again.type = "button";
      again.textContent = "Try again";
      again.onclick = send;
      fault.replaceChildren(`Not saved: ${me.data.fault} `, again);
    }
  }

  const keys = find(".keys");
  if (!keys.childElementCount) {
    data.keys.forEach(([key, value, sign, kind]) => {
      const button = document.createElement("button"), mark = document.createElement("i");
      button.type = "button";
      button.dataset.value = value;
      mark.className = kind;
      mark.textContent = sign;
      mark.setAttribute("aria-hidden", "true");
      const cap = document.createElement("kbd");
      cap.textContent = key;
      button.append(mark, data.words[value], cap);
      button.setAttribute("aria-keyshortcuts", key);
      button.onpointerdown = () => { me.left = filling(); };
      button.onclick = () => {
        if (me.left) me.told = hint = "Not counted: a field was being filled in. Press again.";
        me.left ? draw() : me.act.label(value);
        me.left = false;
      };
      keys.append(button);
    });
    find(".undo").onclick = () => me.act.undo();
    find(".skip").onclick = () => me.act.skip();
  }
  if (!me.listening) {
    me.listening = (event) => {
      const at = event.composedPath()[0], key = event.key.toLowerCase();
      if (event.repeat || event.altKey || event.defaultPrevented) return;
      if (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName || "")) return;
      if (document.querySelector('[role="dialog"]')) return;
      const chord = event.ctrlKey || event.metaKey;
      const label = me.data.keys.find(([name]) => name === key);
      if (chord ? key === "z" && !event.shiftKey : key === "u") me.act.undo();
      else if (!chord && key === "s") me.act.skip();
      else if (!chord && label) me.act.label(label[1]);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", me.listening);
    me.entered = ({ target }) => { me.field = target; me.began = target.value; };
    document.addEventListener("focusin", me.entered);
  }
  draw();
  if (me.pending.length && data.window !== me.window) send(); // a server that does not know of it
  return () => {
    document.removeEventListener("keydown", me.listening);
    document.removeEventListener("focusin", me.entered);
    me.listening = null;
  };
}
"""

_component = st.components.v2.component("rlhf_lab_card", html=_HTML, css=_CSS, js=_JS)


def card(sitting: Sitting, key: str, over: str) -> None:
    """Draw the card of a sitting, and keep what was said on it. `over`: what to say when all is judged."""
    name = f"card:{key}"
    _keep(sitting, name)
    kept = st.session_state.get(f"{name}:kept") or {"window": "", "kept": 0, "fault": ""}
    data = {
        **kept,
        "ahead": [asdict(due) | {"text": visible(due.text)} for due in sitting.ahead(AHEAD)],
        "behind": [asdict(given) | {"text": visible(given.text)} for given in sitting.behind(BEHIND)],
        "place": sitting.place,
        "left": sitting.left,
        "total": sitting.total,
        "words": {str(value): word for value, word in WORDS.items()},
        "keys": [
            [str(at), value, SIGNS[value], kind]
            for at, (value, kind) in enumerate(zip(sorted(WORDS), ("neg", "mid", "pos"), strict=True), 1)
        ],
        "over": over,
    }
    _component(key=name, data=data, on_sent_change=partial(_keep, sitting, name))


def _keep(sitting: Sitting, name: str) -> None:
    """Put into the store what the browser sent and is not there yet, in its order."""
    found: Any = st.session_state.get(name)
    sent = found.get("sent") if found else None
    if not sent:
        return
    before = st.session_state.get(f"{name}:kept")
    same = bool(before and before["window"] == sent["window"])
    kept, fault = before["kept"] if before and same else 0, ""
    again = set() if same else _again(sitting, sent["events"])
    for event in sent["events"]:
        if event["at"] <= kept:
            continue
        try:
            if event["at"] not in again:
                _do(sitting, event)
        except InputError as reason:
            fault = str(reason)
            break
        kept = event["at"]
    st.session_state[f"{name}:kept"] = {"window": sent["window"], "kept": kept, "fault": fault}


def _again(sitting: Sitting, events: list[dict[str, Any]]) -> set[int]:
    """Of what a window sends that this session does not know, what was kept before a restart, by its number."""
    said = [event for event in events if event["kind"] != "skip"]
    if not said or "place" not in said[0]:
        return set()
    pairs = [(int(event["number"]), event["value"] if event["kind"] == "label" else None) for event in said]
    known = sitting.known(pairs, int(said[0]["place"]))
    return {event["at"] for event, was in zip(said, known, strict=True) if was}


def _do(sitting: Sitting, event: dict[str, Any]) -> None:
    number = int(event["number"])
    if event["kind"] == "skip":
        sitting.skip(number)
    elif event["kind"] == "undo":
        sitting.undo(number, int(event["before"]))
    elif event["value"] in WORDS:
        sitting.label(number, event["value"], int(event["before"]))
