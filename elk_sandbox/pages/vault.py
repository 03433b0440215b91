"""The vault: an exact world to play with. What happens, what is seen, what is believed, and what reporters answer.

Everything is read off the tables of the world, which are exact; what was chosen is in the address.
"""

from collections.abc import Sequence
from html import escape

import streamlit as st

from elk_sandbox import beliefs
from elk_sandbox.markup import number
from elk_sandbox.pages.address import standing
from elk_sandbox.pages.files import registry
from elk_sandbox.pages.frame import begin, html
from elk_sandbox.pages.graph import legend, net
from elk_sandbox.pages.scene import outside, room
from elk_sandbox.pages.svg import picture
from elk_sandbox.pages.vault_world import chosen
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.registry import RegistryError
from elk_sandbox.stage import Stage
from elk_sandbox.tellings import PEOPLE, alike, answers, glossary, happening, nodes, sentence

LOOK = """
[data-testid="stCheckbox"] p { white-space: normal; overflow: visible; }
.elk h2 { margin-top: 0.9rem; }
@media (max-width: 640px) { .elk th[scope="row"] { white-space: normal; min-width: 8rem; } }
.elk dl.nodes { font-size: 0.875rem; grid-template-columns: max-content 1fr; }
.elk td.wrap { white-space: normal; min-width: 6rem; }
.elk .verdict { display: inline-block; padding: 0 0.4rem; margin-left: 0.25rem; border-radius: 0.2rem; }
.elk .verdict.right { background: var(--elk-survives-fill); color: var(--elk-survives-ink); }
.elk .verdict.wrong { background: var(--elk-strict-fill); color: var(--elk-strict-ink); }
"""


def main() -> None:
    begin(
        "Vault",
        f"Set what happens. See what the camera shows, what a human concludes, what the {word('predictor')} knows, and "
        f"what each {word('reporter')} answers.",
    )
    st.html(f"<style>{LOOK}</style>")
    try:
        files = registry()
    except RegistryError as reason:
        st.error(str(reason))
        return
    stage = chosen(files)
    if stage is not None:
        _play(stage)


def _play(stage: Stage) -> None:
    code = st.query_params.get("vault_at")
    found = stage.find(code) if code is not None else stage.start
    if found is None:
        html("<p>There is no such situation as the address names; here is a likely one.</p>")
    at = stage.start if found is None else found
    rival = st.query_params.get("vault_against", "")
    if rival not in stage.rivals:
        rival = stage.rivals[0] if stage.rivals else ""
    left, right = st.columns([11, 7], gap="large")
    with left:
        _look(stage, at)
    with right:
        _controls(stage, at)
        _walk(stage, at, rival)
    _answers(stage, at)
    _nets(stage, at)


def _go(at: int, stage: Stage, gave_way: Sequence[str] = ()) -> None:
    st.query_params["vault_at"] = stage.code(at)
    st.session_state["vault_gave_way"] = tuple(gave_way)


def _turn(stage: Stage, at: int, node: str, value: int) -> None:
    _go(*_nearest(stage, at, node, value))


def _nearest(stage: Stage, at: int, node: str, value: int) -> tuple[int, Stage, tuple[str, ...]]:
    found, gave_way = stage.turned(at, node, value)
    return found, stage, gave_way


def _level(stage: Stage) -> str:
    """The human whose screen and net are shown, the first of those who see and believe alike."""
    found = st.query_params.get("vault_human", "viewer")
    return next((levels[0] for levels in alike(stage.world) if found in levels), "viewer")


def _look_through() -> None:
    st.query_params["vault_human"] = st.session_state["vault_eyes"]


def _look(stage: Stage, at: int) -> None:
    level = _level(stage)

    def turn(node: str) -> None:
        _turn(stage, at, node, 1 - stage.value(at, node))

    picture([room(stage, at), outside(stage, at, level)], "vault_scene", enlarged=1.35, on_pick=turn)
    told = happening(stage.world, at)
    lines = [("What happens", told.happens), ("What can be seen", told.seen)]
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape('; '.join(found)) or 'nothing that there are words for'}</dd>"
        for name, found in lines
    )
    chance = f"<dt>Probability</dt><dd>{number(float(stage.world.weights[at]))}{_where(stage, at)}</dd>"
    html(f"<dl>{rows}{chance}</dl>")


def _where(stage: Stage, at: int) -> str:
    inside = [p for p, w in stage.world.data.items() if w[at] > 0]
    if not inside:
        return ", outside all data that humans label"
    by = ", ".join(PEOPLE.get(p, p) for p in inside)
    return f", in the data of: {escape(by)}"


