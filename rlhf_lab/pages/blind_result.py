"""What a blind rating found, and the reveal; nothing of it to who has not rated all, unless she breaks her blind."""

import math
from html import escape
from typing import Any

import streamlit as st

from elk_sandbox.pages.frame import empty, html
from elk_sandbox.pages.words import word
from elk_sandbox.runtime.store import Store
from elk_sandbox.terminal import InputError, json_text
from rlhf_lab.blind_sheet import progress, was_revealed
from rlhf_lab.labels import WORDS, require_person

__all__ = ["LOOK", "result"]

LOOK = """
.elk .share { position: relative; display: block; width: 14rem; height: 1.1rem; background: var(--elk-line);
  border-radius: 0.15rem; }
.elk .share b { position: absolute; top: 0.5rem; height: 2px; background: var(--elk-ink); }
.elk .share i { position: absolute; top: 0.2rem; width: 0.7rem; height: 0.7rem; margin-left: -0.35rem;
  border-radius: 50%; background: var(--elk-accent); }
.elk .sample { white-space: pre-wrap; font: 0.9375rem/1.5 ui-serif, Georgia, serif; margin: 0 0 0.9rem;
  padding-left: 0.75rem; border-left: 3px solid var(--elk-line); overflow-wrap: anywhere; }
.elk .sample small { display: block; font: 0.8125rem/1.4 system-ui, sans-serif; color: var(--elk-quiet); }
"""
ARMS = {"original": "the original model", "trained": "the trained model", "twin": "the negative twin"}


def result(store: Store, sheet: str, who: str) -> None:
    """Anybody's result, to who has rated all; a button before that breaks her own blind by force, which is kept."""
    if not who:
        empty("Say above who you are: whoever has rated all of a sheet sees its results.")
        return
    try:
        require_person(store, sheet, who)
    except InputError:
        empty(f"{escape(who)} is a simulated rater of this sheet. Say above who you are: what you learn here stays.")
        return
    rated = progress(store, sheet)
    done, total = rated.get(who, (0, store.count(sheet)))
    names = [who] * bool(done) + [name for name, (many, _) in rated.items() if many == total and name != who]
    if not names:
        empty("Nobody has rated all of this sheet yet: rate it, and the result appears here.")
        return
    forced = done < total
    if not was_revealed(store, sheet, who):
        _closed(store, sheet, who, total - done, total)
        return
    from rlhf_lab.blind_outcome import outcome

    shown = str(st.selectbox("Ratings of", names, key=f"blind_of:{who}")) if names != [who] else who
    if forced and shown != who:
        st.warning(f"{who} broke the blind with {total - done} texts left: what {who} rates from here on is not blind.")
    try:
        found = outcome(store, sheet, shown, viewer=who, force=forced)
    except InputError as reason:  # a rating was taken back in another window
        st.error(str(reason))
        return
    _told(found)
    _texts(store, sheet, shown)
    st.download_button("Result as JSON", json_text(found), file_name=f"{sheet}-{shown}.json", on_click="ignore")


def _closed(store: Store, sheet: str, who: str, left: int, total: int) -> None:
    """What there is before the reveal: how to come to it, and nothing of the arms."""
    if left:
        empty(
            f"{left} of {total} texts are left for {escape(who)}. The results, yours and others', appear when you have "
            "rated all."
        )
        st.button(
            "Reveal now, and break the blind", key="blind_force", on_click=_reveal, args=(store, sheet, who, True),
            help="It is kept that you broke the blind, and said with every result of yours.",
        )  # fmt: skip
    else:
        html(f"<p>{escape(who)} has rated all {total} texts. The next click says which model wrote which.</p>")
        st.button("Reveal", type="primary", key="blind_reveal", on_click=_reveal, args=(store, sheet, who, False))
    if fault := st.session_state.pop("blind_fault", None):
        st.error(fault)


def _reveal(store: Store, sheet: str, who: str, force: bool) -> None:
    """Nothing where another name was typed meanwhile: the button was about this one, and a reveal is for good."""
    from rlhf_lab.blind_sheet import look

    if str(st.session_state.get("blind_who", who)).strip() != who:
        return
    try:
        look(store, sheet, who, force=force)
    except InputError as reason:  # she took a rating back in another window
        st.session_state["blind_fault"] = str(reason)