def _controls(stage: Stage, at: int) -> None:
    told = [c for c in stage.choices if c.words]
    bits = [c for c in stage.choices if not c.words]
    html("<h2>Set what happens</h2>")
    for choice in told:
        assert choice.words is not None
        key = f"vault_do_{choice.node}"
        with standing(key, bool(stage.value(at, choice.node))):
            st.toggle(sentence(choice.words[1]), key=key, on_change=_toggled, args=(stage, at, choice.node))
    if bits:
        with standing("vault_bits", [c.node for c in bits if stage.value(at, c.node)]):
            st.pills(
                "Bits of the predictor that are 1" if not stage.world.of_kind("action") else "Bits that are 1",
                [c.node for c in bits],
                selection_mode="multi",
                key="vault_bits",
                on_change=_bits,
                args=(stage, at),
            )
    gave_way = st.session_state.pop("vault_gave_way", ())
    if gave_way:
        words = [
            stage.world.words[n][stage.value(at, n)] if n in stage.world.words else f"{n} is {stage.value(at, n)}"
            for n in gave_way
        ]
        html(f'<p class="quiet">With that it came that {escape("; ".join(words))}.</p>')


def _toggled(stage: Stage, at: int, node: str) -> None:
    _turn(stage, at, node, int(st.session_state[f"vault_do_{node}"]))


def _bits(stage: Stage, at: int) -> None:
    wanted = set(st.session_state["vault_bits"])
    for choice in stage.choices:
        if not choice.words and (choice.node in wanted) != bool(stage.value(at, choice.node)):
            _turn(stage, at, choice.node, int(choice.node in wanted))
            return


def _walk(stage: Stage, at: int, rival: str) -> None:
    if not rival:
        html('<p class="quiet">No dishonest reporter is known here.</p>')
        return
    apart = stage.partings(stage.translator, rival).tolist()
    html("<h2>Where they part</h2>")
    if len(stage.rivals) > 1:
        st.session_state["vault_rival"] = rival
        st.selectbox(
            f"{stage.translator.replace('_', ' ')} and",
            stage.rivals,
            key="vault_rival",
            format_func=lambda n: n.replace("_", " "),
            on_change=_against,
        )
    if not apart:
        html('<p class="quiet">They answer alike in every situation.</p>')
        return
    mass = float(stage.world.weights[apart].sum())
    here = apart.index(at) if at in apart else None
    many = f"{len(apart)} situation{'s' * (len(apart) != 1)}, probability {mass:.3g} in all"
    if here is None:
        html(f'<p class="quiet">Here they agree. They part in {many}.</p>')
        st.button("Walk to where they part", type="primary", on_click=_go, args=(apart[0], stage))
        return
    html(f"<p>Here they part: {here + 1} of {many}.</p>")
    with st.container(horizontal=True):
        st.button("Previous", disabled=here == 0, on_click=_go, args=(apart[max(here - 1, 0)], stage))
        last = here + 1 == len(apart)
        st.button("Next", disabled=last, on_click=_go, args=(apart[min(here + 1, len(apart) - 1)], stage))
        st.button("Back to the likeliest", on_click=_go, args=(stage.start, stage))


def _against() -> None:
    st.query_params["vault_against"] = st.session_state["vault_rival"]


def _answers(stage: Stage, at: int) -> None:
    html(f"<h2>What each of them answers</h2>{answers(stage, at)}")


def _people(levels: Sequence[str]) -> str:
    """One of several who see and believe alike."""
    first, rest = PEOPLE.get(levels[0], levels[0]), len(levels) - 1
    return f"{first} and {rest} more alike" if rest else first


def _nets(stage: Stage, at: int) -> None:
    world = stage.world
    actual = {n: stage.value(at, n) for n in world.nodes}
    left, right = st.columns(2, gap="large")
    with left:
        html("<h2>What the predictor knows</h2>")
        behind = any(k == "hidden" and n not in world.words for n, k in zip(world.nodes, world.kinds, strict=True))
        whole = behind and st.toggle("With all that lies behind them", key="vault_whole", bind="query-params")
        held = beliefs.predictor(world, at, whole=whole)
        picture([net(held, world.words, {}, "The predictor's net")], "vault_predictor", enlarged=1.25)
        html(glossary(world, held.nodes))
    with right:
        html("<h2>What a human makes of it</h2>")
        groups = {found[0]: found for found in alike(world)}
        if len(groups) > 1:
            st.session_state["vault_eyes"] = _level(stage)
            st.pills(
                "Human", list(groups), required=True, key="vault_eyes", on_change=_look_through,
                format_func=lambda n: _people(groups[n]), label_visibility="collapsed",
            )  # fmt: skip
        level = _level(stage)
        own = beliefs.human(world, level, at)
        picture([net(own, world.words, actual, f"The net of the {level}")], "vault_net", enlarged=1.25)
        sees = nodes(world, world.sees[level])
        html(
            f'<p class="quiet">Sees {sees}. What is expected of the rest is what it is in the data that this human '
            "labels; a node that never varies there is not in the net. Marked ≠: in truth it is otherwise.</p>"
        )
    picture(legend([held, own]), "vault_legend")


main()