def _told(found: dict[str, Any]) -> None:
    if found["broken"]:
        st.warning("The blind was broken: arms were revealed before all was rated, or ratings were given after it.")
    for each in found["comparisons"]:
        clear = max(each["fisher_holm"], each["mann_whitney_holm"]) < 0.05
        one, two = (ARMS.get(name, name) for name in each["names"])
        title = f"{two[:1].upper()}{two[1:]} against {one}"
        html(f"<h2>{escape(title)}</h2><p>{_sentence(each, one, two, clear)}</p>{_shares(each)}{_tests(each)}")
    repeated = [(arm, n - found["distinct"][arm], n) for arm, n in found["rated"].items() if n > found["distinct"][arm]]
    for arm, more, n in repeated:
        html(
            f'<p class="quiet">{more} of {n} texts of {escape(ARMS.get(arm, arm))} repeat another: their ratings are '
            "not independent.</p>"
        )
    if found["agreement"]:
        pairs = ", ".join(f"{_number(k)} with {escape(who)}" for who, k in found["agreement"]["kappa"].items())
        html(
            f"<h2>Agreement</h2><p>{word('kappa', 'Kappa')} {pairs}; {word('alpha', 'alpha')} of all "
            f"{_number(found['agreement']['alpha'])}.</p>"
        )
    else:
        html('<h2>Agreement</h2><p class="quiet">Nobody else has rated the whole sheet yet.</p>')


def _sentence(each: dict[str, Any], one: str, two: str, clear: bool) -> str:
    if not clear:
        return "No difference that both tests, named beforehand, would call clear at this size."
    one, two = escape(one), escape(f"{two[:1].upper()}{two[1:]}")
    way = "higher" if each["superiority"] > 0.5 else "lower"
    if (each["difference"] > 0) != (way == "higher"):
        often = "more" if each["difference"] > 0 else "less"
        return (
            "Both tests that were named beforehand find a difference, and they point in opposite ways: "
            f"{two[:1].lower()}{two[1:]} was rated positive {often} often than {one}, but {way} on the whole."
        )
    return f"{two} was rated {way} than {one}, by both tests that were named beforehand."


def _shares(each: dict[str, Any]) -> str:
    rows = ""
    for name, share, counts in zip(each["names"], each["positive"], each["counts"], strict=True):
        if not share["trials"]:
            continue
        told = f"{share['share']:.0%} positive, 95 % interval {share['low']:.0%} to {share['high']:.0%}"
        picture = (
            f'<span class="share" role="img" aria-label="{told}"><b style="left: {100 * share["low"]:.1f}%; '
            f'width: {100 * (share["high"] - share["low"]):.1f}%"></b>'
            f'<i style="left: {100 * share["share"]:.1f}%"></i></span>'
        )
        split = " / ".join(map(str, counts))
        rows += (
            f'<tr><th scope="row">{escape(ARMS.get(name, name))}</th><td class="left">{picture}</td>'
            f"<td>{share['share']:.0%}</td><td>{share['low']:.0%} to {share['high']:.0%}</td><td>{split}</td></tr>"
        )
    head = (
        '<tr><th scope="col">rated positive</th><th></th><th scope="col">share</th><th scope="col">95 % interval</th>'
        '<th scope="col">negative / neutral / positive</th></tr>'
    )
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _tests(each: dict[str, Any]) -> str:
    rows = [
        ("difference", f"{each['difference']:+.0%}, 95 % interval {each['low']:+.0%} to {each['high']:+.0%}"),
        (word("Fisher"), _p(each["fisher"], each["fisher_holm"])),
        (word("Mann-Whitney"), _p(each["mann_whitney"], each["mann_whitney_holm"]) + f" ({each['method']})"),
        ("rated higher", f"in {each['superiority']:.0%} of pairs, ties counting half"),
    ]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{told}</dd>' for name, told in rows)}</dl><br>"


def _p(p: float, holm: float) -> str:
    return f"p = {p:.2g}" + (f", {holm:.2g} after {word('Holm')}" if holm != p else "")


def _number(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.2f}"


def _texts(store: Store, sheet: str, who: str) -> None:
    """The reveal: every text with its arm and its rating."""
    rated = {judgement.number: judgement.value for judgement in store.current(sheet, who)}
    arms: dict[str, list[str]] = {arm: [] for arm in store.collection(sheet).meta["arms"]}
    for item in store.items(sheet):
        said = WORDS[rated[item.number]] if item.number in rated else "not rated"
        for arm in {arm for arm, _, _ in item.meta["places"]}:
            arms[arm].append(f'<div class="sample"><small>{said}</small>{escape(item.text)}</div>')
    with st.expander("Which model wrote which"):
        for column, (arm, shown) in zip(st.columns(len(arms)), arms.items(), strict=True):
            with column:
                title = ARMS.get(arm, arm)
                html(f"<h2>{escape(title[:1].upper() + title[1:])}</h2>{''.join(shown)}")
